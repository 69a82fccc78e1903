"""What the queue, the pages and a person's download need to know about speed."""

from collections.abc import Mapping

import pandas as pd
from ase import Atoms

from mlip_core.calculations.declaration import Calculation, Files, Tables
from mlip_core.calculations.speed.calculation import speed
from mlip_core.calculations.speed.record import Speed
from mlip_core.calculations.speed.settings import SpeedSettings


def summary(result: Speed) -> Mapping[str, object]:
    """What an atom costs in the largest structure, on what, and whether it was disturbed."""
    single, batched = (kind[-1] if kind else None for kind in (result.one_by_one, result.batched))
    return {
        "n_atoms": None if single is None else single.n_atoms,
        "wall_us_per_atom": None if single is None else single.us_per_atom,
        "processor_us_per_atom": None if single is None else single.processor_us_per_atom,
        "batch_n_atoms": None if batched is None else batched.n_atoms,
        "batch_wall_us_per_atom": None if batched is None else batched.us_per_atom,
        "threads": result.threads,
        "omp_num_threads": result.omp_num_threads,
        "processor": result.processor,
        "device": result.device,
        "dtype": result.dtype,
        "packages": " ".join(f"{name}=={version}" for name, version in result.packages.items()),
        "others_cores": result.others,
        "disturbed": result.disturbed,
        "seconds": result.seconds,
        "notes": " ".join(result.notes),
    }


def tables(result: Speed) -> Tables:
    """One row a size and way of asking; seconds are those of one structure."""
    rows = [
        {
            "n_atoms": timing.n_atoms,
            "structures_per_call": timing.n_structures,
            "calls": timing.n_calls,
            "wall_seconds": timing.wall,
            "shortest_wall_seconds": timing.wall_range[0],
            "longest_wall_seconds": timing.wall_range[1],
            "processor_seconds": timing.processor,
            "wall_us_per_atom": timing.us_per_atom,
            "processor_us_per_atom": timing.processor_us_per_atom,
        }
        for timing in result.timings
    ]
    return {"timings": pd.DataFrame(rows)}


def files(result: Speed) -> Files:
    """No further files: everything is in the table."""
    return {}


def evaluations(structure: Atoms, settings: SpeedSettings) -> float:
    """Each size, one by one and in a batch, warmed up once."""
    return sum(settings.n_atoms) / len(structure) * (1 + settings.repeats) * (1 + settings.batch)


CALCULATIONS = (
    Calculation(
        name="speed",
        title="speed",
        function=speed,
        settings=SpeedSettings,
        record=Speed,
        summary=summary,
        tables=tables,
        files=files,
        packages=("ase", "numpy"),
        evaluations=evaluations,
        public=(speed, SpeedSettings),
        alone=True,
    ),
)
