"""What is drawn of a structure: atoms and their copies on the faces of the cell, bonds, edges, sizes and colours."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from scipy.spatial import cKDTree

BOND_FACTOR = 1.2
"""Two atoms are joined when closer than this times the sum of their covalent radii."""
BOUNDARY = 0.12
"""Å: atoms this close to a face of the cell are drawn on the opposite face too."""
MAX_BOUNDARY_ATOMS = 3000
"""With more atoms than this, no copies on faces."""
MAX_COORDINATES = 600_000
"""Longer trajectories are thinned evenly to this many numbers; first and last frame stay."""

_NONMETALS = [1, 2, *range(5, 11), *range(14, 19), *range(32, 37), *range(51, 55), 85, 86]


def images(atoms: Atoms, repeats: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """List what is drawn: every atom inside the repeated cell, those on its faces on all of them.

    Parameters
    ----------
    atoms : Atoms
        One cell, n atoms.
    repeats : (3,)
        How often it is repeated along a, b, c.

    Returns
    -------
    parent : (m,)
        Which atom each image belongs to.
    shift : (m, 3)
        Whole cell vectors added to its position.
    """
    n = len(atoms)
    if not atoms.pbc.any() or atoms.cell.rank < 3:
        return np.arange(n), np.zeros((n, 3), dtype=int)
    heights = 1 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    margin = np.where(atoms.pbc, np.minimum(BOUNDARY / heights, 0.05), 0.0)
    fractional = atoms.cell.scaled_positions(atoms.positions)
    home = np.where(atoms.pbc, np.floor(fractional + margin), 0).astype(int)
    fractional = fractional - home
    on_faces = n * int(np.prod(repeats)) <= MAX_BOUNDARY_ATOMS
    limits = np.array(repeats) + (margin if on_faces else -margin)
    parent, shift = [], []
    for step in product(*(range(r + 1) if p else (0,) for r, p in zip(repeats, atoms.pbc, strict=True))):
        moved = np.where(atoms.pbc, fractional + step < limits, True)
        inside = np.flatnonzero(moved.all(axis=1))
        parent.append(inside)
        shift.append(np.array(step) - home[inside])
    return np.concatenate(parent), np.concatenate(shift)


def bonds(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Join neighbours; metal atoms among themselves only where nothing else is present.

    Parameters
    ----------
    numbers : (n,)
        Atomic numbers.
    positions : (n, 3)
        Å.

    Returns
    -------
    (n_bonds, 2)
        Pairs of indices.
    """
    radii = covalent_radii[numbers]
    pairs = cKDTree(positions).query_pairs(2 * BOND_FACTOR * radii.max(), output_type="ndarray")
    i, j = pairs.T
    near = np.linalg.norm(positions[i] - positions[j], axis=1) < BOND_FACTOR * (radii[i] + radii[j])
    metal = ~np.isin(numbers, _NONMETALS)
    if not metal.all():
        near &= ~(metal[i] & metal[j])
    return pairs[near]


def ball_radius(number: int) -> float:
    """Radius at which an atom of this atomic number is drawn beside its bonds, Å."""
    return round(0.24 + 0.2 * float(covalent_radii[number]), 3)


def hex_color(color: Sequence[float]) -> str:
    """Write red, green and blue from 0 to 1 as "#rrggbb"."""
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in color)


def edges(cell: np.ndarray) -> np.ndarray:
    """Return the twelve edges of a cell.

    Parameters
    ----------
    cell : (3, 3)
        Cell vectors as rows, Å.

    Returns
    -------
    (12, 2, 3)
        Start and end of each edge, Å.
    """
    corners = [np.array(n) for n in product((0, 1), repeat=3)]
    found = [(n, n + axis) for axis in np.eye(3, dtype=int) for n in corners if not n @ axis]
    return np.array(found) @ cell


def thinned(n_frames: int, n_atoms: int) -> list[int]:
    """Return which frames of a trajectory are drawn: all, or evenly spaced ones with the first and the last."""
    most = max(2, MAX_COORDINATES // (3 * n_atoms))
    if n_frames <= most:
        return list(range(n_frames))
    return sorted(set(np.linspace(0, n_frames - 1, most).round().astype(int).tolist()))
