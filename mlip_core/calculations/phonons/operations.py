"""Symmetry operations of a crystal's cell, kept so that a supercell costs no more than its primitive cell.

A supercell of n lattice points has n times the operations of the crystal's point
group, but they are these few, each followed by a lattice translation. So one
operation for each rotation is kept, and the lattice translations apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from mlip_core.errors import SettingsError
from mlip_core.structures.spglib_calls import quietly


@dataclass(frozen=True)
class SupercellOperations:
    """Operations of one cell on fractional coordinates, x → W x + w."""

    rotations: np.ndarray
    """(n_point, 3, 3) integers W, the identity first: each rotation once."""
    translations: np.ndarray
    """(n_point, 3), w of each rotation."""
    lattice_translations: np.ndarray
    """(n_lattice, 3), w of the operations without rotation; the identity is one of them."""


@dataclass(frozen=True)
class SupercellSymmetry:
    """Where the operations of a crystal take the atoms of a supercell."""

    rotations: np.ndarray
    """(n_point, 3, 3) integers, fractional in the supercell, the identity first."""
    atom_maps: np.ndarray
    """(n_point, n_supercell), where each operation takes each atom."""
    lattice_maps: np.ndarray
    """(n_lattice, n_supercell), where each lattice translation takes each atom."""
    primitive_atoms: np.ndarray
    """(n_primitive,), index in the supercell of each atom of the primitive cell."""
    images: np.ndarray
    """(n_point, n_primitive), atom of the primitive cell that each becomes, a lattice translation aside."""
    returns: np.ndarray
    """(n_point, n_primitive), index of the lattice translation that brings it back into the primitive cell."""

    @property
    def n_point(self) -> int:
        """Order of the point group."""
        return len(self.rotations)

    def atom_map(self, operation: int, atom: int | slice = slice(None)) -> np.ndarray:
        """Where the operation takes every atom of the supercell, followed by the translation that brings one atom back.

        Parameters
        ----------
        operation : int
            Which operation.
        atom : int or slice
            Atom of the primitive cell that is to end in the primitive cell; by default each in turn.

        Returns
        -------
        ndarray, (n_supercell,) or (n_primitive, n_supercell)
        """
        return self.lattice_maps[self.returns[operation, atom]][..., self.atom_maps[operation]]


def find_operations(
    cell: np.ndarray, fractional: np.ndarray, numbers: np.ndarray, symprec: float
) -> SupercellOperations:
    """Find the operations of a cell with spglib.

    Parameters
    ----------
    cell : (3, 3)
        Rows are the vectors, Å.
    fractional : (n_atoms, 3)
        Positions.
    numbers : (n_atoms,)
        Atomic numbers.
    symprec : float
        Tolerance, Å.

    Returns
    -------
    SupercellOperations
        At least the identity.

    Raises
    ------
    SettingsError
        If spglib finds nothing.
    """
    import spglib

    try:
        found = quietly(spglib.get_symmetry_dataset, (cell, fractional, numbers), symprec=symprec)
    except spglib.SpglibError as error:
        raise SettingsError(_NOTHING.format(symprec)) from error
    if found is None:
        raise SettingsError(_NOTHING.format(symprec))
    rotations, translations = np.asarray(found.rotations), np.asarray(found.translations)
    pure = (rotations == np.eye(3, dtype=int)).all(axis=(1, 2))
    _, first = np.unique(rotations.reshape(-1, 9), axis=0, return_index=True)
    first = first[np.lexsort((first, ~pure[first]))]
    return SupercellOperations(rotations[first], translations[first], translations[pure])


def find_atom_maps(
    cell: np.ndarray, fractional: np.ndarray, rotations: np.ndarray, translations: np.ndarray, symprec: float
) -> np.ndarray:
    """Find where operations take the atoms of a cell.

    Parameters
    ----------
    cell : (3, 3)
        Å.
    fractional : (n_atoms, 3)
        Positions.
    rotations, translations : (n, 3, 3) and (n, 3)
        Operations on fractional coordinates.
    symprec : float
        Tolerance at which they were found, Å.

    Returns
    -------
    ndarray of int, (n, n_atoms)
        Index of the atom that each becomes.

    Raises
    ------
    SettingsError
        If two atoms become one.
    """
    wrapped = _wrapped(fractional)
    moved = _wrapped(fractional @ rotations.swapaxes(1, 2) + translations[:, None])
    _, maps = cKDTree(wrapped, boxsize=1.0).query(moved.reshape(-1, 3))
    maps = maps.reshape(moved.shape[:2])
    if not (np.sort(maps, axis=1) == np.arange(len(fractional))).all():
        raise SettingsError(_TOGETHER.format(symprec))
    return maps


def supercell_symmetry(
    cell: np.ndarray,
    fractional: np.ndarray,
    numbers: np.ndarray,
    symprec: float,
    *,
    lattice_maps: np.ndarray,
    primitive_atoms: np.ndarray,
) -> SupercellSymmetry:
    """Find the crystal's operations that a supercell keeps, and where they take its atoms.

    Parameters
    ----------
    cell, fractional, numbers : (3, 3), (n_supercell, 3), (n_supercell,)
        The supercell.
    symprec : float
        Tolerance, Å.
    lattice_maps : (n_lattice, n_supercell)
        Where the translations of the primitive lattice take its atoms.
    primitive_atoms : (n_primitive,)
        Atoms of the supercell that make up the primitive cell.

    Returns
    -------
    SupercellSymmetry

    Raises
    ------
    SettingsError
        If an operation takes two atoms to one place.
    """
    found = find_operations(cell, fractional, numbers, symprec)
    maps = find_atom_maps(cell, fractional, found.rotations, found.translations, symprec)
    back, owner = brought_back(lattice_maps, primitive_atoms)
    if len(found.lattice_translations) != len(lattice_maps):
        raise SettingsError(_TRANSLATIONS.format(symprec))
    reached = maps[:, primitive_atoms]
    return SupercellSymmetry(
        rotations=found.rotations,
        atom_maps=maps,
        lattice_maps=lattice_maps,
        primitive_atoms=primitive_atoms,
        images=owner[reached],
        returns=back[reached],
    )


def brought_back(lattice_maps: np.ndarray, primitive_atoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each atom of a supercell, the lattice translation that takes it into the primitive cell, and what it becomes there.

    Parameters
    ----------
    lattice_maps : (n_lattice, n_supercell)
        Where each lattice translation takes each atom.
    primitive_atoms : (n_primitive,)
        Atoms of the supercell that make up the primitive cell.

    Returns
    -------
    back : (n_supercell,)
        Index of the translation.
    owner : (n_supercell,)
        Index of the atom in the primitive cell.
    """
    place = np.full(lattice_maps.shape[1], -1)
    place[primitive_atoms] = np.arange(len(primitive_atoms))
    reached = place[lattice_maps]
    return np.argmax(reached >= 0, axis=0), reached.max(axis=0)


def cartesian(rotations: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Orthogonal matrices (n, 3, 3) of integer rotations in a cell (rows, Å) that has their symmetry nearly."""
    matrices = cell.T @ rotations @ np.linalg.inv(cell.T)
    left, _, right = np.linalg.svd(matrices)
    return left @ right


def _wrapped(fractional: np.ndarray) -> np.ndarray:
    wrapped = fractional % 1.0
    return np.where(wrapped >= 1.0, 0.0, wrapped)


_NOTHING = (
    "spglib finds no symmetry with symprec {} Å: choose another symprec, or check that no two atoms lie on one another."
)
_TOGETHER = "with symprec {} Å a symmetry operation takes two atoms to one place: choose a smaller symprec."
_TRANSLATIONS = (
    "with symprec {} Å the supercell has other lattice translations than the crystal: choose another symprec."
)
