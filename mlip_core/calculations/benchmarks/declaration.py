"""What the queue, the pages and a person's download need to know about LAMBench's efficiency and instability."""

from collections.abc import Mapping

from mlip_core.calculations.benchmarks.runs import LARGEST_CELL, SMALLEST_CELL, LambenchRuns, LambenchSettings, run
from mlip_core.calculations.declaration import Asked, Calculation, Files, Tables, with_units
from mlip_core.datasets.stored import StoredDataset


def summary(result: LambenchRuns) -> Mapping[str, object]:
    """LAMBench's two figures."""
    return {"efficiency": result.efficiency, "instability": result.instability}


def tables(result: LambenchRuns) -> Tables:
    """Cells that were timed, and runs with their drift."""
    drift = dict.fromkeys(("drift", "drift_error"), "eV_per_atom_per_ps")
    return {"lambench_cells": result.cells, "lambench_runs": with_units(result.runs, drift)}


def files(result: LambenchRuns) -> Files:
    """Nothing: the structures are the data set's own."""
    return {}


def asks(dataset: StoredDataset, settings: LambenchSettings) -> tuple[Asked, ...]:
    """Large cells, and long runs of small ones."""
    steps = round(1000 * settings.picoseconds / settings.timestep)
    cells = Asked(settings.n_cells, (SMALLEST_CELL + LARGEST_CELL) / 2, at_once=False)
    return cells, Asked(steps * settings.n_runs, dataset.mean_atoms, at_once=False)


CALCULATIONS = (
    Calculation(
        name="lambench",
        title="LAMBench's speed and stability",
        subject="data set",
        function=run,
        settings=LambenchSettings,
        record=LambenchRuns,
        summary=summary,
        tables=tables,
        files=files,
        packages=("ase",),
        asks=asks,
    ),
)
