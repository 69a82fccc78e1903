"""Which atoms are moved, and the supercells the model is asked about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.cells import Cells
from mlip_core.calculations.phonons.operations import SupercellSymmetry
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
    first = np.array(cells.phonopy.primitive.p2s_map)
    if settings.displacements == "full":
        steps = settings.displacement * np.concatenate([np.eye(3), -np.eye(3)])
        return np.repeat(first, len(steps)), np.tile(steps, (len(first), 1))
    from phonopy.harmonic.displacement import get_least_displacements

    chosen = np.array(
        get_least_displacements(
            _Sites(cells.symmetry),
            is_plusminus=True if settings.plus_minus else "auto",
        )
    )
    vectors = chosen[:, 1:] @ cells.phonopy.supercell.cell
    vectors *= settings.displacement / np.linalg.norm(vectors, axis=1)[:, None]
    return chosen[:, 0], vectors


def displaced_supercells(supercell: Atoms, atoms: np.ndarray, vectors: np.ndarray) -> list[Atoms]:
    """Return one copy of the supercell for each displacement."""
    structures = []
    for atom, vector in zip(atoms, vectors, strict=True):
        moved = supercell.copy()
        moved.positions[atom] += vector
        structures.append(moved)
    return structures


class _Sites:
    """What phonopy's search for displacements asks of a symmetry: inequivalent atoms and the rotations that leave one."""

    def __init__(self, symmetry: SupercellSymmetry) -> None:
        self._symmetry = symmetry

    def get_independent_atoms(self) -> np.ndarray:
        """Atoms of the supercell, one of each kind."""
        earliest = self._symmetry.images.min(axis=0)
        return self._symmetry.primitive_atoms[earliest == np.arange(len(earliest))]

    def get_site_symmetry(self, atom: int) -> np.ndarray:
        """(n, 3, 3) integer rotations about the atom."""
        number = int(np.flatnonzero(self._symmetry.primitive_atoms == atom)[0])
        return self._symmetry.rotations[self._symmetry.images[:, number] == number]
