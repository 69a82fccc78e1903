"""Phonons by finite displacements: phonopy's lattice dynamics over any model."""

from mlip_core.calculations.phonons.calculation import Phonons, phonons
from mlip_core.calculations.phonons.comparison import PhononComparison, compare
from mlip_core.calculations.phonons.settings import NonAnalytical, PhononSettings

__all__ = ["NonAnalytical", "PhononComparison", "PhononSettings", "Phonons", "compare", "phonons"]
