"""The web's side of the jobs: ask, look, stop, fetch. Loads neither dask nor torch."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any, TypeVar

from ase import Atoms
from filelock import BaseFileLock

from mlip_core import records
from mlip_core.calculations import CALCULATIONS
from mlip_core.errors import RecordError, SettingsError
from mlip_core.jobs.bell import ring
from mlip_core.jobs.deletion import delete_leftovers
from mlip_core.jobs.files import ProgressReader, RunFolder
from mlip_core.jobs.locks import is_held, taken
from mlip_core.jobs.names import checked, new_id
from mlip_core.jobs.paces import Paces
from mlip_core.jobs.runs import ACTIVE, Run, RunsTable, Status
from mlip_core.jobs.store import Store
from mlip_core.jobs.task import Calculations, Task
from mlip_core.structures import fingerprint, formula

DISPATCHER = (sys.executable, "-m", "mlip_core.jobs")
LOCK = "dispatcher.lock"
CLIENTS = "clients"
R = TypeVar("R", Run, Run | None)
_RESTART_AFTER = 5.0  # s between two attempts to start a dispatcher


class Jobs:
    """Submit tasks, follow them, read their results.

    Every method may be called from any thread. Results and runs lie on disk,
    so that they outlive this process; what computes is a dispatcher process of
    its own, started where it is missing.

    Parameters
    ----------
    home : path
        Folder of this person's data (:func:`mlip_core.home.home`).
    calculations : mapping
        What each kind of task means.
    dispatcher : sequence of str or None
        Command that starts the dispatcher; None never starts one.
    """

    def __init__(
        self,
        home: str | Path,
        *,
        calculations: Calculations = CALCULATIONS,
        dispatcher: Sequence[str] | None = DISPATCHER,
    ) -> None:
        self.home = Path(home).absolute()
        self.home.mkdir(parents=True, exist_ok=True)
        self.store = Store(self.home)
        self._calculations = calculations
        self._table = RunsTable(self.home)
        self._command = dispatcher
        self._client: BaseFileLock | None = None
        self._process: subprocess.Popen | None = None
        self._started = -_RESTART_AFTER
        self._starting = threading.Lock()
        self._paces = Paces(self._table, self.store, calculations)

    def submit(
        self, task: Task, *, label: str | None = None, subject_name: str = "", expected: float | None = None
    ) -> Run:
        """Ask for a task, unless its answer is stored or already on its way.

        Parameters
        ----------
        task : Task
            What to compute.
        label : str, optional
            The configuration as people should read it; its model's name by default.
        subject_name : str
            What the person calls the structure or data set.
        expected : float, optional
            About how long it takes, s, where the caller knows.

        Returns
        -------
        Run
            Done at once where the result is stored; the one already queued or
            running where there is one; else a queued one.

        Raises
        ------
        SettingsError
            If the task's kind is not known.
        ModelError
            If the model's file is not there.
        """
        key = task.key(self._calculations)
        active = self._table.find(key, ACTIVE)
        if active is not None:
            return self._alive(active)
        stored = self.store.has(key)
        known = self._table.find(key, ("done",)) if stored else None
        if known is not None:
            return known
        status: Status = "done" if stored else "queued"
        run = self._new(task, key, label or task.configuration.model, subject_name, status, expected=expected)
        return self._alive(run)

    def submit_many(
        self, tasks: Iterable[Task], *, labels: Iterable[str | None] | None = None, subject_name: str = ""
    ) -> list[Run]:
        """Ask for several tasks, the shortest first (:meth:`submit`); ``labels`` has one for each.

        Returns
        -------
        list of Run
            In the order of the tasks.
        """
        tasks = list(tasks)
        names = [None] * len(tasks) if labels is None else list(labels)
        asked = list(zip(tasks, names, self._paces.expected(tasks), strict=True))
        runs = {}
        for place in sorted(range(len(asked)), key=lambda place: asked[place][2]):
            task, name, expected = asked[place]
            runs[place] = self.submit(task, label=name, subject_name=subject_name, expected=expected)
        return [runs[place] for place in range(len(asked))]

    def key(self, task: Task) -> str:
        """Content key of a task."""
        return task.key(self._calculations)

    def run(self, run_id: str) -> Run | None:
        """Return the run with this id; None where it was deleted or never was."""
        return self._alive(self._table.get(checked(run_id, "run")))

    def find(self, key: str) -> Run | None:
        """Return the newest run with this content key."""
        return self._alive(self._table.find(checked(key, "result")))

    def find_all(self, keys: Iterable[str]) -> dict[str, Run]:
        """Return the newest run with each of these content keys, where there is one."""
        found = self._table.newest([checked(key, "result") for key in keys])
        self._alive(next((run for run in found.values() if run.active), None))
        return found

    def runs(
        self,
        limit: int | None = 100,
        *,
        status: Status | Sequence[Status] | None = None,
        kind: str | None = None,
        fingerprint: str | None = None,
    ) -> list[Run]:
        """Return runs, newest first, of these statuses, this kind, this structure."""
        statuses = (status,) if isinstance(status, str) else status
        found = self._table.list(limit=limit, statuses=statuses, kind=kind, fingerprint=fingerprint)
        self._alive(next((run for run in found if run.active), None))
        return found

    def result(self, key: str) -> Any | None:
        """Return the record stored under a content key; None where there is none (:meth:`Store.problem` says why)."""
        return self.store.get(key)

    def task(self, run_id: str) -> Task | None:
        """Return what a run computes; None where the run is not known.

        Raises
        ------
        RecordError
            If another version stored it in a way that this one cannot read.
        """
        try:
            return records.load(RunFolder(self.home, run_id).task)
        except FileNotFoundError:
            return None

    def progress(self, run_id: str, since: int = 0) -> list[dict[str, Any]]:
        """Return what a run reported, in order.

        Parameters
        ----------
        run_id : str
            Which run.
        since : int
            Rows already seen, left out.

        Returns
        -------
        list of dict
            ``done`` and ``total`` steps, ``time`` (s since 1970), ``values`` as the task gave them.
        """
        return RunFolder(self.home, run_id).rows(since)

    def reader(self, run_id: str) -> ProgressReader:
        """Return what reads the progress of a run bit by bit, for who looks again and again."""
        return ProgressReader(RunFolder(self.home, run_id))

    def detail(self, run_id: str) -> str | None:
        """Return the traceback of a failure, for the person who looks for the cause."""
        try:
            return RunFolder(self.home, run_id).detail.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def cancel(self, run_id: str) -> None:
        """Stop a run: at once while it waits, at its next step while it runs."""
        folder = RunFolder(self.home, run_id)
        if self._table.finish(run_id, "cancelled", before=("queued",)):
            return
        run = self._table.get(run_id)
        if run is not None and run.status == "running":
            folder.ask_to_stop()
            self._revive()
            ring(self.home)

    def retry(self, run_id: str) -> Run | None:
        """Ask again for what a run computes, as a new run; None where the run is not known."""
        run, task = self._table.get(checked(run_id, "run")), self.task(run_id)
        if run is None or task is None:
            return None
        return self.submit(task, label=run.label, subject_name=run.subject_name)

    def delete(self, run_id: str) -> None:
        """Forget a run, and what no other run needs: its result, those before it, predictions, its structure.

        A structure that was chosen or uploaded before the run stays.

        Raises
        ------
        SettingsError
            If it waits or runs.
        """
        folder, run = RunFolder(self.home, run_id), self._table.get(run_id)
        if run is not None:
            if run.active:
                raise SettingsError("This run has not ended: cancel it before deleting it.")
            self._table.delete(run_id)
            self._delete_with(run, folder)
        rmtree(folder.path, ignore_errors=True)

    def _delete_with(self, run: Run, folder: RunFolder) -> None:
        """Delete what only this run needed; the row is gone already."""
        others = self._table.list(limit=None, fingerprint=run.fingerprint)
        if folder.brought_structure() and not others:
            self.store.delete_structure(run.fingerprint)
        if self._table.find(run.key, ("done", *ACTIVE)) is not None:
            return
        task, record = self._readable(run), self.store.get(run.key)
        self.store.delete(run.key)
        if task is None:
            return
        kept = [(other, self.store.get(row.key)) for row in others if (other := self._readable(row)) is not None]
        taken = {row.key for row in others}
        delete_leftovers(task, record, kept, taken=taken, store=self.store, calculations=self._calculations)

    def _readable(self, run: Run) -> Task | None:
        """Task of a run; None where it cannot be read."""
        try:
            task = self.task(run.id)
        except RecordError:
            return None
        return task if task is not None and task.kind in self._calculations else None

    def ensure_dispatcher(self) -> None:
        """Start the dispatcher where none is alive, and keep it alive while this process lives."""
        if self._command is None:
            return
        with self._starting:
            self._register()
            self._bury()
            waited = time.monotonic() - self._started
            if self._process is None and waited > _RESTART_AFTER and not is_held(self.home / LOCK):
                self._started = time.monotonic()
                self._process = self._start()

    def close(self) -> None:
        """Let go of the table, and let the dispatcher end when its work is done."""
        if self._client is not None:
            self._client.release()
        self._table.close()

    def _new(
        self, task: Task, key: str, label: str, subject_name: str, status: Status, *, expected: float | None
    ) -> Run:
        now = time.time()
        known = not isinstance(task.subject, Atoms) or self.store.has_structure(fingerprint(task.subject))
        run = Run(
            id=new_id(),
            key=key,
            kind=task.kind,
            label=label,
            subject_name=subject_name,
            fingerprint=self._keep_subject(task, subject_name),
            formula=_described(task),
            status=status,
            submitted=now,
            finished=now if status == "done" else None,
            question=task.question(),
            expected=self._paces.expected([task])[0] if expected is None else expected,
        )
        folder = RunFolder(self.home, run.id)
        folder.path.mkdir(parents=True)
        records.save(task, folder.task)
        if not known:
            folder.note_structure()
        kept = self._table.add(run)
        if kept is not run:
            rmtree(folder.path, ignore_errors=True)
        ring(self.home)
        return kept

    def _keep_subject(self, task: Task, name: str) -> str:
        """Keep the structure of a task so that links find it; return the mark of the subject."""
        subject = task.subject
        return self.store.put_structure(subject, name) if isinstance(subject, Atoms) else subject.sha256

    def _alive(self, run: R) -> R:
        """Return the run; where it is active, see that somebody serves it."""
        if run is not None and run.active:
            self._revive()
        return run

    def _revive(self) -> None:
        """Start the dispatcher again where it died over its work."""
        if not is_held(self.home / LOCK):
            self.ensure_dispatcher()

    def _register(self) -> None:
        if self._client is None:
            self._client = taken(self.home / CLIENTS / new_id(), patience=2.0)

    def _bury(self) -> None:
        code = self._process.poll() if self._process else None
        if code is None:
            return
        self._process = None
        if code > 0:
            log = self.home / "dispatcher.log"
            self._table.finish_all("queued", "failed", f"The job dispatcher stopped with an error; {log} says why.")

    def _start(self) -> subprocess.Popen:
        assert self._command is not None
        log = self.home / "dispatcher.log"
        with log.open("ab") as file:
            return subprocess.Popen(
                self._command,
                env={**os.environ, "MLIP_DASHBOARD_HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _described(task: Task) -> str:
    """Formula of a structure, size of a data set."""
    subject = task.subject
    return formula(subject, whole=True) if isinstance(subject, Atoms) else f"{subject.n_structures} structures"
