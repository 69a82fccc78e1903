"""What the queue, the pages and a person's download need to know about relaxations."""

from collections.abc import Mapping

import pandas as pd

from mlip_core.calculations.declaration import Calculation, Files, Tables
from mlip_core.calculations.relaxation.calculation import RelaxationResult, RelaxationSettings, relax
from mlip_core.structures import write_structure


def summary(result: RelaxationResult) -> Mapping[str, object]:
    """Where it ended, beside where it began."""
    return {
        "converged": result.converged,
        "steps": result.n_steps,
        "energy_change_eV": result.energies[-1] - result.energies[0],
        "work_eV": result.work[-1],
        "fmax_eV_per_A": result.fmax[-1],
        "volume_change": result.start.volume_change,
        "rmsd": result.start.rmsd,
        "space_group_1e-5": result.space_groups[-1],
        "space_group_1e-2": result.space_groups_loose[-1],
        "evaluations": result.n_evaluations,
        "seconds": result.seconds,
        "reason": result.reason,
    }


def tables(result: RelaxationResult) -> Tables:
    """One row a step."""
    steps = {
        "step": range(result.n_steps + 1),
        "energy_eV": result.energies,
        "fmax_eV_per_A": result.fmax,
        "work_eV": result.work,
        "volume_A3": result.volumes,
        "space_group_1e-5": result.space_groups,
        "space_group_1e-2": result.space_groups_loose,
    }
    return {"steps": pd.DataFrame(steps)}


def files(result: RelaxationResult) -> Files:
    """The relaxed structure and the way there."""
    found = {
        "structure.extxyz": write_structure(result.structure, "extxyz"),
        "trajectory.extxyz": "".join(write_structure(frame, "extxyz") for frame in result.frames),
    }
    if result.structure.pbc.all():
        found["structure.cif"] = write_structure(result.structure, "cif")
    return found


def evaluations(_: object, settings: RelaxationSettings) -> float:
    """Guess: most crystals take some tens of steps."""
    return min(settings.steps, 30)


CALCULATIONS = (
    Calculation(
        name="relaxation",
        title="relaxation",
        function=relax,
        settings=RelaxationSettings,
        record=RelaxationResult,
        summary=summary,
        tables=tables,
        files=files,
        frames=lambda result: result.frames,
        packages=("ase",),
        evaluations=evaluations,
        public=(relax, RelaxationSettings),
    ),
)
