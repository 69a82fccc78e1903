"""The equation of state of one crystal by one model."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.calculations.equation_of_state.settings import EquationOfStateSettings
from mlip_core.records import record


@record("FittedEquation")
@dataclass(frozen=True, kw_only=True)
class FittedEquation:
    """An equation fitted to energies at several volumes, all of the cell that was given."""

    volume: float
    """Volume of lowest energy, V₀, Å³."""
    energy: float
    """Energy at that volume, E₀, eV."""
    bulk_modulus: float
    """Bulk modulus at that volume, B₀ = V d²E/dV², GPa."""
    bulk_modulus_derivative: float
    """Derivative of the bulk modulus with respect to pressure at that volume, B₀′ = dB/dP, without unit."""
    energies: np.ndarray
    """(n_volumes,), energy of the equation at the volumes computed, eV."""
    pressures: np.ndarray
    """(n_volumes,), −dE/dV of the equation at the volumes computed, GPa."""
    rms: float
    """Root mean square difference between the energies fitted and the equation, eV."""
    curve_volumes: np.ndarray
    """(n_curve,), volumes close enough to draw the equation as a line, Å³; they reach the minimum."""
    curve_energies: np.ndarray
    """(n_curve,), energy of the equation there, eV."""
    curve_pressures: np.ndarray
    """(n_curve,), −dE/dV of the equation there, GPa."""


@record("EquationOfState")
@dataclass(frozen=True, kw_only=True)
class EquationOfState:
    """Energy and pressure of a crystal against its volume. What was not computed is None."""

    model: str
    """Name of the model."""
    structure: Atoms
    """The crystal as it was given; all volumes and energies are of this cell."""
    settings: EquationOfStateSettings
    """The settings used."""
    structures: tuple[Atoms, ...]
    """(n_volumes,), the crystal at each volume, its atoms relaxed where that was asked for."""
    volumes: np.ndarray
    """(n_volumes,), volumes of the cell in rising order, Å³."""
    energies: np.ndarray
    """(n_volumes,), potential energy at each volume, eV."""
    pressures: np.ndarray | None
    """(n_volumes,), −tr σ/3 of the model's stress, GPa, positive under compression; None where the model gives none."""
    point_pressures: np.ndarray | None
    """(n_volumes,), −dE/dV by finite differences of the energies, GPa: the slope, at each volume, of the quartic through
    its five nearest points. NaN where the atoms did not relax; None with fewer than five points."""
    point_pressure_error: float | None
    """Root mean square change of point_pressures when seven points are taken instead of five, GPa: what finite
    differences and rounding leave uncertain; None with fewer than seven points."""
    fmax: np.ndarray
    """(n_volumes,), longest force on an atom at each volume, eV/Å."""
    converged: np.ndarray
    """(n_volumes,), whether the atoms relaxed as asked; True throughout where they were kept in place. The other volumes
    are left out of the fit."""
    fit: FittedEquation | None
    """The equation fitted; None where the energies have no minimum nearby."""
    stress_volume: float | None
    """Volume at which the pressure of the model's stress vanishes, Å³, where a relaxation of the cell by this stress ends;
    None without a stress, or unless it vanishes exactly once within the volumes computed."""
    notes: tuple[str, ...]
    """What a reader must know, in sentences: no minimum or one outside the volumes, atoms that did not relax, a poor fit."""
    n_evaluations: int
    """Structures the model was asked for, counted beneath any corrections."""
    seconds: float
    """Wall time, s."""
    model_seconds: float
    """Of that, inside the model, s."""

    @property
    def fitted_pressures(self) -> np.ndarray | None:
        """(n_volumes,), −dE/dV of the fit at the volumes computed, GPa; None without a fit."""
        return None if self.fit is None else self.fit.pressures

    @property
    def volume(self) -> float | None:
        """Volume of lowest energy by the fit, V₀, Å³; None without a fit."""
        return None if self.fit is None else self.fit.volume

    @property
    def energy(self) -> float | None:
        """Energy at that volume by the fit, E₀, eV; None without a fit."""
        return None if self.fit is None else self.fit.energy

    @property
    def bulk_modulus(self) -> float | None:
        """Bulk modulus at that volume by the fit, B₀, GPa; None without a fit."""
        return None if self.fit is None else self.fit.bulk_modulus

    @property
    def bulk_modulus_derivative(self) -> float | None:
        """dB/dP at that volume by the fit, B₀′, without unit; None without a fit."""
        return None if self.fit is None else self.fit.bulk_modulus_derivative

    @property
    def pressure_difference(self) -> float | None:
        """Root mean square of pressures − point_pressures, GPa; None without both.

        Within an order of magnitude of `point_pressure_error` where the stress is the derivative of the energy.
        """
        if self.pressures is None or self.point_pressures is None:
            return None
        return float(np.sqrt(np.nanmean((self.pressures - self.point_pressures) ** 2)))
