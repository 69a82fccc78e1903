"""Long curves with as many points as a screen can show."""

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
    pieces = (most - 2) // 2
    length = -(-len(y) // pieces)
    table = np.full((pieces, length), np.nan)  # the last pieces may be shorter, or empty
    table.flat[: len(y)] = y
    starts = length * np.arange(pieces)
    lowest = starts + np.where(np.isnan(table), np.inf, table).argmin(axis=1)
    highest = starts + np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
    inside = [index for index in (*lowest, *highest) if index < len(y)]
    return np.unique([0, *inside, len(y) - 1])
