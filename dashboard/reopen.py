"""From a task back to the settings of the page that asked for it, so that its result is shown again."""

from typing import Any

import numpy as np

from dashboard.pages.phonons.supercell import supercell_values
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task


def widget_values(task: Task) -> dict[str, Any]:
    """Return what the widgets of the task's page must say for the page to ask the same question.

    Parameters
    ----------
    task : Task
        As it was submitted; its structure is taken as it is, so nothing is rattled or standardised again.

    Returns
    -------
    dict
        Widget key to value.
    """
    settings = task.settings
    match task.kind:
        case "relaxation":
            names = ("cell", "fmax", "steps", "optimizer", "pressure", "fix_symmetry")
            return {"rattle": 0.0, **{name: getattr(settings, name) for name in names}}
        case "phonons":
            first = task.relaxation
            relaxed = {} if first is None else {"phonon_fmax": first.fmax, "phonon_fix": first.fix_symmetry}
            return {
                "standard": False,
                "relax_first": first is not None,
                **relaxed,
                **supercell_values(settings.supercell_matrix),
                "displacements": settings.displacements,
                "displacement": settings.displacement,
                "plus_minus": settings.plus_minus,
                "residual": settings.subtract_residual,
            }
        case "rotational_variance":
            globe = settings.map_polar > 0
            return {"grid": settings.grid, "rotation_rattle": settings.rattle, "globe": globe, **_reference(task)}
        case "correction_cost":
            return {"rotation_rattle": settings.rattle, **_reference(task)}
        case "conservation":
            loop = settings.loop
            return {
                "loop_a": loop.atom_a,
                "loop_b": loop.atom_b,
                "loop_along_a": "xyz"[int(np.argmax(loop.direction_a))],
                "loop_along_b": "xyz"[int(np.argmax(loop.direction_b))],
                "radius": loop.radius,
                "picoseconds": settings.picoseconds,
                "temperature": settings.temperature,
                "random_loops": settings.n_random_loops,
                "conservation_rattle": settings.rattle,
            }
        case "force_errors" | "error_split":
            return {"against": "labels" if task.other is None else _code(task.other)}
        case "lambench":
            return {"lambench_cells": settings.n_cells, "lambench_runs": settings.n_runs}
    return {}


def _reference(task: Task) -> dict[str, str]:
    return {"rotation_reference": "none" if task.other is None else _code(task.other)}


def _code(member: Configuration) -> str:
    from dashboard.state import code  # state opens tasks with this module

    return code(member)
