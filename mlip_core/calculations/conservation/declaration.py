"""What the queue, the pages and a person's download need to know about conservation."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from ase import Atoms

from mlip_core.calculations.conservation.calculation import (
    Conservation,
    ConservationSettings,
    HeadDifference,
    conservation,
)
from mlip_core.calculations.conservation.closed_loops import Loop, LoopWork
from mlip_core.calculations.declaration import Asked, Calculation, Files, Tables
from mlip_core.structures import write_structure


def summary(result: Conservation) -> Mapping[str, object]:
    """The numbers that are zero for forces that are a gradient, each with its error."""
    loop, run = result.loop, result.run
    return {
        "lambda": result.jacobian_asymmetry,
        "lambda_error": result.jacobian_error,
        "lambda_floor": result.jacobian_floor,
        "loop_work_eV_per_atom": result.loop_work,
        "loop_error_eV_per_atom": None if loop is None else loop.error,
        "random_loops_rms_eV_per_atom": result.random_loop_work,
        "net_force_eV_per_A": result.net_force,
        "net_torque_eV": result.net_torque,
        "heads_rms_eV_per_A": None if result.heads is None else result.heads.rms,
        "drift_eV_per_atom_per_ps": None if run is None else run.drift,
        "drift_error_eV_per_atom_per_ps": None if run is None else run.drift_error,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
    }


def tables(result: Conservation) -> Tables:
    """Work along the loops, the run at constant energy, and the forces of both heads."""
    found: dict[str, pd.DataFrame] = {}
    if result.loop is not None:
        angle = np.linspace(0, 360, len(result.loop.accumulated))
        found["loop"] = pd.DataFrame({"angle_deg": angle, "work_eV_per_atom": result.loop.accumulated})
    if result.random_loops:
        found["random_loops"] = pd.DataFrame([_loop(work) for work in result.random_loops])
    if result.run is not None:
        columns = {
            "time_ps": result.run.times,
            "total_energy_eV_per_atom": result.run.total_energies,
            "temperature_K": result.run.temperatures,
        }
        found["run"] = pd.DataFrame(columns)
    if result.heads is not None:
        found["heads"] = _heads(result.heads)
    return found


def files(result: Conservation) -> Files:
    """The structure that was measured, displacements included."""
    return {"structure.extxyz": write_structure(result.structure, "extxyz")}


def _loop(work: LoopWork) -> dict[str, object]:
    return {
        "atom_a": work.loop.atom_a,
        "atom_b": work.loop.atom_b,
        "work_eV_per_atom": work.work,
        "error_eV_per_atom": work.error,
        "absolute_work_eV_per_atom": work.absolute,
    }


def _heads(heads: HeadDifference) -> pd.DataFrame:
    other = "conservative" if heads.forces_kind == "direct" else "direct"
    return pd.DataFrame(
        {
            "atom": np.repeat(np.arange(len(heads.forces)), 3),
            "component": list("xyz") * len(heads.forces),
            f"{heads.forces_kind}_eV_per_A": heads.forces.ravel(),
            f"{other}_eV_per_A": heads.other_forces.ravel(),
        }
    )


def asks(structure: Atoms, settings: ConservationSettings) -> tuple[Asked, ...]:
    """Displacements of every atom and points of the loops, several at once; steps of the run one by one."""
    n = len(structure)
    loops = settings.n_points * (1 + settings.n_random_loops) if settings.loops else 0
    displacements = 6 * (n + min(4, n)) if settings.jacobian else 0
    steps = round(1000 * settings.picoseconds / settings.timestep)
    return Asked(1 + displacements + loops, n), Asked(steps, n, at_once=False)


CALCULATIONS = (
    Calculation(
        name="conservation",
        title="conservation",
        function=conservation,
        settings=ConservationSettings,
        record=Conservation,
        summary=summary,
        tables=tables,
        files=files,
        other="other_head",
        packages=("ase",),
        public=(conservation, ConservationSettings, Loop),
        asks=asks,
    ),
)
