"""What people call the points of a path through the Brillouin zone."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mlip_core.calculations.phonons.bands import QPath


def special_points(path: "QPath") -> dict[int, str]:
    """Return the index of every end of a segment with its name: "U|K" is U where one ends and K where the next begins."""
    names = {}
    for (start, stop), first, last in zip(path.segments.tolist(), path.labels, path.labels[1:], strict=False):
        names[start] = first.rpartition("|")[2]
        names[stop - 1] = last.partition("|")[0]
    return names


def point_name(path: "QPath", index: int) -> str:
    """Name a point of the path: "X", or "Γ–X 35 %" for how far it is on the way."""
    names = special_points(path)
    if index in names:
        return names[index]
    start, stop = next((start, stop) for start, stop in path.segments.tolist() if start <= index < stop)
    share = (index - start) / (stop - 1 - start)
    return f"{names[start]}–{names[stop - 1]} {100 * share:.0f} %"


def name_of(path: "QPath", qpoint: np.ndarray) -> str:
    """Name any q: as the path does where it is on it, else by its components."""
    distances = np.abs(path.qpoints - np.asarray(qpoint)).max(axis=1)
    on_path = np.flatnonzero(distances < 1e-6).tolist()
    if not on_path:
        return components(qpoint)
    named = special_points(path)
    return point_name(path, next((index for index in on_path if index in named), on_path[0]))


def components(qpoint: np.ndarray) -> str:
    """Write the components of q: "(0.5, 0, −0.5)"."""
    return "(" + ", ".join(f"{x + 0.0:.3g}".replace("-", "−") for x in np.round(qpoint, 6)) + ")"


def gamma(path: "QPath") -> int:
    """Return the index of a Γ of the path, one with a neighbour on either side where there is one; 0 without any."""
    found = [index for index, name in special_points(path).items() if name == "Γ"]
    inner = [index for index in found if np.isclose(path.distances, path.distances[index]).sum() > 1]
    return (inner or found or [0])[0]


def around_gamma(path: "QPath", share: float = 0.1) -> tuple[float, float]:
    """Return the stretch of the path about Γ, from and to which distance: a share of the segments that meet there."""
    place = float(path.distances[gamma(path)])
    ends = [path.distances[[start, stop - 1]] for start, stop in path.segments.tolist()]
    before = [low for low, high in ends if np.isclose(high, place)]
    after = [high for low, high in ends if np.isclose(low, place)]
    return tuple(place + share * (float(end[0]) - place if end else 0.0) for end in (before, after))  # type: ignore[return-value]
