"""Which cells phonopy works with, fixed by a reference structure.

A relaxed structure may have drifted to P1 by 1e-4 Å. All members of a line-up
are computed with the primitive cell, supercell and symmetry operations of one
reference; the bookkeeping (shortest vectors, rotations) uses the structure
averaged over those operations, the model sees the structure as it was given.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.errors import SettingsError, StructureError

if TYPE_CHECKING:
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms
    from phonopy.structure.symmetry import Symmetry

SAME = 1e-6
"""Å; a structure this close to its symmetric average is used as it is."""


@dataclass(frozen=True)
class Cells:
    """Everything that is settled before the first force is computed."""

    reference: Phonopy
    """Over the reference structure: its symmetry, primitive cell and displacements."""
    phonopy: Phonopy
    """Over `unitcell`: where force constants become frequencies."""
    unitcell: Atoms
    """The structure averaged over the reference's symmetry operations."""
    supercell: Atoms
    """The structure as given, repeated, in phonopy's order."""
    deviation: float
    """Å: the largest distance of an atom from its place in `unitcell`."""
    notes: tuple[str, ...]
    """What a person should know."""

    @property
    def symmetry(self) -> Symmetry:
        """Operations of the reference's supercell."""
        return self.reference.symmetry

    @property
    def supercell_symmetric(self) -> bool:
        """Whether primitive cell, supercell and reference have one point group."""
        groups = (self.reference.symmetry, self.phonopy.primitive_symmetry, self.phonopy.symmetry)
        return len({len(group.pointgroup_operations) for group in groups}) == 1


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
        If the structure is not periodic, the supercell has one atom, or the
        reference has other atoms.
    StructureError
        If a cell vector is missing.
    """
    _check_periodic(structure)
    fixed = structure if reference is None else reference
    _check_same_atoms(structure, fixed)
    matrix = supercell_matrix(fixed, settings)
    if len(structure) * round(np.linalg.det(matrix)) == 1:
        raise SettingsError("a supercell of one atom has no force constants: repeat the cell at least twice.")
    base, messages = _phonopy(fixed, matrix, "auto", settings.symprec)
    unitcell, deviation = symmetric_average(structure, fixed, settings.symprec)
    if reference is None and deviation < SAME:
        phonopy = base
    else:
        phonopy, more = _phonopy(unitcell, matrix, base.primitive_matrix, settings.symprec)
        messages |= more
    supercell = repeat(structure, unitcell, phonopy)
    return Cells(base, phonopy, unitcell, supercell, deviation, _notes(messages, deviation, settings))


def supercell_matrix(structure: Atoms, settings: PhononSettings) -> np.ndarray:
    """(3, 3) integers: the one in the settings, or the shortest diagonal one with every vector ≥ min_length."""
    if settings.supercell_matrix is not None:
        matrix = np.array(settings.supercell_matrix)
        return np.diag(matrix) if matrix.ndim == 1 else matrix
    repeats = np.ceil(settings.min_length / structure.cell.lengths() - 1e-6).astype(int)
    return np.diag(np.where(structure.pbc, np.maximum(repeats, 1), 1))


def symmetric_average(structure: Atoms, reference: Atoms, symprec: float) -> tuple[Atoms, float]:
    """Average a structure over the symmetry operations of another with the same atoms.

    Parameters
    ----------
    structure, reference : Atoms
        The same atoms in the same order.
    symprec : float
        Tolerance of the reference's symmetry, Å.

    Returns
    -------
    Atoms
        Cell and positions invariant under every operation, oriented and
        placed as `structure`; `structure` itself where it differs by less than 1e-6 Å.
    float
        Largest distance of an atom from its average place, or of a cell vector's end, Å.
    """
    from phonopy.structure.symmetry import Symmetry

    symmetry = Symmetry(to_phonopy(reference), symprec=symprec)
    rotations = symmetry.symmetry_operations["rotations"]
    translations = symmetry.symmetry_operations["translations"]
    cell = _average_cell(structure.cell.array, rotations)
    given = structure.cell.scaled_positions(structure.positions)
    moved = _nearest(given - reference.cell.scaled_positions(reference.positions))
    shift = moved.mean(axis=0)
    average = np.zeros_like(given)
    for rotation, translation, images in zip(rotations, translations, symmetry.atomic_permutations, strict=True):
        image = (given - shift) @ rotation.T + translation
        target = given[images] - shift
        average[images] += target + _nearest(image - target)
    average = average / len(rotations) + shift
    deviation = max(
        float(np.linalg.norm((average - given) @ cell, axis=1).max()),
        float(np.linalg.norm(cell - structure.cell.array, axis=1).max()),
    )
    if deviation < SAME:
        return structure, deviation
    averaged = structure.copy()
    averaged.set_constraint()
    averaged.set_cell(cell)
    averaged.positions = average @ cell
    return averaged, deviation


def repeat(structure: Atoms, unitcell: Atoms, phonopy: Phonopy) -> Atoms:
    """Repeat `structure` in the order of phonopy's supercell, which was made of `unitcell`."""
    supercell = phonopy.supercell
    owner = np.array([supercell.u2u_map[atom] for atom in supercell.s2u_map])
    fractional = unitcell.cell.scaled_positions(unitcell.positions)
    cells = np.rint(unitcell.cell.scaled_positions(supercell.positions) - fractional[owner])
    given = structure.cell.scaled_positions(structure.positions)
    return Atoms(
        structure.numbers[owner],
        positions=(given[owner] + cells) @ structure.cell.array,
        cell=phonopy.supercell_matrix.T @ structure.cell.array,
        pbc=structure.pbc,
        masses=structure.get_masses()[owner],
    )


def to_phonopy(atoms: Atoms) -> PhonopyAtoms:
    """Convert, without magnetic moments."""
    from phonopy.structure.atoms import PhonopyAtoms

    return PhonopyAtoms(
        numbers=atoms.numbers, cell=atoms.cell.array, positions=atoms.positions, masses=atoms.get_masses()
    )


def to_ase(cell: PhonopyAtoms, pbc: np.ndarray) -> Atoms:
    """Convert back."""
    return Atoms(cell.numbers, positions=cell.positions, cell=cell.cell, pbc=pbc, masses=cell.masses)


def _phonopy(structure: Atoms, matrix: np.ndarray, primitive: Any, symprec: float) -> tuple[Phonopy, set[str]]:
    from phonopy import Phonopy

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            made = Phonopy(to_phonopy(structure), matrix, primitive_matrix=primitive, symprec=symprec)
        except (RuntimeError, ValueError, AssertionError) as error:
            raise SettingsError(
                f"no primitive cell or supercell could be made with symprec {symprec} Å: choose another symprec."
            ) from error
    return made, {str(warning.message) for warning in caught}


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


def _average_cell(cell: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    metric = cell @ cell.T
    averaged = np.mean([rotation.T @ metric @ rotation for rotation in rotations], axis=0)
    upright = np.linalg.cholesky(averaged)
    left, _, right = np.linalg.svd(upright.T @ cell)
    return upright @ left @ right


def _nearest(fractional: np.ndarray) -> np.ndarray:
    return fractional - np.rint(fractional)


def _notes(messages: set[str], deviation: float, settings: PhononSettings) -> tuple[str, ...]:
    notes = []
    if any("Point group symmetries" in message for message in messages):
        notes.append("The supercell has a lower symmetry than the crystal: a matrix that keeps it gives better bands.")
    if deviation > 0.05:
        notes.append(
            f"The structure is {deviation:.2g} Å away from the symmetry of the reference, which was imposed on "
            + ("the displacements." if settings.displacements == "reduced" else "the correction.")
        )
    return tuple(notes)
