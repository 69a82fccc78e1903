"""The one way to spglib, which tells of a failure in two ways and announces that on every call."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import spglib

from mlip_core.errors import StructureError

Cell = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Lattice vectors (3, 3), Å; fractional positions (n_atoms, 3); atomic numbers (n_atoms,)."""


def quietly(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function of spglib without that announcement; errors pass."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Set OLD_ERROR_HANDLING", DeprecationWarning)
        return function(*arguments, **options)


def ask(function: Callable[..., Any], cell: Cell, symprec: float, **options: Any) -> Any:
    """Ask spglib about the symmetry of a cell.

    Parameters
    ----------
    function : callable
        Such as ``spglib.get_symmetry_dataset``.
    cell : (3, 3), (n_atoms, 3) and (n_atoms,) arrays
        Lattice vectors, Å, fractional positions, atomic numbers.
    symprec : float
        Tolerance, Å.
    **options
        Handed to the function.

    Returns
    -------
    object
        What the function returns.

    Raises
    ------
    StructureError
        If spglib finds no symmetry, not even the identity.
    """
    failure = StructureError(
        f"spglib finds no symmetry operations at symprec {symprec:g} Å. "
        "Choose a smaller tolerance, or check that no two atoms lie on one another."
    )
    try:
        answer = quietly(function, cell, symprec=symprec, **options)
    except spglib.SpglibError as error:
        raise failure from error
    if answer is None:
        raise failure
    return answer
