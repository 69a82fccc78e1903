"""Point groups of structures without a lattice, found by superposing a molecule on itself."""

from itertools import permutations

import numpy as np
from ase import Atoms
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

_COLLINEAR = 1e-3
"""Distance from the axis, relative to the largest distance from the centroid, up to which an atom counts as on it (besides symprec)."""


def molecular_operations(structure: Atoms, symprec: float) -> tuple[np.ndarray, np.ndarray]:
    """Rotations and rotation-reflections about the centroid that map a molecule onto itself.

    Parameters
    ----------
    structure : Atoms
        Without periodic directions.
    symprec : float
        Largest distance, Å, between an atom and the place another one is taken to.

    Returns
    -------
    rotations : (n, 3, 3) array
        Orthogonal, the identity first. A linear molecule's infinite group is
        represented by a finite subgroup that fixes the same vectors and tensors,
        a single atom's by the octahedral group.
    maps : (n, n_atoms) array
        The atom each atom is taken to.
    """
    positions = structure.positions - structure.positions.mean(axis=0)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for rotation in _candidates(positions, structure.numbers, symprec):
        atom_map = match(positions, structure.numbers, rotation, symprec)
        known = any(np.abs(rotation - other).max() < 1e-6 + symprec for other, _ in found)
        if atom_map is not None and not known:
            found.append((rotation, atom_map))
    return np.array([r for r, _ in found]), np.array([p for _, p in found])


def match(positions: np.ndarray, numbers: np.ndarray, rotation: np.ndarray, tolerance: float) -> np.ndarray | None:
    """Atom to which a rotation about the origin takes each atom, or None if it is not a symmetry.

    Parameters
    ----------
    positions : (n, 3) array
        Å, relative to the fixed point.
    numbers : (n,) array
        Atomic numbers.
    rotation : (3, 3) array
    tolerance : float
        Å.
    """
    distances = cdist(positions @ rotation.T, positions)
    atom_map = distances.argmin(axis=1)
    good = distances[np.arange(len(atom_map)), atom_map].max() <= tolerance
    same = (numbers[atom_map] == numbers).all()
    return atom_map if good and same and len(np.unique(atom_map)) == len(atom_map) else None


def _candidates(positions: np.ndarray, numbers: np.ndarray, symprec: float) -> list[np.ndarray]:
    """The identity, then every operation that takes two chosen atoms to two like them."""
    radii = np.linalg.norm(positions, axis=1)
    if radii.max() <= symprec:
        proper = list(Rotation.create_group("O").as_matrix())
        return [np.eye(3), *proper, *(-r for r in proper)]
    first = _rarest(radii, numbers, radii > symprec, symprec)
    axis = positions[first] / radii[first]
    off_axis = np.linalg.norm(np.cross(axis, positions), axis=1)
    if off_axis.max() <= symprec + _COLLINEAR * radii.max():
        return [np.eye(3), *_about_axis(axis)]
    second = _rarest(radii, numbers, off_axis > symprec + _COLLINEAR * radii.max(), symprec)
    like_first = _alike(radii, numbers, first, symprec)
    like_second = _alike(radii, numbers, second, symprec)
    apart = np.linalg.norm(positions[first] - positions[second])
    start = _triad(positions[first], positions[second])
    candidates = [np.eye(3)]
    for i in like_first:
        for j in like_second:
            if i != j and abs(np.linalg.norm(positions[i] - positions[j]) - apart) <= 4 * symprec + 1e-9:
                end = _triad(positions[i], positions[j])
                candidates += [end.T @ start, end.T @ np.diag([1, 1, -1]) @ start]
    return candidates


def _rarest(radii: np.ndarray, numbers: np.ndarray, allowed: np.ndarray, symprec: float) -> int:
    """An allowed atom with the fewest others of its element at its distance from the centroid."""
    return int(min(np.flatnonzero(allowed), key=lambda i: len(_alike(radii, numbers, int(i), symprec))))


def _alike(radii: np.ndarray, numbers: np.ndarray, atom: int, symprec: float) -> np.ndarray:
    return np.flatnonzero((numbers == numbers[atom]) & (np.abs(radii - radii[atom]) <= 2 * symprec + 1e-9))


def _triad(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(3, 3) rows: an orthonormal frame carried by two directions from the centroid."""
    x = a / np.linalg.norm(a)
    z = np.cross(a, b)
    z /= np.linalg.norm(z)
    return np.array([x, np.cross(z, x), z])


def _about_axis(axis: np.ndarray) -> list[np.ndarray]:
    """The group D4h about an axis: vectors and tensors that it leaves unchanged are left unchanged by every rotation about the axis."""
    x = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
    frame = _triad(axis, x)
    signs = np.array(np.meshgrid([1, -1], [1, -1], [1, -1])).reshape(3, -1).T
    operations = []
    for order in permutations(range(1, 3)):
        swap = np.eye(3)[[0, *order]]
        operations += [frame.T @ np.diag(s) @ swap @ frame for s in signs]
    return operations
