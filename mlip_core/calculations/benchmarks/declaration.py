"""What the queue, the pages and a person's download need to know about LAMBench's efficiency and instability."""

from collections.abc import Mapping

from mlip_core.calculations.benchmarks.runs import LambenchRuns, LambenchSettings, run
from mlip_core.calculations.declaration import Calculation, Files, Tables, with_units
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


def evaluations(dataset: StoredDataset, settings: LambenchSettings) -> float:
    """Steps of the runs, spread over the structures of the data set."""
    steps = settings.n_runs * 1000 * settings.picoseconds / settings.timestep
    return (settings.n_cells + steps) / max(1, dataset.n_structures)


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
        evaluations=evaluations,
    ),
)
