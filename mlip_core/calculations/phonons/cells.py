"""Which cells phonopy works with, fixed by a reference structure.

A relaxed structure may have drifted to P1 by 1e-4 Å. All members of a line-up
are computed with the primitive cell, supercell and symmetry operations of one
reference; the bookkeeping (shortest vectors, rotations) uses the structure
averaged over those operations, the model sees the structure as it was given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.averaging import symmetric_average
from mlip_core.calculations.phonons.frame import PhonopyCells, SharedFrame, frame, phonopy_cells
from mlip_core.calculations.phonons.operations import SupercellSymmetry, cartesian
from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.calculations.phonons.supercells import image_distance, suggested_supercell
from mlip_core.errors import SettingsError, StructureError


@dataclass(frozen=True)
class Cells:
    """Everything that is settled before the first force is computed."""

    frame: SharedFrame
    """What the reference fixes."""
    phonopy: PhonopyCells
    """Cells of `unitcell`: where force constants become frequencies."""
    unitcell: Atoms
    """The structure averaged over the reference's symmetry operations."""
    supercell: Atoms
    """The structure as given, repeated, in phonopy's order."""
    deviation: float
    """Å: the largest distance of an atom from its place in `unitcell`."""

    @property
    def symmetry(self) -> SupercellSymmetry:
        """The reference's operations that the supercell keeps."""
        return self.frame.symmetry

    @property
    def image_distance(self) -> float:
        """Å, between an atom of the supercell and its nearest image."""
        return image_distance(self.frame.reference, self.frame.supercell_matrix)

    @property
    def rotations(self) -> np.ndarray:
        """(n_point, 3, 3), their Cartesian rotations in this structure's cell."""
        return cartesian(self.symmetry.rotations, self.phonopy.supercell.cell)


def settle(structure: Atoms, settings: PhononSettings, reference: Atoms | None) -> Cells:
    """Fix primitive cell, supercell and symmetry.

    Parameters
    ----------
    structure : Atoms
        What the model is asked about; neither relaxed, standardised nor reordered.
    settings : PhononSettings
        Supercell matrix or minimum length, symprec.
    reference : Atoms or None
        Structure with the same atoms in the same order that fixes cells and
        symmetry; None takes `structure` itself.

    Returns
    -------
    Cells

    Raises
    ------
    SettingsError
        If the structure is not periodic, the supercell has one atom, the
        reference has other atoms, or symprec gives no cells.
    StructureError
        If a cell vector is missing.
    """
    _check_periodic(structure)
    fixed = structure if reference is None else reference
    _check_same_atoms(structure, fixed)
    structure, fixed = right_handed(structure), right_handed(fixed)
    matrix = supercell_matrix(fixed, settings)
    if len(structure) * round(np.linalg.det(matrix)) == 1:
        raise SettingsError("a supercell of one atom has no force constants: repeat the cell at least twice.")
    shared = frame(fixed, matrix, settings.symprec)
    unitcell, deviation = symmetric_average(structure, shared.reference, settings.symprec, shared.operations)
    if unitcell == shared.unitcell:
        phonopy = shared.phonopy
    else:
        phonopy = phonopy_cells(unitcell, matrix, shared.primitive_matrix, settings.symprec)
    return Cells(shared, phonopy, unitcell, repeat(structure, unitcell, phonopy), deviation)


def right_handed(atoms: Atoms) -> Atoms:
    """Return the same crystal with a right-handed cell: all three vectors reversed where they are left-handed.

    Lattice, positions and rotations stay as they are; spglib and phonopy need it.
    """
    if np.linalg.det(atoms.cell.array) >= 0:
        return atoms
    turned = atoms.copy()
    turned.set_cell(-atoms.cell.array)
    return turned


def supercell_matrix(structure: Atoms, settings: PhononSettings) -> np.ndarray:
    """(3, 3) integers: the one in the settings, or the one with the fewest atoms whose images are min_length apart."""
    if settings.supercell_matrix is None:
        return suggested_supercell(structure, settings.min_length, symprec=settings.symprec)
    matrix = np.array(settings.supercell_matrix)
    return np.diag(matrix) if matrix.ndim == 1 else matrix


def repeat(structure: Atoms, unitcell: Atoms, phonopy: PhonopyCells) -> Atoms:
    """Repeat `structure` in the order of phonopy's supercell, which was made of `unitcell`."""
    supercell = phonopy.supercell
    owner = np.array([supercell.u2u_map[atom] for atom in supercell.s2u_map])
    fractional = unitcell.cell.scaled_positions(unitcell.positions)
    cells = np.rint(unitcell.cell.scaled_positions(supercell.positions) - fractional[owner])
    given = structure.cell.scaled_positions(structure.positions)
    return Atoms(
        structure.numbers[owner],
        positions=(given[owner] + cells) @ structure.cell.array,
        cell=supercell.supercell_matrix.T @ structure.cell.array,
        pbc=structure.pbc,
        masses=structure.get_masses()[owner],
    )


def _check_periodic(structure: Atoms) -> None:
    if not structure.pbc.any():
        raise SettingsError("phonons need a periodic structure, and this is a molecule: choose a crystal or a slab.")
    if structure.cell.rank < 3:
        raise StructureError("phonons need three cell vectors: give the slab or wire a cell vector across its vacuum.")


def _check_same_atoms(structure: Atoms, reference: Atoms) -> None:
    if not np.array_equal(structure.numbers, reference.numbers) or not np.array_equal(structure.pbc, reference.pbc):
        raise SettingsError(
            f"the reference ({reference.get_chemical_formula()}) must have the atoms of the structure "
            f"({structure.get_chemical_formula()}) in the same order: take the structure the relaxation started from."
        )
