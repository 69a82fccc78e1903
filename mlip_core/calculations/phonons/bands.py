"""The path through the Brillouin zone, and frequencies along it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.cells import Cells
from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.records import record

if TYPE_CHECKING:
    from phonopy.harmonic.dynamical_matrix import DynamicalMatrix

_GREEK = {"GAMMA": "Γ", "DELTA": "Δ", "LAMBDA": "Λ", "SIGMA": "Σ"}
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True, kw_only=True)
class QPath:
    """Points to compute, segment after segment; a joint is the end of one segment and the start of the next."""

    qpoints: np.ndarray
    """(n_q, 3), fractional in the reciprocal basis of the primitive cell."""
    distances: np.ndarray
    """(n_q,), length along the path in the reference's reciprocal space, 1/Å without 2π."""
    segments: np.ndarray
    """(n_segments, 2), start and stop index: draw `[start:stop]` as one line."""
    labels: tuple[str, ...]
    """Names of the special points, "U|K" where the path jumps."""
    label_indices: np.ndarray
    """(n_labels,), index into `distances` of each name."""


@record("BandStructure")
@dataclass(frozen=True, kw_only=True)
class BandStructure(QPath):
    """Frequencies along a path."""

    frequencies: np.ndarray
    """(n_q, n_bands), THz, ascending at each q; imaginary ones are negative."""


def qpath(cells: Cells, settings: PhononSettings) -> QPath:
    """Lay seekpath's path (HPKOT) through the reference's Brillouin zone.

    Where the reference is not periodic in a direction, the path keeps to the
    plane without that direction.

    Parameters
    ----------
    cells : Cells
        Primitive cell of the reference.
    settings : PhononSettings
        Number of points, symprec.

    Returns
    -------
    QPath
        Points in the basis of phonopy's primitive cell, not seekpath's.
    """
    primitive = cells.frame.phonopy.primitive
    points, path = _seekpath(primitive.cell, primitive.scaled_positions, primitive.numbers, settings.symprec)
    path = _in_plane(points, path, primitive.cell, cells.frame.reference)
    reciprocal = np.linalg.inv(primitive.cell).T
    lengths = [float(np.linalg.norm((points[end] - points[start]) @ reciprocal)) for start, end in path]
    counts = [max(2, round(settings.n_qpoints * length / sum(lengths))) for length in lengths]
    pieces = [np.linspace(points[s], points[e], n) for (s, e), n in zip(path, counts, strict=True)]
    stops = np.cumsum(counts)
    begins = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    distances = [b + np.linspace(0, length, n) for b, length, n in zip(begins, lengths, counts, strict=True)]
    labels, indices = _labels(path, stops)
    return QPath(
        qpoints=np.concatenate(pieces),
        distances=np.concatenate(distances),
        segments=np.stack([stops - counts, stops], axis=1),
        labels=labels,
        label_indices=indices,
    )


def band_structure(dynamical_matrix: DynamicalMatrix, path: QPath) -> BandStructure:
    """Frequencies along a path, by phonopy.

    Parameters
    ----------
    dynamical_matrix : DynamicalMatrix
        phonopy's, with force constants.
    path : QPath
        Points.

    Returns
    -------
    BandStructure
    """
    from phonopy.phonon.qpoints import QpointsPhonon

    pieces = [path.qpoints[start:stop] for start, stop in path.segments]
    # A non-analytical term depends at Γ on the direction from which the segment comes.
    found = [QpointsPhonon(piece, dynamical_matrix, nac_q_direction=piece[0] - piece[-1]) for piece in pieces]
    return BandStructure(**vars(path), frequencies=np.concatenate([one.frequencies for one in found]))


def _seekpath(
    cell: np.ndarray, positions: np.ndarray, numbers: np.ndarray, symprec: float
) -> tuple[dict[str, np.ndarray], list[tuple[str, str]]]:
    import seekpath

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = seekpath.get_path_orig_cell((cell, positions, numbers), symprec=symprec)
    return {name: np.array(q) for name, q in found["point_coords"].items()}, list(found["path"])


def _in_plane(
    points: dict[str, np.ndarray], path: list[tuple[str, str]], primitive: np.ndarray, reference: Atoms
) -> list[tuple[str, str]]:
    reciprocal = np.linalg.inv(primitive).T
    vacuum = reference.cell.array[~reference.pbc]
    inside = {name for name, q in points.items() if np.allclose(vacuum @ (q @ reciprocal), 0, atol=1e-6)}
    return [(start, end) for start, end in path if {start, end} <= inside] or path


def _labels(path: list[tuple[str, str]], stops: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    labels, indices = [_pretty(path[0][0])], [0]
    for number, (_, end) in enumerate(path):
        following = path[number + 1][0] if number + 1 < len(path) else end
        labels.append(_pretty(end) if following == end else f"{_pretty(end)}|{_pretty(following)}")
        indices.append(int(stops[number]) - 1)
    return tuple(labels), np.array(indices)


def _pretty(name: str) -> str:
    letter, _, index = name.partition("_")
    return _GREEK.get(letter, letter) + index.translate(_SUBSCRIPTS)
