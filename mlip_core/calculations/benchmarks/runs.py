"""LAMBench's efficiency and instability of one model, measured here: large cells timed, long runs at constant energy."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms

from mlip_core.calculations.benchmarks.lambench import efficiency, instability
from mlip_core.calculations.conservation.dynamics import constant_energy_run, drift
from mlip_core.datasets.dataset import Dataset, Frame
from mlip_core.datasets.stored import StoredDataset
from mlip_core.errors import CalculationError, ModelError, SettingsError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, Stages, silent
from mlip_core.records import former, record

SMALLEST_CELL, LARGEST_CELL = 800, 1000
"""Smallest and largest number of atoms of a cell that is timed."""
SETTLING = 0.2
"""Share of a run before the energy is fitted, as in the benchmark's code (lambench/tasks/calculator/nve_md)."""
_REPORT_EVERY = 20
"""Steps of a run from one report to the next: there are tens of thousands."""
TIMED, RUN = "large cells", "run at constant energy"


@record("LambenchSettings")
@dataclass(frozen=True, kw_only=True)
class LambenchSettings:
    """How many structures of a data set are timed and run, and how long each runs."""

    n_cells: int = 10
    """Number of cells that are timed; the first tenth warms up. LAMBench takes 1,000."""
    n_runs: int = 1
    """Number of runs at constant energy, each of another formula. LAMBench takes 9 structures of its own."""
    picoseconds: float = 10.0
    """Length of a run, ps."""
    timestep: float = 1.0
    """Time step of a run, fs."""
    temperature: float = 300.0
    """Temperature of the first velocities, K."""

    def __post_init__(self) -> None:
        if not (10 <= self.n_cells <= 1000 and 1 <= self.n_runs <= 9):
            raise SettingsError("time 10 to 1000 cells and run 1 to 9 structures")
        if min(self.picoseconds, self.timestep, self.temperature) <= 0:
            raise SettingsError("length, time step and temperature of a run must be positive")


@former("LambenchTask")
def _former_settings(fields: dict[str, Any]) -> tuple[StoredDataset, LambenchSettings]:
    """Build what 0.1.0 stored: the settings named the data set."""
    path, sha256 = Path(fields.pop("dataset")), fields.pop("dataset_sha256")
    return StoredDataset(file=f"{path.parent.name}/{path.name}", sha256=sha256), LambenchSettings(**fields)


def _settings_alone(fields: dict[str, Any]) -> dict[str, Any]:
    settings = fields["settings"]
    return fields | {"settings": settings[1] if isinstance(settings, tuple) else settings}


@record("LambenchRuns", upgrade=_settings_alone)
@dataclass(frozen=True, kw_only=True)
class LambenchRuns:
    """What was measured of one model."""

    model: str
    """Name of the model."""
    dataset: str
    """Name of the data set that the structures are from."""
    settings: LambenchSettings
    """What was timed and run: numbers of cells and runs, length (ps), time step (fs) and temperature (K)."""
    cells: pd.DataFrame
    """structure, formula, n_atoms, us_per_atom (μs, one structure a call), in the order timed, warm-up included."""
    runs: pd.DataFrame
    """structure, formula, n_atoms, drift, drift_error (eV/atom/ps; NaN where it failed), stopped ("" where it did not)."""

    @property
    def efficiency(self) -> float | None:
        """M_E, see :func:`mlip_core.calculations.benchmarks.lambench.efficiency`; None if no structure could be enlarged."""
        return efficiency(self.cells["us_per_atom"].tolist()) if len(self.cells) else None

    @property
    def instability(self) -> float:
        """M_IS, see :func:`mlip_core.calculations.benchmarks.lambench.instability`."""
        failed = (self.runs["stopped"] != "") | self.runs["drift"].isna()
        return instability([None if bad else value for bad, value in zip(failed, self.runs["drift"], strict=True)])


def run(dataset: Dataset, model: Model, settings: LambenchSettings, *, progress: Progress = silent) -> LambenchRuns:
    """Time cells of 800 to 1,000 atoms and run structures for 10 ps at constant energy, as LAMBench defines both.

    The structures are those of a data set that the model covers, evenly spaced for the
    cells, the first of each formula for the runs; LAMBench takes sets of its own, and a
    GPU, so published values are comparable in their definition only.

    Parameters
    ----------
    dataset : Dataset
        Its structures are taken; labels do not matter.
    model : Model
    settings : LambenchSettings
    progress : callable, optional
        Counts force calls; reports carry ``stage``.

    Returns
    -------
    LambenchRuns

    Raises
    ------
    CalculationError
        If the model covers no structure of the data set.

    References
    ----------
    A. Peng et al., arXiv:2504.19578; deepmodeling/LAMBench, lambench/metrics/results/README.md (release 1.0.0, March 2026).
    """
    cells, starts = _cells(dataset, model, settings.n_cells), _starts(dataset, model, settings.n_runs)
    if not starts:
        raise CalculationError(
            f"{model.name} covers no structure of {dataset.name}. Choose another model or other data."
        )
    steps = round(1000 * settings.picoseconds / settings.timestep)
    stages = Stages(progress, len(cells) + steps * len(starts))
    timed = stages.part(TIMED, len(cells))
    return LambenchRuns(
        model=model.name,
        dataset=dataset.name,
        settings=settings,
        cells=pd.DataFrame([_timed(frame, model, timed, k, len(cells)) for k, frame in enumerate(cells, 1)]),
        runs=pd.DataFrame([_drifted(frame, model, settings, stages.part(RUN, steps)) for frame in starts]),
    )


def repeats(atoms: Atoms) -> tuple[int, int, int] | None:
    """Find how often to repeat a cell along each vector for 800 to 1,000 atoms, as near to a cube as possible.

    Parameters
    ----------
    atoms : Atoms

    Returns
    -------
    tuple of int or None
        None without periodic directions, or if no number of repetitions gives such a cell.
    """
    periodic = np.flatnonzero(atoms.pbc)
    fitting = [n for n in _triples(atoms.pbc, LARGEST_CELL // len(atoms)) if np.prod(n) * len(atoms) >= SMALLEST_CELL]
    if not len(periodic) or not fitting:
        return None
    lengths = atoms.cell.lengths()[periodic]
    slimness = {n: float(np.ptp(np.log(np.array(n)[periodic] * lengths))) for n in fitting}
    return min(fitting, key=lambda n: (round(slimness[n], 6), -np.prod(n)))


def _triples(pbc: np.ndarray, most: int) -> Iterator[tuple[int, int, int]]:
    """Numbers of repetitions whose product is at most `most`, one along directions that do not repeat."""

    def along(axis: int, left: int) -> range:
        return range(1, (left if pbc[axis] else min(left, 1)) + 1)

    return ((a, b, c) for a in along(0, most) for b in along(1, most // a) for c in along(2, most // (a * b)))


def _covered(dataset: Dataset, model: Model) -> Iterator[Frame]:
    for frame in dataset:
        if not model.refusal(frame.atoms):
            yield frame


def _cells(dataset: Dataset, model: Model, n: int) -> list[Frame]:
    """Evenly spaced structures that can be enlarged; some twice where there are too few."""
    fitting = [frame.index for frame in _covered(dataset, model) if repeats(frame.atoms)]
    if not fitting:
        return []
    places = np.linspace(0, len(fitting) - 1, n).round().astype(int)
    return [dataset.frame(fitting[place]) for place in places]


def _starts(dataset: Dataset, model: Model, n: int) -> list[Frame]:
    """Return the first structure of each formula."""
    first: dict[str, Frame] = {}
    for frame in _covered(dataset, model):
        first.setdefault(frame.atoms.get_chemical_formula(empirical=True), frame)
        if len(first) == n:
            break
    return list(first.values())


def _timed(frame: Frame, model: Model, progress: Progress, place: int, total: int) -> dict[str, object]:
    large = frame.atoms.repeat(repeats(frame.atoms))
    start = perf_counter()
    model.predict([large])
    seconds = perf_counter() - start
    progress(place, total)
    return _described(frame, large) | {"us_per_atom": 1e6 * seconds / len(large)}


def _drifted(frame: Frame, model: Model, settings: LambenchSettings, progress: Progress) -> dict[str, object]:
    row = _described(frame, frame.atoms) | {"drift": np.nan, "drift_error": np.nan, "stopped": ""}
    try:
        found = constant_energy_run(
            frame.atoms,
            model,
            picoseconds=settings.picoseconds,
            timestep=settings.timestep,
            temperature=settings.temperature,
            progress=_now_and_then(progress),
        )
    except ModelError as error:
        return row | {"stopped": str(error)}
    settled = found.times >= SETTLING * settings.picoseconds
    if found.stopped or settled.sum() < 3:
        return row | {"stopped": found.stopped or "the run is too short to fit"}
    slope, error_of_slope = drift(found.times[settled], found.total_energies[settled])
    return row | {"drift": slope, "drift_error": np.nan if error_of_slope is None else error_of_slope}


def _now_and_then(progress: Progress) -> Progress:
    def report(done: int, total: int | None, **values: object) -> None:
        if done % _REPORT_EVERY == 0 or done == total:
            progress(done, total, **values)

    return report


def _described(frame: Frame, atoms: Atoms) -> dict[str, object]:
    return {
        "structure": frame.index,
        "formula": frame.atoms.get_chemical_formula(empirical=True),
        "n_atoms": len(atoms),
    }
