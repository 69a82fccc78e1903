"""Data computed for this project: PBE by GPAW."""
