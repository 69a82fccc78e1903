"""About how long a task takes: roughly, for the order of the queue and nothing else."""

from collections.abc import Iterable, Mapping

from ase import Atoms

from mlip_core.calculations.declaration import named
from mlip_core.configuration import Configuration
from mlip_core.jobs.runs import RunsTable
from mlip_core.jobs.store import Store
from mlip_core.jobs.task import Calculations, Subject, Task
from mlip_core.models.catalogue import entry
from mlip_core.symmetry.corrections import RANDOM_FRAME, Corrections
from mlip_core.symmetry.rotations import grid

ATOMS_OF_A_STRUCTURE = 20
"""Atoms that a structure of a data set has, where nobody counted."""
DIRECT = 0.5
"""Cost of direct forces as a share of conservative ones: there is no way back through the network."""


class Costs:
    """What tasks are expected to take here, from the speeds that were measured here.

    Parameters
    ----------
    table : RunsTable
        Knows which speeds were measured.
    store : Store
        Keeps them.
    calculations : mapping
        What each kind of task means.
    """

    def __init__(self, table: RunsTable, store: Store, calculations: Calculations) -> None:
        self._table, self._store, self._calculations = table, store, calculations
        self._read: dict[str, float | None] = {}

    def expected(self, tasks: Iterable[Task]) -> list[float]:
        """About how long each task keeps a core busy, s (:func:`expected_seconds`)."""
        measured = self._measured()
        return [expected_seconds(task, self._calculations, measured) for task in tasks]

    def _measured(self) -> dict[str, float]:
        """What an atom costs by the label of the configuration, μs, as last measured for one structure a call."""
        found: dict[str, float] = {}
        for run in self._table.list(kind="speed", statuses=("done",)):
            if run.label not in found and (us := self._speed(run.key)) is not None:
                found[run.label] = us
        return found

    def _speed(self, key: str) -> float | None:
        if key not in self._read:
            timings = getattr(self._store.get(key), "one_by_one", ())
            self._read[key] = timings[-1].processor_us_per_atom if timings else None
        return self._read[key]


def expected_seconds(task: Task, calculations: Calculations, measured: Mapping[str, float]) -> float:
    """Expect how long a task keeps one core busy, those before it among it.

    Parameters
    ----------
    task : Task
        What is to be computed.
    calculations : mapping
        What each kind means; it says how often the model is asked.
    measured : mapping of str to float
        Label of a configuration → what an atom costs as it was measured, μs; the catalogue's figure for others.

    Returns
    -------
    float
        s, from the number of atoms, how often they are asked about, and what the model takes for one. A model that
        is compared with counts once more.

    Raises
    ------
    SettingsError
        If the task's kind is not known.
    ModelError
        If no such model exists.
    """
    calculation = named(task.kind, calculations)
    us = sum(us_per_atom(one, measured) for one in (task.configuration, task.other) if one is not None)
    right = isinstance(task.settings, calculation.settings)  # others are told apart, and refused, where it is computed
    times = calculation.evaluations(task.subject, task.settings) if right else 1.0
    own = times * n_atoms(task.subject) * us / 1e6
    return own + sum(expected_seconds(before, calculations, measured) for before in task.before.values())


def n_atoms(subject: Subject) -> int:
    """Atoms of a structure; about those of a data set."""
    return len(subject) if isinstance(subject, Atoms) else ATOMS_OF_A_STRUCTURE * subject.n_structures


def us_per_atom(configuration: Configuration, measured: Mapping[str, float]) -> float:
    """What energy and forces of an atom cost, μs: as measured, or the catalogue's figure for each orientation."""
    if configuration.label in measured:
        return measured[configuration.label]
    model = entry(configuration.model)
    direct = (configuration.forces or model.default_forces) == "direct"
    return model.us_per_atom * (DIRECT if direct else 1) * _orientations(configuration.corrections)


def _orientations(corrections: Corrections) -> int:
    if not corrections.averages or corrections.rotations == RANDOM_FRAME:
        return 1
    return len(grid(corrections.rotations, inversion=corrections.inversion).operations)
