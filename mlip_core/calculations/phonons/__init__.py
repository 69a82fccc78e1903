"""Phonons by finite displacements: phonopy's lattice dynamics over any model."""

from mlip_core.calculations.phonons.calculation import phonons
from mlip_core.calculations.phonons.comparison import PhononComparison, compare_phonons
from mlip_core.calculations.phonons.record import Phonons
from mlip_core.calculations.phonons.settings import NonAnalytical, PhononSettings

__all__ = ["NonAnalytical", "PhononComparison", "PhononSettings", "Phonons", "compare_phonons", "phonons"]
