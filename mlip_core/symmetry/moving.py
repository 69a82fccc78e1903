"""Copies of a structure whose atoms were moved: by given displacements, or at random."""

import numpy as np
from ase import Atoms

SMALLEST = 8
"""Number of atoms below which a periodic cell is repeated before its atoms are displaced: a small cell keeps
symmetries that hide a broken law."""


def moved(structure: Atoms, displacements: np.ndarray) -> Atoms:
    """Copy of a structure, without its constraints, whose atoms are displaced.

    Parameters
    ----------
    structure : Atoms
        Not changed.
    displacements : (n_atoms, 3) or (3,) array
        Å; one vector moves all atoms alike.

    Returns
    -------
    Atoms
    """
    copy = structure.copy()
    copy.set_constraint()
    copy.positions = structure.positions + displacements
    return copy


def rattled(
    structure: Atoms, stdev: float, seed: int | np.random.Generator, *, keep_constraints: bool = False
) -> Atoms:
    """Copy of a structure with normal random displacements.

    The same seed gives the same displacements wherever atoms are rattled.

    Parameters
    ----------
    structure : Atoms
        Not changed.
    stdev : float
        Standard deviation of each component, Å; 0 moves nothing.
    seed : int or Generator
        Seed of the random numbers, or the generator to take them from.
    keep_constraints : bool
        Leave the constraints on the copy; atoms that they fix stay where they are.

    Returns
    -------
    Atoms
    """
    copy = structure.copy()
    if not keep_constraints:
        copy.set_constraint()
    if stdev > 0:
        displacements = np.random.default_rng(seed).normal(scale=stdev, size=copy.positions.shape)
        copy.set_positions(copy.positions + displacements)
    return copy


def large_enough(structure: Atoms, least: int = SMALLEST) -> Atoms:
    """Repeat a small periodic cell until it shows what a model breaks.

    Parameters
    ----------
    structure : Atoms
        Not changed.
    least : int
        Number of atoms that it needs.

    Returns
    -------
    Atoms
        The shortest vector is doubled as often as it takes, and constraints are left out. A molecule, and a cell that has
        as many atoms, stays as it is.
    """
    repeated = structure.copy()
    while repeated.pbc.any() and len(repeated) < least:
        repeated.set_constraint()
        lengths = np.where(repeated.pbc, repeated.cell.lengths(), np.inf)
        repeated = repeated.repeat(np.where(np.arange(3) == np.argmin(lengths), 2, 1))
    return repeated
