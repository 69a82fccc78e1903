"""What learning will take on this machine, from what was measured here where there is something."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ase import Atoms

from dashboard.service import jobs, result
from mlip_core.calculations.distillation import DistillationSettings
from mlip_core.calculations.distillation.costs import (
    LABEL_SECONDS,
    LEARNING_SECONDS,
    SLOW_LABEL,
    Cost,
    cost,
)
from mlip_core.configuration import Configuration
from mlip_core.errors import RecordError
from mlip_core.jobs.task import Task

RECENT = 10
"""Finished runs that are looked through."""


def price(structure: Atoms, tasks: Sequence[Task], teacher: Configuration) -> str:
    """Say in a sentence what these students will take, together; parameters as those of :func:`seconds`."""
    costs, here = _costs(structure, tasks, teacher)
    first, total = costs[0], _together(costs)
    students = "" if len(costs) == 1 else f" for each of {len(costs)} students"
    basis = "as measured on this machine" if here else "on one core of an ordinary machine"
    settings: DistillationSettings = tasks[0].settings
    return (
        f"{first.n_structures} variants with about {first.n_atoms:,} atoms to label ({duration(first.label_seconds)}) and "
        f"{settings.epochs} epochs to learn ({duration(first.learning_seconds)}){students}: about **{duration(total)}** in "
        f"all, {basis}."
    )


def seconds(structure: Atoms, tasks: Sequence[Task], teacher: Configuration) -> float:
    """Return what these students will take, together, s.

    Parameters
    ----------
    structure : Atoms
        What is learned.
    tasks : sequence of Task
        One for each student.
    teacher : Configuration
        Who labels.
    """
    return _together(_costs(structure, tasks, teacher)[0])


def _costs(structure: Atoms, tasks: Sequence[Task], teacher: Configuration) -> tuple[list[Cost], bool]:
    """What each student takes, and whether this machine has measured it."""
    label, learning, here = speeds(teacher)
    return [cost(structure, task.settings, label=label, learning=learning) for task in tasks], here


def _together(costs: Sequence[Cost]) -> float:
    """Time of all students, s; the labels serve all of them."""
    return costs[0].seconds + sum(one.seconds - one.label_seconds for one in costs[1:])


def speeds(teacher: Configuration) -> tuple[float, float, bool]:
    """Time for an atom of the teacher and of an epoch, s, and whether either was measured here."""
    earlier = _finished("distillation")
    learning = next((record.learning_seconds_per_atom for _, record in earlier), None)
    label = next(
        (
            record.label_seconds_per_atom
            for task, record in earlier
            if task.configuration == teacher and record.label_seconds_per_atom > 0
        ),
        None,
    )
    if label is None:
        label = next((_per_atom(record) for task, record in _finished("speed") if task.configuration == teacher), None)
    here = label is not None or learning is not None
    usual = LABEL_SECONDS.get(teacher.model, SLOW_LABEL)
    return usual if label is None else label, LEARNING_SECONDS if learning is None else learning, here


def _per_atom(measured: Any) -> float | None:
    """Time for an atom in structures of the size of variants, s; None where nothing was timed."""
    timings = measured.batched or measured.one_by_one
    return min((timing.us_per_atom * 1e-6 for timing in timings), default=None)


def _finished(kind: str) -> list[tuple[Task, Any]]:
    """Tasks and results of the last finished runs of one kind."""
    found = []
    for run in jobs().runs(limit=RECENT, status="done", kind=kind):
        with suppress(RecordError):  # of an earlier version, say
            task, record = jobs().task(run.id), result(run.key)
            if task is not None and record is not None:
                found.append((task, record))
    return found


def duration(seconds: float) -> str:
    """Time in words: "40 s", "4 min"."""
    return f"{max(seconds, 1):.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
