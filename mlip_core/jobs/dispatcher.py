"""The dispatcher: takes runs from the table, keeps at most one task a worker in Dask, and notes how each ends."""

import logging
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlip_core import records
from mlip_core.calculations import CALCULATIONS
from mlip_core.errors import MlipError
from mlip_core.jobs.bell import Bell
from mlip_core.jobs.cluster import connected
from mlip_core.jobs.files import RunFolder
from mlip_core.jobs.locks import drop_abandoned, taken
from mlip_core.jobs.queue import CLIENTS, LOCK
from mlip_core.jobs.runs import Run, RunsTable
from mlip_core.jobs.store import Store
from mlip_core.jobs.task import Calculations
from mlip_core.jobs.worker import Outcome, execute

if TYPE_CHECKING:
    from distributed import Client, Future

_log = logging.getLogger(__name__)
_LOOK_AT_RUNNING = 0.5
"""Seconds between two looks at how far runs are, where nobody rings."""
_LOOK_WHEN_IDLE = 5.0
"""Seconds between two looks for work that nobody rang for, and for servers that are gone."""

DIED = (
    "The worker process died over this calculation; most likely the memory ran out. Take a smaller structure or "
    "supercell, or run fewer calculations at a time (MLIP_DASHBOARD_WORKERS=1)."
)
FOREIGN = (
    "The worker has other model files or package versions than this server, so that its result would be stored "
    "under another name. Install the same versions on both sides."
)
ORPHANED = "The job dispatcher was stopped while this ran (the computer was switched off, say). Submit it again."


@dataclass
class _Running:
    """One run in the hands of a worker."""

    run: Run
    """The row of the table of runs, as it was when the worker took it."""
    future: "Future"
    """What Dask answers with once the worker is done."""
    worker: str
    """Address of the Dask worker that has it."""
    folder: RunFolder
    """Folder through which worker and dispatcher tell each other progress, key and a request to stop."""
    key: str
    """Content key of its result; the worker may put a truer one in its place."""
    size: int = 0
    """Bytes of the progress file when it was last read."""
    foreign: bool = False
    """Whether its worker has other model files or package versions than this process."""


class Dispatcher:
    """Serves one home folder until there is nothing to do and nobody there.

    Parameters
    ----------
    home : path
        Folder of this person's data.
    calculations : mapping
        What each kind of task means.
    workers : int, optional
        Size of the embedded cluster.
    warm : bool
        Whether embedded workers import torch and its like while idle.
    linger : float
        Seconds to stay after the last work, without any web server.
    patience : float
        Seconds a task may take to look at a request to stop; then its worker is restarted.
    """

    def __init__(
        self,
        home: str | Path,
        *,
        calculations: Calculations = CALCULATIONS,
        workers: int | None = None,
        warm: bool = True,
        linger: float = 30.0,
        patience: float = 20.0,
    ) -> None:
        self._home = Path(home).absolute()
        self._table = RunsTable(self._home)
        self._store = Store(self._home)
        self._calculations = dict(calculations)
        self._workers = workers
        self._warm = warm
        self._linger = linger
        self._patience = patience
        self._running: dict[str, _Running] = {}
        self._bell: Bell | None = None
        self._stopped = threading.Event()
        self._busy_at = self._look_at = time.monotonic()

    def run(self) -> int:
        """Serve; return the exit status of the process: 0, or 1 where nothing can be computed."""
        lock = taken(self._home / LOCK, patience=2.0)
        if lock is None:
            return 0
        self._bell = Bell(self._home)
        try:
            self._settle_orphans()
            with connected(workers=self._workers, warm=self._warm) as client:
                self._serve(client)
        except MlipError as error:
            _log.exception("cannot serve")
            self._table.finish_all("queued", "failed", str(error))
            return 1
        finally:
            self._settle_orphans()
            self._table.close()
            self._bell.close()
            lock.release()
        return 0

    def stop(self, *_: object) -> None:
        """End soon; what runs is marked interrupted."""
        self._stopped.set()
        self._ring()

    def _ring(self, *_: object) -> None:
        if self._bell is not None:
            self._bell.ring()

    def _serve(self, client: "Client") -> None:
        _log.info("serving %s with %d workers", self._home, len(_addresses(client)))
        assert self._bell is not None
        while not self._stopped.is_set() and not self._abandoned():
            self._collect()
            self._place(client)
            self._watch(client)
            self._bell.wait(_LOOK_AT_RUNNING if self._running else min(_LOOK_WHEN_IDLE, self._linger / 2))

    def _settle_orphans(self) -> None:
        """End what is said to run: under this lock no other dispatcher lives, and this one has no workers."""
        for run in self._table.list(limit=None, statuses=("running",)):
            if self._store.has(run.key):
                self._table.finish(run.id, "done")
            else:
                self._table.finish(run.id, "interrupted", ORPHANED)

    def _place(self, client: "Client") -> None:
        """Give each idle worker the run that has waited longest; nothing overtakes one that must run alone."""
        waiting = self._table.first_waiting()
        if waiting is None:
            return
        busy = {running.worker for running in self._running.values()}
        idle = sorted(_addresses(client) - busy, reverse=True)
        while idle and waiting is not None and self._may_start(waiting):
            run = self._table.claim(waiting.id, owner=os.getpid(), worker=idle[-1])
            if run is not None:
                self._start(client, run, idle.pop())
            waiting = self._table.first_waiting()

    def _may_start(self, waiting: Run) -> bool:
        """Whether what runs leaves room: a run that must be alone waits for all others, and all others for it."""
        return not self._running or not any(
            self._is_alone(run) for run in (waiting, *(running.run for running in self._running.values()))
        )

    def _is_alone(self, run: Run) -> bool:
        calculation = self._calculations.get(run.kind)
        return calculation is not None and calculation.alone

    def _start(self, client: "Client", run: Run, worker: str) -> None:
        """Hand a claimed run to a worker."""
        future = client.submit(
            execute,
            str(self._home),
            run.id,
            self._calculations,
            key=f"{run.kind}-{run.id}",
            workers=[worker],
            retries=0,
            pure=False,
        )
        future.add_done_callback(self._ring)
        self._running[run.id] = _Running(run, future, worker, RunFolder(self._home, run.id), run.key)

    def _collect(self) -> None:
        """Note how finished runs ended."""
        for running in list(self._running.values()):
            if running.future.done():
                self._follow(running)
                self._finish(running, _outcome(running.future))

    def _watch(self, client: "Client") -> None:
        """Note how far runs are; end those that do not listen, and those whose worker is gone."""
        look = self._running and time.monotonic() > self._look_at
        if look:
            self._look_at = time.monotonic() + 1.0
        present = _addresses(client) if look else None
        for running in list(self._running.values()):
            self._follow(running)
            asked = running.folder.stop_asked()
            if asked is not None and time.time() - asked > self._patience:
                client.restart_workers([running.worker], raise_for_error=False)
                self._finish(running, Outcome("cancelled"))
            elif present is not None and running.worker not in present and not running.future.done():
                self._finish(running, Outcome("failed", DIED))

    def _follow(self, running: _Running) -> None:
        """Note new progress, and the key of the result once the worker knows it."""
        size = running.folder.size()
        row = running.folder.last() if size != running.size else None
        if row is not None:
            running.size = size
            self._table.follow(running.run.id, row["done"], row["total"])
        key = running.folder.noted_key()
        if key is not None and key != running.key:
            running.key = key
            running.foreign = key != records.load(running.folder.task).key(self._calculations)
            if running.foreign:
                running.folder.ask_to_stop()
            else:
                self._table.rename(running.run.id, key)

    def _finish(self, running: _Running, outcome: Outcome) -> None:
        if running.foreign:
            outcome = Outcome("failed", FOREIGN)
        if outcome.detail:
            running.folder.detail.write_text(outcome.detail, encoding="utf-8")
        self._table.finish(running.run.id, outcome.status, outcome.reason)
        running.future.release()
        del self._running[running.run.id]
        _log.info("%s %s: %s", running.run.kind, running.run.id, outcome.status)

    def _abandoned(self) -> bool:
        """Whether nothing was to be done, and nobody was there, for the time to linger."""
        now = time.monotonic()
        if now - self._busy_at < min(1.0, self._linger):
            return False
        if self._running or self._table.count(("queued",)) or drop_abandoned(self._home / CLIENTS):
            self._busy_at = now
        return now - self._busy_at > self._linger


def _addresses(client: "Client") -> set[str]:
    return set(client.nthreads())


def _outcome(future: "Future") -> Outcome:
    if future.status == "finished":
        return future.result()
    if future.status == "cancelled":
        return Outcome("interrupted", ORPHANED)
    error: Any = future.exception()
    if type(error).__name__ == "KilledWorker":
        return Outcome("failed", DIED, repr(error))
    return Outcome("failed", f"The worker could not start this calculation ({error}).", repr(error))


def serve(dispatcher: Dispatcher) -> int:
    """Run a dispatcher as the whole of this process, until told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, dispatcher.stop)
    return dispatcher.run()
