"""How long a task takes, told before it is asked: what it asks of the model, and how fast the model is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ase import Atoms

from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task

LOADING = 4.0
"""Seconds that a worker takes to load a model it has not used before."""


@dataclass(frozen=True)
class Pace:
    """What one prediction of a configuration takes, its corrections included."""

    call: float
    """Seconds of a call, whatever the number of atoms."""
    atom: float
    """Seconds an atom."""


def seconds(task: Task, paces: Mapping[str, Pace] | None = None) -> float:
    """Estimate how long one task takes once its model is loaded, those before it included.

    Parameters
    ----------
    task : Task
    paces : mapping of str to Pace, optional
        What was measured on this machine, by the code of the configuration; usual values for all others.

    Returns
    -------
    float
        Seconds of one worker that has a core to itself.
    """
    pace = (paces or {}).get(task.configuration.code) or usual_pace(task.configuration)
    size = len(task.subject) if isinstance(task.subject, Atoms) else task.subject.n_structures
    return 50 * (pace.call + pace.atom * size) + sum(seconds(before, paces) for before in task.before.values())


def together(tasks: Iterable[Task], workers: int, paces: Mapping[str, Pace] | None = None) -> float:
    """Estimate how long several tasks take on so many workers, loading their models included."""
    tasks = list(tasks)
    models = {task.configuration.code for task in tasks}
    return (sum(seconds(task, paces) for task in tasks) + LOADING * len(models)) / max(1, workers)


def usual_pace(configuration: Configuration) -> Pace:
    """Return what is usual for a configuration on one core of a laptop."""
    return Pace(call=0.02, atom=0.002)
