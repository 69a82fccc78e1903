"""What the speed calculation has measured here, for the order of the queue."""

from collections.abc import Iterable

from mlip_core.jobs.cost import Pace, pace_of_speed, seconds
from mlip_core.jobs.runs import RunsTable
from mlip_core.jobs.store import Store
from mlip_core.jobs.task import Calculations, Task


class Paces:
    """How fast configurations are, as far as it was measured on this machine.

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
        self._read: dict[str, Pace | None] = {}

    def expected(self, tasks: Iterable[Task]) -> list[float]:
        """About how long each task keeps a core busy, s (:func:`mlip_core.jobs.cost.seconds`)."""
        tasks, measured = list(tasks), self._measured()
        by_code = {
            member.code: measured[member.label]
            for task in tasks
            for member in (task.configuration, task.other)
            if member is not None and member.label in measured
        }
        return [seconds(task, by_code, calculations=self._calculations) for task in tasks]

    def _measured(self) -> dict[str, Pace]:
        """Pace by the label of the configuration, as last measured."""
        found: dict[str, Pace] = {}
        for run in self._table.list(kind="speed", statuses=("done",)):
            if run.label not in found and (pace := self._pace(run.key)) is not None:
                found[run.label] = pace
        return found

    def _pace(self, key: str) -> Pace | None:
        if key not in self._read:
            record = self._store.get(key)
            self._read[key] = None if record is None else pace_of_speed(record)
        return self._read[key]
