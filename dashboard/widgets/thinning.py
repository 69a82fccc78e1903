"""Long curves with as many points as a screen can show."""

from itertools import pairwise

import numpy as np

MOST = 300
"""Points of a curve in a figure."""


def thinned(y: np.ndarray, most: int = MOST) -> np.ndarray:
    """Choose the points of a long curve whose picture is that of the whole.

    Parameters
    ----------
    y : ndarray
        (n,), values; not-a-number where the curve has a gap.
    most : int
        Points that may stay.

    Returns
    -------
    ndarray
        (m,), their indices in increasing order, m ≤ ``most``: all of a short curve; of a long one the first,
        the last, and the lowest and the highest of every piece, pieces being equally long.
    """
    if len(y) <= most:
        return np.arange(len(y))
    edges = np.linspace(0, len(y), (most - 2) // 2 + 1).astype(int)
    pieces = list(pairwise(edges))
    lowest = [a + int(np.argmin(np.where(np.isnan(y[a:b]), np.inf, y[a:b]))) for a, b in pieces]
    highest = [a + int(np.argmax(np.where(np.isnan(y[a:b]), -np.inf, y[a:b]))) for a, b in pieces]
    return np.unique([0, *lowest, *highest, len(y) - 1])
