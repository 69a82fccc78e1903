"""Two atoms nearer to one another than in any material."""

import numpy as np
from ase import Atoms

CLOSEST = 0.5
"""Å; nearer than this no two atoms of any material are (H₂: 0.74)."""


def closest_pair(atoms: Atoms) -> tuple[int, int, float] | None:
    """Find the two atoms that are nearest to one another, if they are nearer than :data:`CLOSEST`.

    Parameters
    ----------
    atoms : Atoms
        Periodic directions have lattice vectors that span them.

    Returns
    -------
    first, second : int
        Numbers of the atoms, from 0; the same number twice for an atom and its own image.
    distance : float
        Å. Instead of the three, None where no two atoms are so near.
    """
    from ase.geometry import complete_cell, minkowski_reduce

    periodic = atoms.cell.array * atoms.pbc[:, None]
    cell = complete_cell(periodic)
    if _margins(cell).max() > 1:  # so flat a cell has many images near by, its reduced form few
        cell = complete_cell(minkowski_reduce(periodic, pbc=atoms.pbc)[0])
    neighbours, distances = _nearest(atoms.positions, cell, atoms.pbc)
    first = int(np.argmin(np.round(distances, 9)))
    if not distances[first] < CLOSEST:
        return None
    return first, int(neighbours[first]), float(distances[first])


def _margins(cell: np.ndarray) -> np.ndarray:
    """(3,), :data:`CLOSEST` over the distance between opposite faces of the cell."""
    return CLOSEST * np.linalg.norm(np.linalg.inv(cell), axis=0)


def _nearest(positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest other atom within :data:`CLOSEST` and its distance (else infinity)."""
    from scipy.spatial import cKDTree

    margins = _margins(cell)
    places = positions @ np.linalg.inv(cell)
    places[:, pbc] %= 1.0
    steps = [
        np.arange(-n, n + 1) if periodic else np.zeros(1) for n, periodic in zip(np.ceil(margins), pbc, strict=True)
    ]
    shifts = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    images = (places + shifts).reshape(-1, 3)
    kept = np.flatnonzero((((images >= -margins) & (images <= 1 + margins)) | ~pbc).all(axis=1))
    distances, found = cKDTree(images[kept] @ cell).query(places @ cell, k=2, distance_upper_bound=CLOSEST)
    owners = np.append(kept % len(positions), -1)[found]
    itself = np.arange(len(positions))
    column = np.where(owners[:, 0] == itself, 1, 0)
    return owners[itself, column], distances[itself, column]
