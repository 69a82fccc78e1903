"""Which supercell is displaced: the suggested one, or repeats along the cell's own vectors."""

from typing import Any

import numpy as np
import streamlit as st
from ase import Atoms

from mlip_core.calculations.phonons.supercells import image_distance, suggested_supercell

MIN_LENGTH = 12.0
"""Å between an atom and its nearest image that the suggestion keeps."""
KIND = "supercell"
"""Key of the choice between the two."""
KINDS = {"suggested": "Suggested (turned against the cell)", "repeats": "Repeats along a, b, c"}


def choose_supercell(cell: Atoms) -> np.ndarray:
    """Offer the suggested supercell, or repeats along a, b, c, and say how far its images are apart.

    Parameters
    ----------
    cell : Atoms
        The reference.

    Returns
    -------
    ndarray of int, (3,) or (3, 3)
        Repeats along a, b, c; or a matrix whose columns multiply the cell vectors.
    """
    matrix = suggested_supercell(cell, MIN_LENGTH)
    along_vectors = _is_diagonal(matrix)
    if not along_vectors:
        kind = st.selectbox(
            "Supercell", list(KINDS), format_func=KINDS.__getitem__, key=KIND, bind="query-params",
            help=f"Suggested: the fewest atoms with images at least {MIN_LENGTH:g} Å apart, in the symmetry of the crystal. Here its vectors are sums of the cell's.",
        )  # fmt: skip
        along_vectors = kind == "repeats"
    if along_vectors:
        matrix = np.diag(_choose_repeats(_repeats(cell, matrix)))
    st.caption(_words(cell, matrix))
    return np.diag(matrix) if along_vectors else matrix


def supercell_values(matrix: Any) -> dict[str, Any]:
    """What the widgets must say for a supercell matrix of three or of 3×3 integers."""
    matrix = np.array(matrix)
    if matrix.ndim == 2 and not _is_diagonal(matrix):
        return {KIND: "suggested"}
    repeats = matrix if matrix.ndim == 1 else np.diag(matrix)
    return {KIND: "repeats", **{f"supercell_{axis}": int(n) for axis, n in zip("abc", repeats, strict=True)}}


def _choose_repeats(default: np.ndarray) -> np.ndarray:
    places = zip(st.columns(3, gap="xsmall"), "abc", default, strict=True)
    return np.array(
        [
            int(place.number_input(f"Supercell {axis}", 1, 12, int(n), key=f"supercell_{axis}", bind="query-params"))
            for place, axis, n in places
        ]
    )


def _repeats(cell: Atoms, suggested: np.ndarray) -> np.ndarray:
    """Repeats to begin with: the suggested ones, or those that make every vector long enough."""
    long_enough = np.ceil(MIN_LENGTH / cell.cell.lengths()).astype(int)
    return np.clip(np.diag(suggested) if _is_diagonal(suggested) else long_enough, 1, 12)


def _is_diagonal(matrix: np.ndarray) -> bool:
    return np.array_equal(matrix, np.diag(np.diag(matrix)))


def _words(cell: Atoms, matrix: np.ndarray) -> str:
    distance = image_distance(cell, matrix)
    n_cells = round(np.linalg.det(matrix))
    what = " × ".join(map(str, np.diag(matrix))) if _is_diagonal(matrix) else f"{n_cells} cells"
    near = "" if distance >= MIN_LENGTH else " That is near: a displaced atom may be felt from two sides."
    return f"Supercell {what}: {n_cells * len(cell)} atoms, each {distance:.1f} Å from its nearest image.{near}"
