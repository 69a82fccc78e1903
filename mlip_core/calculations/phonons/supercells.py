"""The supercell with the fewest atoms in which an atom is far enough from its own images.

What matters is the shortest vector of the supercell's lattice, not the length of
the vectors that were repeated: a skewed primitive cell repeated to 12 Å along each
of its vectors may have images 3 Å apart. Every sublattice of the crystal's lattice
has one Hermite normal form, a triangular integer matrix whose determinant is the
number of cells; they are tried in order of size, among those that keep the point
group of the crystal, because a supercell of lower symmetry needs more displacements
and splits what is degenerate.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from ase import Atoms
from ase.geometry import minkowski_reduce

from mlip_core.calculations.phonons.operations import find_operations
from mlip_core.errors import SettingsError

_MOST_CELLS = 100
"""Where even the densest lattice needs more cells, all sublattices are too many to try: a smaller one is found and multiplied."""
_DENSEST = {1: 1.0, 2: np.sqrt(3) / 2, 3: 1 / np.sqrt(2)}
"""Smallest volume of a lattice in one, two or three dimensions with images 1 apart."""
_ROUNDING = 1e-6
"""Å: images this much nearer than asked are far enough."""


def image_distance(atoms: Atoms, supercell_matrix: np.ndarray) -> float:
    """Distance between an atom of a supercell and its nearest image.

    Parameters
    ----------
    atoms : Atoms
        Periodic in at least one direction.
    supercell_matrix : (3,) or (3, 3) integers
        Multiplies the cell, phonopy's convention (columns multiply the cell vectors).

    Returns
    -------
    float
        Å; directions that are not periodic do not count.
    """
    matrix = np.asarray(supercell_matrix)
    matrix = np.diag(matrix) if matrix.ndim == 1 else matrix
    return _shortest((matrix.T @ atoms.cell.array)[atoms.pbc])


def suggested_supercell(atoms: Atoms, min_length: float = 12.0, *, symprec: float = 1e-5) -> np.ndarray:
    """Find the supercell with the fewest atoms whose images are at least `min_length` apart.

    Among equally many atoms the one with the most distant images is taken. A cell
    that is not repeated along its own vectors comes with the shortest vectors it has.

    Parameters
    ----------
    atoms : Atoms
        Periodic in at least one direction; it is not repeated along the others.
    min_length : float
        Å.
    symprec : float
        Tolerance of the symmetry that the supercell keeps, Å.

    Returns
    -------
    ndarray of int, (3, 3)
        phonopy's convention: columns multiply the cell vectors.

    Raises
    ------
    SettingsError
        If nothing is periodic or `min_length` is not positive.
    """
    if not atoms.pbc.any():
        raise SettingsError(
            "only a periodic structure can be repeated, and this is a molecule: choose a crystal or a slab."
        )
    if not 0 < min_length < np.inf:
        raise SettingsError(f"min_length must be a positive length in Å, not {min_length!r}.")
    arrays = (atoms.cell.array, atoms.cell.scaled_positions(atoms.positions), atoms.numbers, atoms.pbc)
    return _suggested(tuple(array.tobytes() for array in arrays), min_length, symprec).copy()


@lru_cache(maxsize=64)
def _suggested(arrays: tuple[bytes, ...], min_length: float, symprec: float) -> np.ndarray:
    cell, fractional = (np.frombuffer(part).reshape(-1, 3) for part in arrays[:2])
    numbers, pbc = np.frombuffer(arrays[2], dtype=int), np.frombuffer(arrays[3], dtype=bool)
    rotations = find_operations(cell, fractional, numbers, symprec).rotations
    apart = ~(rotations[:, pbc][:, :, ~pbc].any(axis=(1, 2)) | rotations[:, ~pbc][:, :, pbc].any(axis=(1, 2)))
    turns = np.unique(rotations[apart][:, pbc][:, :, pbc], axis=0)
    rows = np.eye(3, dtype=int)
    rows[np.ix_(pbc, pbc)] = _best_rows(cell[pbc], turns, min_length)
    return rows.T


def _best_rows(vectors: np.ndarray, turns: np.ndarray, length: float) -> np.ndarray:
    """Basis (k, k) of the best sublattice, rows multiply the k periodic vectors."""
    reduction = _reduction(vectors)
    reduced = reduction @ vectors
    turns = np.rint(reduction @ turns.swapaxes(1, 2) @ np.linalg.inv(reduction)).astype(int)
    length -= _ROUNDING
    scale = 1
    while _fewest_cells(reduced, length / scale) > _MOST_CELLS:
        scale += 1
    found = scale * next(_far_enough(reduced, turns, length / scale))
    multiple = int(np.ceil(length / _shortest(reduced))) * np.eye(len(vectors), dtype=int)
    if np.linalg.det(multiple) < np.linalg.det(found[0]) - 0.5:
        found = multiple[None]
    rows = [_tidy(sublattice @ reduction, vectors) for sublattice in found]
    quality = [
        (round(_shortest(one @ vectors), 6), np.array_equal(one, np.diag(np.diag(one))), -place)
        for place, one in enumerate(rows)
    ]
    return rows[-max(quality)[2]]


def _fewest_cells(vectors: np.ndarray, length: float) -> int:
    """Cells that the densest possible lattice needs for images so far apart."""
    volume = np.sqrt(np.linalg.det(vectors @ vectors.T))
    return max(1, int(np.ceil(_DENSEST[len(vectors)] * length ** len(vectors) / volume - _ROUNDING)))


def _far_enough(vectors: np.ndarray, turns: np.ndarray, length: float) -> Iterator[np.ndarray]:
    """Sublattices (n, k, k) of each size that the turns keep and whose vectors are at least so long, where there are any."""
    near = _vectors_shorter_than(vectors, length)
    size = _fewest_cells(vectors, length)
    while True:
        found = _sublattices(size, len(vectors))
        for turn in turns:
            for row in range(len(vectors)):
                found = found[_contains(found, found[:, row] @ turn)]
        for vector in near:
            found = found[~_contains(found, np.broadcast_to(vector, found.shape[:2]))]
        if len(found):
            yield found
        size += 1


def _sublattices(size: int, dimensions: int) -> np.ndarray:
    """All sublattices of a size, (n, k, k), rows in Hermite normal form (lower triangular)."""
    found = []
    for sides in _factors(size, dimensions):
        below = [(row, column) for row in range(dimensions) for column in range(row)]
        counts = [sides[column] for _, column in below]
        entries = np.indices(counts).reshape(len(below), int(np.prod(counts)))
        matrices = np.zeros((entries.shape[1], dimensions, dimensions), dtype=int)
        matrices[:, range(dimensions), range(dimensions)] = sides
        for (row, column), values in zip(below, entries, strict=True):
            matrices[:, row, column] = values
        found.append(matrices)
    return np.concatenate(found)


def _factors(size: int, count: int) -> Iterator[tuple[int, ...]]:
    if count == 1:
        yield (size,)
        return
    for first in range(1, size + 1):
        if size % first == 0:
            yield from ((first, *rest) for rest in _factors(size // first, count - 1))


def _contains(sublattices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Whether each sublattice (n, k, k) in Hermite normal form has its vector (n, k)."""
    rest = vectors.copy()
    inside = np.ones(len(sublattices), dtype=bool)
    for row in reversed(range(rest.shape[1])):
        times, left = np.divmod(rest[:, row], sublattices[:, row, row])
        inside &= left == 0
        rest -= times[:, None] * sublattices[:, row]
    return inside


def _vectors_shorter_than(vectors: np.ndarray, length: float) -> np.ndarray:
    """Integer combinations (n, k) of vectors shorter than a length, the shortest first, one of each ± pair."""
    reach = np.floor(length * np.linalg.norm(np.linalg.pinv(vectors), axis=0)).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(
        -1, len(vectors)
    )
    grid = grid[len(grid) // 2 + 1 :]
    lengths = np.linalg.norm(grid @ vectors, axis=1)
    order = np.argsort(lengths)
    return grid[order[: np.searchsorted(lengths[order], length)]]


def _tidy(rows: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the nicest basis of a sublattice: multiples of the given vectors where it has one, else the shortest vectors."""
    inverse = np.linalg.inv(rows)
    times = [_order(inverse[axis]) for axis in range(len(rows))]
    if np.prod(times) == round(abs(np.linalg.det(rows))):
        return np.diag(times)
    basis = _reduction(rows @ vectors) @ rows
    return basis if np.linalg.det(basis) > 0 else -basis if len(basis) % 2 else basis[::-1]


def _order(fractions: np.ndarray) -> int:
    """Smallest whole number that makes all fractions whole."""
    times = 1
    while np.abs(times * fractions - np.rint(times * fractions)).max() > 1e-6:
        times += 1
    return times


def _reduction(vectors: np.ndarray) -> np.ndarray:
    """Integer matrix (k, k) that makes k vectors as short as their lattice allows."""
    periodic = np.arange(3) < len(vectors)
    cell = np.zeros((3, 3))
    cell[periodic] = vectors
    _, operation = minkowski_reduce(cell, periodic)
    return np.asarray(operation)[np.ix_(periodic, periodic)]


def _shortest(vectors: np.ndarray) -> float:
    """Length of the shortest vector of a lattice."""
    return float(np.linalg.norm(_reduction(vectors) @ vectors, axis=1).min())
