"""Equations of state fitted to energies at several volumes, and derivatives of those energies.

ASE fits. The derivatives of its equations are taken by a complex step,
f′(x) = Im f(x + ih)/h, which is exact to rounding for every equation alike.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlip_core.calculations.equation_of_state.record import FittedEquation
from mlip_core.calculations.equation_of_state.settings import FEWEST_VOLUMES, Equation
from mlip_core.errors import CalculationError
from mlip_core.units import EV_PER_A3_IN_GPA

_COMPLEX_STEP = 1e-20
"""No difference is formed, so that the step can be far below rounding."""
_STEP = 1e-4
"""Of the scaled volume, for the derivative of the bulk modulus: truncation and rounding both stay below 1e-6."""
_N_CURVE = 121


@dataclass(frozen=True)
class _Curve:
    """An equation of state in eV and Å³, over one fitted in scaled units."""

    scaled: Callable[[Any], Any]
    """Energy in units of `height` above `lowest`, of a volume in units of `size`."""
    size: float
    """Å³."""
    lowest: float
    """eV."""
    height: float
    """eV."""

    def energy(self, volumes: np.ndarray) -> np.ndarray:
        """Return E(V), eV."""
        return self.lowest + self.height * self.scaled(volumes / self.size)

    def pressure(self, volumes: np.ndarray) -> np.ndarray:
        """Return −dE/dV, GPa."""
        return -self.slope(volumes / self.size) * self.height / self.size * EV_PER_A3_IN_GPA

    def slope(self, x: Any) -> Any:
        """Return the derivative in scaled units."""
        return np.imag(self.scaled(x + 1j * _COMPLEX_STEP)) / _COMPLEX_STEP


def fit_equation(
    volumes: np.ndarray, energies: np.ndarray, equation: Equation = "birchmurnaghan", *, at: np.ndarray | None = None
) -> FittedEquation:
    """Fit an equation of state.

    Volumes and energies are scaled before ASE fits them, so that neither the size
    of the cell nor the zero of energy matters.

    Parameters
    ----------
    volumes : (n,) array
        Å³, at least five.
    energies : (n,) array
        eV.
    equation : str
        One of ASE's names.
    at : (m,) array, optional
        Volumes at which the record gives energies and pressures, Å³; those fitted by default.

    Returns
    -------
    FittedEquation

    Raises
    ------
    CalculationError
        If there are too few points, the fit fails, or its minimum lies farther outside
        the volumes than these are apart.
    """
    if len(volumes) < FEWEST_VOLUMES:
        raise CalculationError(
            f"There are energies at {len(volumes)} volumes only; an equation of state needs {FEWEST_VOLUMES}."
        )
    at = volumes if at is None else at
    curve, x0, e0, b0 = _scaled_fit(volumes, energies, equation)
    line = np.linspace(min(at.min(), x0 * curve.size), max(at.max(), x0 * curve.size), _N_CURVE)
    third = np.dot(curve.slope(x0 + _STEP * np.array([-1, 0, 1])), [1, -2, 1]) / _STEP**2
    return FittedEquation(
        volume=float(x0 * curve.size),
        energy=float(curve.lowest + e0 * curve.height),
        bulk_modulus=float(b0 * curve.height / curve.size * EV_PER_A3_IN_GPA),
        bulk_modulus_derivative=float(-1 - x0**2 * third / b0),
        energies=curve.energy(at),
        pressures=curve.pressure(at),
        rms=float(np.sqrt(np.mean((curve.energy(volumes) - energies) ** 2))),
        curve_volumes=line,
        curve_energies=curve.energy(line),
        curve_pressures=curve.pressure(line),
    )


def _scaled_fit(volumes: np.ndarray, energies: np.ndarray, equation: Equation) -> tuple[_Curve, float, float, float]:
    """Return the curve and its minimum, energy and bulk modulus there, in scaled units."""
    from ase.eos import EquationOfState

    size, lowest, height = float(np.mean(volumes)), float(np.min(energies)), float(np.ptp(energies))
    failure = CalculationError(
        f"The energies have no minimum that {equation} can find near the volumes computed "
        f"({volumes.min():.4g} to {volumes.max():.4g} Å³, of the whole cell), so that there is no equilibrium volume and no bulk modulus. "
        "Relax the cell first, take a larger range of volumes (volume_range), or try another equation."
    )
    if not height > 0:
        raise failure
    eos = EquationOfState(volumes / size, (energies - lowest) / height, eos=equation)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of trial parameters without meaning; what the fit ends with is checked below
        try:
            x0, e0, b0 = eos.fit(warn=False)
        except (RuntimeError, ValueError) as error:
            raise failure from error
    nearby = 2 * volumes.min() - volumes.max() <= x0 * size <= 2 * volumes.max() - volumes.min()
    if not (np.isfinite([x0, e0, b0]).all() and b0 > 0 and nearby):
        raise failure

    def scaled(x: Any) -> Any:
        return eos.fit0(x ** (-1 / 3)) if equation == "sj" else eos.func(x, *eos.eos_parameters)

    return _Curve(scaled, size, lowest, height), float(x0), float(e0), float(b0)


def finite_difference_pressures(volumes: np.ndarray, energies: np.ndarray, *, n_points: int) -> np.ndarray:
    """−dE/dV at each volume from the nearest points, without any equation of state.

    Parameters
    ----------
    volumes : (n,) array
        In rising order, Å³; they need not be evenly spaced.
    energies : (n,) array
        eV.
    n_points : int
        At most n; the slope is that of the polynomial through so many neighbours, and its error of the order
        n_points − 1 in their spacing.

    Returns
    -------
    (n,) array
        GPa.
    """
    slopes = []
    for i, (volume, energy) in enumerate(zip(volumes, energies, strict=True)):
        first = min(max(i - n_points // 2, 0), len(volumes) - n_points)
        near = slice(first, first + n_points)
        reach = np.ptp(volumes[near])
        polynomial = np.polyfit((volumes[near] - volume) / reach, energies[near] - energy, n_points - 1)
        slopes.append(polynomial[-2] / reach)
    return -np.array(slopes) * EV_PER_A3_IN_GPA


def vanishing_pressure(volumes: np.ndarray, pressures: np.ndarray) -> float | None:
    """Volume at which a pressure vanishes.

    Parameters
    ----------
    volumes : (n,) array
        In rising order, Å³.
    pressures : (n,) array
        In any unit.

    Returns
    -------
    float or None
        By a cubic spline through the points, Å³; None unless there is exactly one.
    """
    from scipy.interpolate import CubicSpline

    found = CubicSpline(volumes, pressures).roots(extrapolate=False)
    return float(found[0]) if len(found) == 1 else None
