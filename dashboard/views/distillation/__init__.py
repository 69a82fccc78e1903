"""Learn this structure."""
