"""A short run at constant energy: total energy drifts where forces are not its gradient."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from ase.md.verlet import VelocityVerlet

from mlip_core.errors import ModelError, SettingsError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.records import record

_FEWEST = 20
"""Points below which no drift is fitted."""
_HOTTEST = 50
"""Multiple of the starting temperature (and 10,000 K more) at which a run has failed."""


@record("ConstantEnergyRun")
@dataclass(frozen=True)
class ConstantEnergyRun:
    """A run of velocity Verlet from Maxwell–Boltzmann velocities."""

    times: np.ndarray
    """(n,), ps."""
    total_energies: np.ndarray
    """(n,), potential + kinetic, eV/atom, less the first."""
    temperatures: np.ndarray
    """(n,), K."""
    timestep: float
    """fs."""
    drift: float | None
    """Slope of the total energy, eV/atom/ps; None if the run is too short."""
    drift_error: float | None
    """Standard error of the slope, correlation in time allowed for, eV/atom/ps."""
    stopped: str | None
    """Why the run ended early; None if it did not."""

    @property
    def resolved(self) -> bool | None:
        """Whether the drift is more than three standard errors; None without a drift."""
        if self.drift is None or self.drift_error is None:
            return None
        return abs(self.drift) > 3 * self.drift_error


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
        fs.
    temperature : float
        K, of the first velocities; their net momentum is removed.
    seed : int
        Of the velocities.
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


def drift(times: np.ndarray, energies: np.ndarray) -> tuple[float, float]:
    """Slope of energy against time by least squares, and its standard error.

    The error of uncorrelated residuals is multiplied by √g, with g = 1 + 2 Σ ρ(t) the
    statistical inefficiency of the residuals (summed up to the first ρ below zero).

    Parameters
    ----------
    times : (n,) array
        ps, equally spaced.
    energies : (n,) array
        eV/atom.

    Returns
    -------
    slope, error : float
        eV/atom/ps.
    """
    t = times - times.mean()
    slope = float(t @ energies / (t @ t))
    residual = energies - energies.mean() - slope * t
    variance = float(residual @ residual) / (len(t) - 2)
    return slope, float(np.sqrt(variance * _inefficiency(residual) / (t @ t)))


def _inefficiency(residual: np.ndarray) -> float:
    n = len(residual)
    power = np.abs(np.fft.rfft(residual, 2 * n)) ** 2
    correlation = np.fft.irfft(power)[:n]
    if correlation[0] <= 0:
        return 1.0
    correlation = correlation / correlation[0]
    below = np.flatnonzero(correlation <= 0)
    return 1 + 2 * float(correlation[1 : below[0] if len(below) else n].sum())


def _started(structure: Atoms, model: Model, temperature: float, seed: int) -> Atoms:
    atoms = structure.copy()
    atoms.set_constraint()
    thermalize_momenta(atoms, temperature, rng=np.random.default_rng(seed))
    if len(atoms) > 1:
        Stationary(atoms)
    atoms.calc = model.calculator()
    return atoms
