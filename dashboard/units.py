"""Factors of the units that pages show; those with a physical constant in them are in :mod:`mlip_core.units`."""

MEV = 1000.0
"""meV in an eV."""
