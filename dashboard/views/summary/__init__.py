"""Summary: what to conclude."""
