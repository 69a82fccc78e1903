"""Two phonon calculations side by side."""

from dataclasses import dataclass

import numpy as np

from mlip_core.calculations.phonons.dos import TotalDos
from mlip_core.calculations.phonons.record import Phonons
from mlip_core.errors import SettingsError

TEMPERATURE = 300.0
"""K."""


@dataclass(frozen=True, kw_only=True)
class PhononComparison:
    """How far apart two calculations are; differences are first minus second."""

    band_mae: float
    """Mean |Δω| over all q of the path and branches, THz."""
    band_rmse: float
    """Root mean square Δω, THz."""
    band_max: float
    """Largest |Δω|, THz."""
    dos_distance: float
    """Wasserstein-1 distance of the densities of states, THz."""
    free_energy: float
    """ΔF at 300 K, eV/atom."""
    entropy: float
    """ΔS at 300 K, eV/K/atom."""
    heat_capacity: float
    """ΔC_v at 300 K, eV/K/atom."""


def compare_phonons(a: Phonons, b: Phonons, *, raw: bool = False) -> PhononComparison:
    """Compare two calculations on one path.

    Parameters
    ----------
    a, b : Phonons
        Computed with the same reference, so that q-points and branches agree.
    raw : bool
        Compare bands and densities before correction; heat is always from corrected ones.

    Returns
    -------
    PhononComparison

    Raises
    ------
    SettingsError
        If paths or numbers of branches differ.
    """
    first, second = (p.raw_band_structure if raw else p.band_structure for p in (a, b))
    same = first.frequencies.shape == second.frequencies.shape and np.allclose(first.qpoints, second.qpoints, atol=1e-8)
    if not same:
        raise SettingsError(
            "the two calculations lie on different q-paths or have different numbers of branches: "
            "compute both with the same reference structure, supercell and n_qpoints."
        )
    difference = first.frequencies - second.frequencies
    heat = np.subtract(a.thermal.at(TEMPERATURE), b.thermal.at(TEMPERATURE))
    dos = (a.raw_total_dos, b.raw_total_dos) if raw else (a.total_dos, b.total_dos)
    return PhononComparison(
        band_mae=float(np.abs(difference).mean()),
        band_rmse=float(np.sqrt(np.mean(difference**2))),
        band_max=float(np.abs(difference).max()),
        dos_distance=dos_distance(*dos),
        free_energy=float(heat[0]),
        entropy=float(heat[1]),
        heat_capacity=float(heat[2]),
    )


def dos_distance(a: TotalDos, b: TotalDos) -> float:
    """Wasserstein-1 distance of two densities of states, each normalised to 1, THz.

    It is the area between the two cumulative distributions, exact for densities
    that are constant in each interval about a frequency, on whatever frequencies
    each was computed.
    """
    borders, cumulative = zip(_distribution(a), _distribution(b), strict=True)
    points = np.union1d(*borders)
    first, second = (np.interp(points, x, below) for x, below in zip(borders, cumulative, strict=True))
    left, right = (first - second)[:-1], (first - second)[1:]
    heights = (np.abs(left) + np.abs(right)) / 2
    crossing = left * right < 0
    left, right = np.abs(left[crossing]), np.abs(right[crossing])
    heights[crossing] -= left * right / (left + right)
    return float(heights @ np.diff(points))


def _distribution(dos: TotalDos) -> tuple[np.ndarray, np.ndarray]:
    """Borders of the intervals (THz), and the share of the modes below each."""
    width = dos.frequencies[1] - dos.frequencies[0]
    borders = np.append(dos.frequencies, dos.frequencies[-1] + width) - width / 2
    below = np.concatenate([[0.0], np.cumsum(np.clip(dos.density, 0, None))])
    return borders, below / below[-1]
