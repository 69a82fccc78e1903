"""What a phonon calculation gives."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.bands import BandStructure
from mlip_core.calculations.phonons.diagnostics import Diagnostics
from mlip_core.calculations.phonons.displacements import DisplacementSet
from mlip_core.calculations.phonons.dos import TotalDos
from mlip_core.calculations.phonons.force_constants import Lattice
from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.calculations.phonons.thermal import ThermalProperties
from mlip_core.records import record


@record("Phonons")
@dataclass(frozen=True, kw_only=True)
class Phonons:
    """Phonons of one structure with one model; "raw" is before the projection on the crystal's symmetry."""

    band_structure: BandStructure
    """From corrected force constants."""
    raw_band_structure: BandStructure
    """From raw force constants, on the same q-points."""
    total_dos: TotalDos
    """Corrected."""
    raw_total_dos: TotalDos
    """Raw; with full displacements on a mesh of half the density, because no point stands for another."""
    thermal: ThermalProperties
    """Corrected."""
    force_constants: np.ndarray
    """(n_primitive, n_supercell, 3, 3), corrected, eV/Å²: phonopy's compact layout."""
    raw_force_constants: np.ndarray
    """(n_primitive, n_supercell, 3, 3), raw, eV/Å²."""
    diagnostics: Diagnostics
    """What the raw force constants break."""
    structure: Atoms
    """As given."""
    unitcell: Atoms
    """`structure` averaged over the symmetry of the reference: the cell phonopy worked with."""
    primitive: Atoms
    """phonopy's "auto" primitive cell of `unitcell`, chosen on the reference."""
    supercell: Atoms
    """`structure` repeated: what was displaced."""
    supercell_matrix: np.ndarray
    """(3, 3) integers, phonopy's convention (columns multiply the cell vectors)."""
    primitive_matrix: np.ndarray
    """(3, 3), phonopy's convention, relative to `unitcell`."""
    lattice: Lattice
    """Tables for computing modes at any q."""
    displacement_set: DisplacementSet
    """Displacements and forces."""
    notes: tuple[str, ...]
    """What a person should know about these numbers."""
    n_evaluations: int
    """Structures the model was asked for: the displacements and the undisplaced supercell."""
    seconds: float
    """Wall time, s."""
    model_seconds: float
    """Of that, inside the model, s."""
    settings: PhononSettings
    """The settings used."""
    image_distance: float | None = None
    """Distance between an atom of the supercell and its nearest image, Å; None in records of before it was kept."""
