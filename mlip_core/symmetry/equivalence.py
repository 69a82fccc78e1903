"""Orientations of one structure that its own symmetry makes equivalent: each class is evaluated once.

If g maps the structure onto itself, atom i onto π(i), then the structure rotated by
R g is the structure rotated by R with its atoms renumbered and moved as a whole. So,
rotated back, F̃_i(R g) = F̃_π(i)(R) g and σ̃(R g) = gᵀ σ̃(R) g, without evaluating R g.
"""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.geometry import complete_cell
from scipy.spatial import cKDTree

from mlip_core.errors import CalculationError, SettingsError
from mlip_core.symmetry.rotations import Grid
from mlip_core.symmetry.space_group import space_group

_SEARCH = 1e-6
"""Tolerance with which symmetries are searched, Å."""
_EXACT = 1e-8
"""Largest mismatch of a symmetry that may replace an evaluation, below any model's arithmetic, Å."""
_SAME = 1e-6
"""Largest difference of the elements of two matrices that count as one operation."""


@dataclass(frozen=True)
class Member:
    """An operation of the grid whose result follows from its class's evaluation."""

    weight: float
    """Weight of the operation in the grid."""
    symmetry: np.ndarray
    """(3, 3), the structure's own operation g, with operation = representative @ g."""
    atom_map: np.ndarray
    """(n_atoms,), the atom π(i) whose place atom i takes under g."""


@dataclass(frozen=True)
class Orientation:
    """One evaluation, and all operations of the grid that it stands for."""

    operation: np.ndarray
    """(3, 3), the representative R, in which the model is asked: a rotation, or a rotation times −1."""
    members: tuple[Member, ...]
    """All operations of the class, the representative itself included."""


def orientations(structure: Atoms, grid: Grid) -> list[Orientation]:
    """Split a grid into classes that are equivalent for this structure.

    Parameters
    ----------
    structure : Atoms
    grid : Grid

    Returns
    -------
    list of Orientation
        As many as evaluations are needed; the weights of all members sum to 1.
    """
    operations, weights = grid.operations, grid.operation_weights
    symmetries = _symmetries(structure) if grid.degree is not None and len(operations) > 1 else []
    tree = cKDTree(operations.reshape(-1, 9))
    left = np.ones(len(operations), dtype=bool)
    identity_map = np.arange(len(structure))
    classes = []
    for k, representative in enumerate(operations):
        if not left[k]:
            continue
        left[k] = False
        members = [Member(weights[k], np.eye(3), identity_map)]
        for rotation, atom_map in symmetries:
            distance, j = tree.query((representative @ rotation).ravel())
            if distance > _SAME or not left[j]:
                continue
            symmetry = representative.T @ operations[j]
            if _holds(structure, symmetry, atom_map):
                left[j] = False
                members.append(Member(weights[j], symmetry, atom_map))
        classes.append(Orientation(representative, tuple(members)))
    return classes


def _symmetries(structure: Atoms) -> list[tuple[np.ndarray, np.ndarray]]:
    """Point operations with their atom maps; empty where none can be found so tightly."""
    try:
        group = space_group(structure, symprec=_SEARCH)
    except (CalculationError, SettingsError):
        return []
    return list(zip(group.rotations, group.maps, strict=True))[1:]


def _holds(structure: Atoms, symmetry: np.ndarray, atom_map: np.ndarray) -> bool:
    """Whether x → x gᵀ + t maps lattice and atoms onto themselves to better than any arithmetic shows."""
    cell, pbc = complete_cell(structure.cell.array * structure.pbc[:, None]), structure.pbc
    to_fractional = np.linalg.inv(cell)
    lattice = (cell[pbc] @ symmetry.T) @ to_fractional
    if len(lattice) and np.abs((lattice - np.rint(lattice)) @ cell).max() > _EXACT:
        return False
    difference = structure.positions @ symmetry.T - structure.positions[atom_map]
    translation = (difference - difference[0]) @ to_fractional
    return bool(np.abs((translation - np.rint(translation) * pbc) @ cell).max() <= _EXACT)
