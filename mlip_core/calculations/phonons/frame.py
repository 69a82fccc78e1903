"""What the members of a line-up share: cells, atom tables and symmetry of one reference crystal.

They are found once and kept in memory for the next member.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.averaging import symmetric_average
from mlip_core.calculations.phonons.operations import (
    SupercellOperations,
    SupercellSymmetry,
    find_operations,
    supercell_symmetry,
)
from mlip_core.errors import SettingsError

if TYPE_CHECKING:
    from phonopy.structure.atoms import PhonopyAtoms
    from phonopy.structure.cells import Primitive, Supercell
    from phonopy.structure.symmetry import Symmetry

KEPT_FRAMES = 4
"""References whose tables stay in memory: a line-up needs one; a few people's line-ups may alternate in a worker."""


class PhonopyCells(NamedTuple):
    """Supercell and primitive cell in phonopy's form, of one unit cell."""

    supercell: Supercell
    """What is displaced, in phonopy's order."""
    primitive: Primitive
    """What has the branches; it knows the shortest vectors between atoms of the supercell."""


@dataclass(frozen=True)
class SharedFrame:
    """What one reference fixes."""

    reference: Atoms
    """As given."""
    operations: SupercellOperations
    """Symmetry operations of the reference."""
    unitcell: Atoms
    """The reference averaged over them."""
    supercell_matrix: np.ndarray
    """(3, 3) integers, phonopy's convention (columns multiply the cell vectors)."""
    primitive_matrix: np.ndarray
    """(3, 3), phonopy's convention, relative to `unitcell`."""
    phonopy: PhonopyCells
    """Cells of `unitcell`."""
    primitive_symmetry: Symmetry
    """Operations of the primitive cell, for meshes in reciprocal space."""
    symmetry: SupercellSymmetry
    """The operations that the supercell keeps."""

    @property
    def keeps_point_group(self) -> bool:
        """Whether the supercell is as symmetric as the crystal."""
        return self.symmetry.n_point == len(self.primitive_symmetry.pointgroup_operations)

    @property
    def across(self) -> np.ndarray:
        """(3,) of bool: reciprocal vectors of the primitive cell at right angles to all periodic directions."""
        periodic = self.unitcell.cell.array[self.unitcell.pbc]
        return np.all(np.abs(np.linalg.solve(self.phonopy.primitive.cell.T, periodic.T)) < 1e-6, axis=1)


def frame(reference: Atoms, matrix: np.ndarray, symprec: float) -> SharedFrame:
    """Find cells and symmetry of a reference, or remember them.

    Parameters
    ----------
    reference : Atoms
        With three cell vectors, right-handed.
    matrix : (3, 3)
        Supercell matrix.
    symprec : float
        Tolerance of the reference's symmetry, Å.

    Returns
    -------
    SharedFrame

    Raises
    ------
    SettingsError
        If the tolerance gives no cells or no symmetry.
    """
    arrays = (reference.numbers, reference.positions, reference.cell.array, reference.pbc, reference.get_masses())
    return _frame(tuple(array.tobytes() for array in arrays), np.asarray(matrix, dtype=int).tobytes(), symprec)


def phonopy_cells(
    unitcell: Atoms, supercell_matrix: np.ndarray, primitive_matrix: np.ndarray, symprec: float
) -> PhonopyCells:
    """Build phonopy's supercell and primitive cell of a unit cell.

    Raises
    ------
    SettingsError
        If they do not fit together within the tolerance.
    """
    from phonopy.structure.cells import get_primitive, get_supercell

    try:
        supercell = get_supercell(to_phonopy(unitcell), supercell_matrix, symprec=symprec)
        return PhonopyCells(
            supercell, get_primitive(supercell, np.linalg.solve(supercell_matrix, primitive_matrix), symprec)
        )
    except (RuntimeError, ValueError, AssertionError) as error:
        raise SettingsError(
            f"no primitive cell or supercell could be made with symprec {symprec} Å: choose another symprec."
        ) from error


def to_phonopy(atoms: Atoms) -> PhonopyAtoms:
    """Convert, without magnetic moments."""
    from phonopy.structure.atoms import PhonopyAtoms

    return PhonopyAtoms(
        numbers=atoms.numbers, cell=atoms.cell.array, positions=atoms.positions, masses=atoms.get_masses()
    )


def to_ase(cell: PhonopyAtoms, pbc: np.ndarray) -> Atoms:
    """Convert back."""
    return Atoms(cell.numbers, positions=cell.positions, cell=cell.cell, pbc=pbc, masses=cell.masses)


@lru_cache(maxsize=KEPT_FRAMES)
def _frame(reference_bytes: tuple[bytes, ...], matrix_bytes: bytes, symprec: float) -> SharedFrame:
    reference = _atoms(reference_bytes)
    matrix = np.frombuffer(matrix_bytes, dtype=int).reshape(3, 3)
    fractional = reference.cell.scaled_positions(reference.positions)
    operations = find_operations(reference.cell.array, fractional, reference.numbers, symprec)
    unitcell, _ = symmetric_average(reference, reference, symprec, operations)
    primitive_matrix = _primitive_matrix(unitcell, symprec)
    cells = phonopy_cells(unitcell, matrix, primitive_matrix, symprec)
    return SharedFrame(
        reference=reference,
        operations=operations,
        unitcell=unitcell,
        supercell_matrix=matrix,
        primitive_matrix=primitive_matrix,
        phonopy=cells,
        primitive_symmetry=_primitive_symmetry(cells.primitive, symprec),
        symmetry=supercell_symmetry(
            cells.supercell.cell,
            cells.supercell.scaled_positions,
            cells.supercell.numbers,
            symprec,
            lattice_maps=np.array(cells.primitive.atomic_permutations),
            primitive_atoms=np.array(cells.primitive.p2s_map),
        ),
    )


def _atoms(parts: tuple[bytes, ...]) -> Atoms:
    numbers, positions, cell, pbc, masses = parts
    return Atoms(
        np.frombuffer(numbers, dtype=int),
        positions=np.frombuffer(positions).reshape(-1, 3),
        cell=np.frombuffer(cell).reshape(3, 3),
        pbc=np.frombuffer(pbc, dtype=bool),
        masses=np.frombuffer(masses),
    )


def _primitive_matrix(unitcell: Atoms, symprec: float) -> np.ndarray:
    from phonopy.structure.cells import get_primitive_matrix_with_auto

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return get_primitive_matrix_with_auto(to_phonopy(unitcell), "auto", symprec=symprec)


def _primitive_symmetry(primitive: Primitive, symprec: float) -> Symmetry:
    from phonopy.structure.symmetry import Symmetry

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Symmetry(primitive, symprec=symprec)
