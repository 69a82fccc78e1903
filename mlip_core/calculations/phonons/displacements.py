"""Which atoms are moved, and the supercells the model is asked about."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.cells import Cells
from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.records import record


@record("DisplacementSet")
@dataclass(frozen=True, kw_only=True)
class DisplacementSet:
    """The displacements and what the model answered."""

    atoms: np.ndarray
    """(n_displacements,), index in the supercell of the atom that is moved."""
    vectors: np.ndarray
    """(n_displacements, 3), how it is moved, Å."""
    forces: np.ndarray
    """(n_displacements, n_supercell, 3), eV/Å, as the model gave them."""
    residual: np.ndarray
    """(n_supercell, 3), forces of the undisplaced supercell, eV/Å."""


def displacements(cells: Cells, settings: PhononSettings) -> tuple[np.ndarray, np.ndarray]:
    """Choose the displacements.

    Parameters
    ----------
    cells : Cells
        Cells and symmetry of the reference.
    settings : PhononSettings
        "reduced" or "full", ± pairs, length.

    Returns
    -------
    ndarray of int, (n_displacements,)
        Atom of the supercell.
    ndarray, (n_displacements, 3)
        Displacement, Å.
    """
    if settings.displacements == "full":
        first = cells.phonopy.primitive.p2s_map
        steps = settings.displacement * np.concatenate([np.eye(3), -np.eye(3)])
        return np.repeat(first, len(steps)), np.tile(steps, (len(first), 1))
    cells.reference.generate_displacements(
        distance=settings.displacement, is_plusminus=True if settings.plus_minus else "auto"
    )
    chosen: Any = cells.reference.dataset
    vectors = np.array([entry["displacement"] for entry in chosen["first_atoms"]])
    carried = vectors @ np.linalg.solve(cells.reference.supercell.cell, cells.phonopy.supercell.cell)
    carried *= settings.displacement / np.linalg.norm(carried, axis=1)[:, None]
    return np.array([entry["number"] for entry in chosen["first_atoms"]]), carried


def displaced(supercell: Atoms, atoms: np.ndarray, vectors: np.ndarray) -> list[Atoms]:
    """Return one copy of the supercell for each displacement."""
    structures = []
    for atom, vector in zip(atoms, vectors, strict=True):
        moved = supercell.copy()
        moved.positions[atom] += vector
        structures.append(moved)
    return structures
