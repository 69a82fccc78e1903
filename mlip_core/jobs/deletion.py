"""What goes with a deleted run: everything that only it needed."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ase import Atoms

from mlip_core.calculations.declaration import Calculation
from mlip_core.datasets.stored import FOLDER
from mlip_core.errors import MlipError
from mlip_core.jobs.store import Store
from mlip_core.jobs.task import Task


def needed_keys(task: Task, calculations: Mapping[str, Calculation]) -> set[str]:
    """Keys of the results that a task builds on, of those before it and before these."""
    found: set[str] = set()
    for before in task.before.values():
        with suppress(MlipError):  # of a model that is gone, say: its key cannot be known
            found.add(before.key(calculations))
        found |= needed_keys(before, calculations)
    return found


def files_beside(task: Task, record: Any, calculations: Mapping[str, Calculation], home: Path) -> set[Path]:
    """Files that a result needs beside its data set, such as predictions."""
    if isinstance(task.subject, Atoms) or record is None:
        return set()
    folder = (home / FOLDER / task.subject.file).parent
    return {folder / name for name in calculations[task.kind].beside(record) if name}


def delete_leftovers(
    task: Task,
    record: Any,
    others: Iterable[tuple[Task, Any]],
    *,
    taken: set[str],
    store: Store,
    calculations: Mapping[str, Calculation],
) -> None:
    """Delete what a deleted run needed and no other needs.

    Parameters
    ----------
    task : Task
        What the run computed.
    record
        Its result; None where there is none.
    others : iterable of (Task, record)
        The runs that stay, on the same subject.
    taken : set of str
        Keys of results that belong to runs of their own.
    store : Store
    calculations : mapping
        What each kind means.
    """
    home = store.home
    keys = needed_keys(task, calculations) - taken
    files = files_beside(task, record, calculations, home)
    for other, kept in others:
        keys -= needed_keys(other, calculations)
        files -= files_beside(other, kept, calculations, home)
    for key in keys:
        store.delete(key)
    for path in files:
        path.unlink(missing_ok=True)
