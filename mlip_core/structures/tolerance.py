"""The space group of a structure against the tolerance it is looked for with."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.structures.crystal import SymmetryInfo, symmetry

SWEEP = tuple(float(symprec) for symprec in np.round(np.logspace(-6, -1, 11), 9))
"""Tolerances of a sweep, Å: two a decade, 1e-6 to 1e-1."""


def symmetry_by_tolerance(atoms: Atoms, symprecs: Sequence[float] = SWEEP) -> tuple[SymmetryInfo, ...]:
    """Find the space group at many tolerances, because one alone can hide what is broken, or what is left.

    Parameters
    ----------
    atoms : Atoms
        A validated structure.
    symprecs : sequence of float
        Tolerances, Å.

    Returns
    -------
    tuple of SymmetryInfo
        One a tolerance; without those where spglib finds no consistent group, and empty where a space group has
        no meaning.
    """
    found = []
    for symprec in symprecs:
        try:
            info = symmetry(atoms, symprec)
        except StructureError:  # between two groups no set of operations may fit
            continue
        if info is not None:
            found.append(info)
    return tuple(found)
