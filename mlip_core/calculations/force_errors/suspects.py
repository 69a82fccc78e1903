"""Labels that look wrong, and how: forces of opposite sign, a turned frame, exchanged or single bad atoms."""

import numpy as np
import pandas as pd

UNEXPLAINED = "large errors throughout"
"""Text for an outlier that no simple mistake explains."""
_WORST = 6
"""Number of worst atoms among which exchanged pairs are looked for."""
_CURED = 0.35
"""Part of the error, 0 to 1, that an explanation must leave less than to be named."""
_OUTLIER = 4.0
"""Times the median over structures from which an error is looked at; for atoms, times the typical error in the structure."""
_RELATIVE_OUTLIER = 2.5
"""Times the median of the error over the size of the forces; less is asked, because a hypothesis must explain it."""
_LEAST = 5
"""Number of structures from which a subset has a median of its own to be judged by."""
_SMALL = 0.05
"""Size of reference forces below which nothing is relative to them, eV/Å."""
_LIKE = 1.5
"""Ratio of their sizes up to which two forces count as alike."""
_ANGLE = 20.0
"""Angle between force and reference from which a single atom counts as rotated, degrees."""


def hypotheses(forces: np.ndarray, reference: np.ndarray) -> dict[str, float | str]:
    """Return the RMSE of a structure if its reference were repaired in the ways it could be wrong.

    Parameters
    ----------
    forces, reference : (n_atoms, 3) array
        eV/Å.

    Returns
    -------
    dict
        ``negated``, ``rotated``, ``swapped``, ``one_atom`` (without its worst atom): RMSE, eV/Å; ``pair``, ``atom``:
        which atoms; ``atom_angle`` and ``atom_ratio``: between the worst atom's two forces (degrees, |F_ref|/|F|).
    """
    error = np.einsum("ij,ij->i", forces - reference, forces - reference)
    worst = np.argsort(error)[::-1]
    swapped, pair = _swap(forces, reference, float(error.sum()), worst[:_WORST])
    n, atom = 3 * len(forces), int(worst[0])
    norms = np.linalg.norm(forces[atom]), np.linalg.norm(reference[atom])
    cosine = forces[atom] @ reference[atom] / (norms[0] * norms[1]) if min(norms) > 0 else 1.0
    return {
        "negated": float(np.sqrt(np.sum((forces + reference) ** 2) / n)),
        "rotated": float(np.sqrt(np.sum((forces - _turned(forces, reference)) ** 2) / n)),
        "swapped": swapped,
        "pair": pair,
        "one_atom": float(np.sqrt(max(error.sum() - error[atom], 0.0) / n)) if len(forces) > 1 else np.inf,
        "atom": str(atom),
        "atom_angle": float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))),
        "atom_ratio": float(norms[1] / norms[0]) if norms[0] > 0 else np.inf,
    }


def _turned(forces: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Reference under the one rotation that brings it nearest to the forces (Kabsch)."""
    u, _, vt = np.linalg.svd(reference.T @ forces)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    return reference @ (u @ flip @ vt)


def _swap(forces: np.ndarray, reference: np.ndarray, total: float, worst: np.ndarray) -> tuple[float, str]:
    """RMSE with the best pair of references exchanged, and the pair."""
    if len(worst) < 2:
        return np.inf, ""
    square = np.sum((forces[worst][:, None] - reference[worst][None]) ** 2, axis=2)
    own = np.diag(square)
    gain = own[:, None] + own[None] - square - square.T
    i, j = np.unravel_index(np.argmax(gain), gain.shape)
    left = max(total - float(gain[i, j]), 0.0)
    pair = sorted((int(worst[i]), int(worst[j])))
    return float(np.sqrt(left / (3 * len(forces)))), f"{pair[0]} and {pair[1]}"


def named_in_words(rmse: pd.Series, size: pd.Series, table: pd.DataFrame, tags: pd.DataFrame) -> list[str]:
    """Say for each structure what is suspicious about its reference; "" for most.

    A structure is looked at if its error is far above that of the others in its subset, or far above them
    in relation to its forces: then it is named only if a hypothesis explains it.

    Parameters
    ----------
    rmse : Series
        Of each structure, eV/Å.
    size : Series
        Root mean square of the components of its reference forces, eV/Å.
    table : DataFrame
        :func:`hypotheses` of each structure.
    tags : DataFrame
        Tags of each structure, one column a tag. A structure is judged within the smallest subset of at least five that
        share its value of a tag; within all structures where there is none.

    Returns
    -------
    list of str
    """
    relative = rmse / size.where(size > _SMALL)
    far = rmse > _OUTLIER * _usual(rmse, tags)
    doubtful = (far | (relative > _RELATIVE_OUTLIER * _usual(relative, tags))) & (rmse > 0)
    rows = table.to_dict("records")
    return [
        _name(value, row, sure=sure) if look else ""
        for value, row, look, sure in zip(rmse, rows, doubtful, far, strict=True)
    ]


def _usual(values: pd.Series, tags: pd.DataFrame) -> pd.Series:
    """Median over the smallest subset that each structure belongs to and that is large enough; else over all."""
    usual, smallest = pd.Series(values.median(), values.index), pd.Series(len(values), values.index)
    for tag in tags:
        subsets = values.groupby(tags[tag].map(str))
        size = subsets.transform("size")
        finer = (size >= _LEAST) & (size < smallest)
        usual, smallest = usual.mask(finer, subsets.transform("median")), smallest.mask(finer, size)
    return usual


def _name(rmse: float, row: dict, *, sure: bool) -> str:
    explained = {
        "negated": "forces of opposite sign",
        "swapped": f"forces of atoms {row['pair']} exchanged",
        "one_atom": _one_atom(row),
        "rotated": "forces turned against the structure",
    }
    for hypothesis, text in explained.items():
        if row[hypothesis] < _CURED * rmse:
            return text
    return UNEXPLAINED if sure else ""


def _one_atom(row: dict) -> str:
    if 1 / _LIKE < row["atom_ratio"] < _LIKE and row["atom_angle"] > _ANGLE:
        kind = "opposite sign" if row["atom_angle"] > 160 else f"turned by {row['atom_angle']:.0f}°"
        return f"force of atom {row['atom']}: {kind}"
    return f"force of atom {row['atom']} alone is far off"
