"""The structure repeated to given numbers of atoms, as cubic as possible."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.build import make_supercell

_EDGES = np.linspace(0.6, 1.5, 181)
"""Edges of the cubes that are tried, in units of that of a cube with the wished number of atoms."""


def repeated(structure: Atoms, n_atoms: Sequence[int]) -> list[Atoms]:
    """Repeat a structure along its periodic directions to about these numbers of atoms.

    Parameters
    ----------
    structure : Atoms
        It is not changed. A molecule is not repeated, a slab in its plane only.
    n_atoms : sequence of int
        Numbers of atoms wished for.

    Returns
    -------
    list of Atoms
        Without constraints, rising in size; wishes that lead to the same size are met once.
    """
    plain = structure.copy()
    plain.set_constraint()
    if not plain.pbc.any():
        return [plain]
    cells = [make_supercell(plain, supercell(plain, n), wrap=False) for n in n_atoms]
    return sorted({len(cell): cell for cell in cells}.values(), key=len)


def supercell(structure: Atoms, n_atoms: int) -> np.ndarray:
    """Find the supercell of about so many atoms that is nearly a cube, or a square of a slab.

    The vectors of the supercell are the lattice vectors nearest to the edges of a
    cube; cubes of several sizes are tried.

    Parameters
    ----------
    structure : Atoms
        Periodic in at least one direction.
    n_atoms : int
        Number of atoms wished for.

    Returns
    -------
    (3, 3) array of int
        Rows multiply the cell vectors (ASE's convention); the determinant is positive. The one with the least
        sum of the error of the number, |ln(n/n_atoms)|, and the largest distance of an edge from the cube's, in edges.
    """
    pbc = structure.pbc
    vectors = structure.cell.array[pbc]
    edges = _edges(vectors)
    inverse = edges @ np.linalg.pinv(vectors)
    volume = abs(np.linalg.det(vectors @ edges.T))
    wished = (volume * max(1.0, n_atoms / len(structure))) ** (1 / len(vectors))
    best, least = np.eye(len(vectors), dtype=int), np.inf
    for edge in wished * _EDGES:
        rows = np.rint(edge * inverse).astype(int)
        count = round(abs(np.linalg.det(rows)))
        if not count:
            continue
        missed = abs(np.log(count * len(structure) / n_atoms))
        skewed = np.linalg.norm(rows @ vectors / edge - edges, axis=1).max()
        if missed + skewed < least - 1e-9:
            best, least = rows, missed + skewed
    if np.linalg.det(best) < 0:
        best[0] *= -1
    matrix = np.eye(3, dtype=int)
    matrix[np.ix_(pbc, pbc)] = best
    return matrix


def _edges(vectors: np.ndarray) -> np.ndarray:
    """Return unit vectors along the edges of a cube, or of a square in the plane of a slab: one a periodic direction."""
    if len(vectors) == 3:
        return np.eye(3)
    across, triangle = np.linalg.qr(vectors.T)
    return (across * np.sign(np.diag(triangle))).T
