"""A short run of molecular dynamics at constant energy: the total energy drifts where forces are not its gradient."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from ase.md.verlet import VelocityVerlet
from scipy.fft import dct

from mlip_core.errors import ModelError, SettingsError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.records import record

FEWEST_FOR_ERROR = 500
"""Points below which a drift has no error: the run is too short to tell slow noise from a drift."""
_FEWEST = 20
"""Points below which no drift is fitted."""
_HOTTEST = 50
"""Multiple of the starting temperature (and 10,000 K more) at which a run has failed."""
_N_SLOWEST, _N_COSINES = 8, 24
"""Cosines whose power is averaged for the error of a drift, and to which the Lorentzian is fitted."""
_CORNERS = np.append(np.geomspace(1.5, 60, 24), np.inf)
"""Corner frequencies of the Lorentzian, in half periods a run: slower noise cannot be told from a drift, and infinity is
noise without correlation."""


@record("ConstantEnergyRun")
@dataclass(frozen=True)
class ConstantEnergyRun:
    """A run at constant energy by velocity Verlet, from Maxwell–Boltzmann velocities."""

    times: np.ndarray
    """(n,), time of each point, ps."""
    total_energies: np.ndarray
    """(n,), potential + kinetic energy, less that of the first point, eV/atom."""
    temperatures: np.ndarray
    """(n,), temperature of the velocities, K."""
    timestep: float
    """Time step, fs."""
    drift: float | None
    """Slope of the total energy, eV/atom/ps; None for fewer than 20 points."""
    drift_error: float | None
    """Standard error of the slope, correlation in time allowed for, eV/atom/ps; None for fewer than 500 points, where the run
    is too short to tell."""
    stopped: str | None
    """Why the run ended early; None if it did not."""

    @property
    def resolved(self) -> bool | None:
        """Whether the drift is more than three standard errors; None where the run is too short to tell."""
        if self.drift is None or self.drift_error is None:
            return None
        return abs(self.drift) > 3 * self.drift_error

    @property
    def in_words(self) -> str:
        """The drift for people, in eV/atom/ps: with its error, or why there is none."""
        if self.stopped:
            return self.stopped
        if self.drift is None:
            return "too short to tell"
        if self.drift_error is None:
            return f"{self.drift:.1e}, too short to tell: {len(self.times)} points, an error needs {FEWEST_FOR_ERROR}"
        text = f"{self.drift:.1e} ± {self.drift_error:.0e}"
        return text if self.resolved else f"{text}, not resolved"


def constant_energy_run(
    structure: Atoms,
    model: Model,
    *,
    picoseconds: float = 0.5,
    timestep: float = 1.0,
    temperature: float = 300.0,
    seed: int = 0,
    progress: Progress = silent,
) -> ConstantEnergyRun:
    """Run molecular dynamics at constant energy (ASE's velocity Verlet).

    Parameters
    ----------
    structure : Atoms
        Start; its constraints are left out.
    model : Model
    picoseconds : float
        Length of the run.
    timestep : float
        Time step, fs.
    temperature : float
        Temperature of the first velocities, K; their net momentum is removed.
    seed : int
        Seed of the random velocities.
    progress : callable, optional
        Called each step with ``total_energy`` (eV/atom less the first) and ``temperature``.

    Returns
    -------
    ConstantEnergyRun

    Raises
    ------
    SettingsError
        If length, time step or temperature is not positive.
    ModelError
        If the model cannot answer for the start; later it only ends the run.
    """
    if min(picoseconds, timestep, temperature) <= 0:
        raise SettingsError("length, time step and temperature of a run must be positive")
    atoms = _started(structure, model, temperature, seed)
    steps = max(1, round(1000 * picoseconds / timestep))
    dynamics = VelocityVerlet(atoms, timestep=timestep * units.fs)
    rows: list[tuple[float, float]] = []
    stopped = None
    try:
        for step in range(steps + 1):
            if step:
                dynamics.run(1)
            rows.append((atoms.get_total_energy() / len(atoms), atoms.get_temperature()))
            progress(step, steps, total_energy=rows[-1][0] - rows[0][0], temperature=rows[-1][1])
            if rows[-1][1] > _HOTTEST * temperature + 10_000:
                stopped = f"after {step * timestep:g} fs the temperature passed {rows[-1][1]:.0f} K"
                break
    except ModelError as error:
        if not rows:
            raise
        stopped = f"after {len(rows) * timestep:g} fs: {error}"
    table = np.array(rows)
    times = np.arange(len(table)) * timestep / 1000
    energies = table[:, 0] - table[0, 0]
    slope, error_of_slope = drift(times, energies) if len(table) >= _FEWEST else (None, None)
    return ConstantEnergyRun(times, energies, table[:, 1], timestep, slope, error_of_slope, stopped)


def drift(times: np.ndarray, energies: np.ndarray) -> tuple[float, float | None]:
    """Slope of energy against time by least squares, and its standard error.

    A slope is uncertain by the noise that is as slow as the run is long. So the error
    follows from the power of the residuals at frequency zero: the mean over their
    slowest cosines, extrapolated by the Lorentzian that noise with an exponential
    correlation has; corner frequencies are averaged over by their likelihood. For such
    noise (correlation of neighbouring points up to 0.98) and for noise without
    correlation, slope over error has a standard deviation of 1 within 0.1.

    Parameters
    ----------
    times : (n,) array
        ps, equally spaced.
    energies : (n,) array
        eV/atom.

    Returns
    -------
    slope : float
        eV/atom/ps.
    error : float or None
        eV/atom/ps; None for fewer than :data:`FEWEST_FOR_ERROR` points, which are too few
        to tell slow noise from a drift.
    """
    t = times - times.mean()
    slope = float(t @ energies / (t @ t))
    if len(t) < FEWEST_FOR_ERROR:
        return slope, None
    return slope, float(np.sqrt(_slow_power(energies - energies.mean() - slope * t) / (t @ t)))


def _slow_power(residual: np.ndarray) -> float:
    """Variance of noise that is everywhere as strong as this one is at frequency zero.

    The last factor widens the error for its being estimated: two degrees of freedom for a
    variance in a denominator, as in Student's t, and one for the corner.
    """
    order = np.arange(2, _N_COSINES + 2)  # the two slower ones are nearly mean and slope, which were taken out
    power = dct(residual, norm="ortho")[order] ** 2
    if not power.any():
        return 0.0
    falls = 1 + (order / _CORNERS[:, None]) ** 2
    level = (falls @ power) / _N_COSINES
    log_likelihood = (np.log(falls).sum(axis=1) - _N_COSINES * np.log(level)) / 2
    weights = np.exp(log_likelihood - log_likelihood.max())
    slowest = falls[:, :_N_SLOWEST] @ power[:_N_SLOWEST] / _N_SLOWEST
    return float(weights @ slowest / weights.sum()) * _N_COSINES / (_N_COSINES - 3)


def _started(structure: Atoms, model: Model, temperature: float, seed: int) -> Atoms:
    atoms = structure.copy()
    atoms.set_constraint()
    thermalize_momenta(atoms, temperature, rng=np.random.default_rng(seed))
    if len(atoms) > 1:
        Stationary(atoms)
    atoms.calc = model.calculator()
    return atoms
