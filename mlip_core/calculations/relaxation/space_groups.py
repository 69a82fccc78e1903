"""The space group along a relaxation, looked for again only where the crystal has changed its shape."""

import numpy as np
from ase import Atoms

from mlip_core.calculations.relaxation.checks import space_group_symbol

PART = 0.01
"""Part of the tolerance by which nothing may have moved since the space group was found; growth does not count."""
GROWTH = 0.05
"""Relative change of lengths up to which a crystal that only grows or shrinks has the same space group."""


class FollowedSpaceGroup:
    """The space group at one tolerance of one structure after the other, all with the same atoms.

    Finding it takes as long as a small model does. It is kept while nothing has moved by more than
    :data:`PART` of the tolerance beyond a uniform growth, so that a distance between atoms that decides
    is taken for the tolerance within a hundredth.

    Parameters
    ----------
    symprec : float
        Tolerance, Å.
    """

    def __init__(self, symprec: float) -> None:
        self._symprec = symprec
        self._found: tuple[Atoms, str | None] | None = None

    def of(self, atoms: Atoms) -> str | None:
        """Symbol and number as "Fm-3m (225)"; None where not periodic in three directions or not found."""
        if not atoms.pbc.all() or atoms.cell.rank < 3:
            return None
        if self._found is None or change_of_shape(self._found[0], atoms) > PART * self._symprec:
            self._found = atoms, space_group_symbol(atoms, self._symprec)
        return self._found[1]


def change_of_shape(before: Atoms, after: Atoms) -> float:
    """Longest way, Å, that a cell vector and an atom in the cell moved together, a uniform growth and a rigid shift left out.

    Parameters
    ----------
    before, after : Atoms
        Crystals with the same atoms in the same order, positions not wrapped.

    Returns
    -------
    float
        Infinity where the lengths changed by more than :data:`GROWTH`, or the cell was turned inside out.
    """
    deformation = np.linalg.solve(before.cell.array, after.cell.array)
    growth = np.cbrt(np.linalg.det(deformation))
    if not abs(growth - 1) < GROWTH:
        return np.inf
    vectors = after.cell.array / growth - before.cell.array
    moved = after.positions @ np.linalg.inv(deformation) - before.positions
    moved -= moved.mean(axis=0)
    return float(np.linalg.norm(vectors, axis=1).max() + np.linalg.norm(moved, axis=1).max())
