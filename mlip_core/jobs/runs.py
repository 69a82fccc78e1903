"""The runs table: the queue, and the truth about what ran."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

Status = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
STATUSES: tuple[Status, ...] = get_args(Status)
ACTIVE: tuple[Status, ...] = ("queued", "running")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One attempt at one task, as the table knows it."""

    id: str
    """16 hexadecimal digits."""
    key: str
    """Content key of the task and of its result."""
    kind: str
    """Name of the calculation: "relaxation", "phonons", …"""
    label: str
    """The configuration, as shown to people."""
    subject_name: str
    """What the person called the structure or data set; may be empty."""
    fingerprint: str
    """Content hash of the structure or data set."""
    formula: str
    """Chemical formula of the structure, or how many structures the data set has."""
    status: Status
    """queued, running, done, failed, cancelled or interrupted."""
    submitted: float
    """When it was asked for, s since 1970 (UTC)."""
    started: float | None = None
    """When a worker took it, s since 1970."""
    finished: float | None = None
    """When it ended in any way, s since 1970."""
    done: int = 0
    """Steps finished, as the task counts them."""
    total: int | None = None
    """Steps in all, where the task knows."""
    reason: str | None = None
    """Why it failed or was interrupted, for a person."""
    worker: str | None = None
    """Address of the worker that has or had it."""
    owner: int | None = None
    """Process id of the dispatcher that has or had it."""
    question: str | None = None
    """What was asked, whoever answers (:meth:`Task.question`); None where an earlier version asked."""
    expected: float | None = None
    """About how long it keeps a core busy, s: shorter runs go first (:func:`_turn`)."""

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.status in ACTIVE

    @property
    def seconds(self) -> float | None:
        """Time it has been computed for so far, or was, s; None before it started."""
        return None if self.started is None else (self.finished or time.time()) - self.started


_metadata = MetaData()
_runs = Table(
    "runs",
    _metadata,
    Column("id", String, primary_key=True),
    Column("key", String, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("label", String, nullable=False),
    Column("structure_name", String, nullable=False, key="subject_name"),
    Column("fingerprint", String, nullable=False, index=True),
    Column("formula", String, nullable=False),
    Column("status", String, nullable=False, index=True),
    Column("submitted", Float, nullable=False, index=True),
    Column("started", Float),
    Column("finished", Float),
    Column("done", Integer, nullable=False),
    Column("total", Integer),
    Column("reason", String),
    Column("worker", String),
    Column("owner", Integer),
    Column("question", String),
    Column("expected", Float),
)
Index("one_active_run_per_key", _runs.c.key, unique=True, sqlite_where=text("status IN ('queued', 'running')"))
_FILE = "runs-1.sqlite"  # the number changes where a column goes or gets another meaning
_YIELDS = 10.0
"""A run lets shorter ones pass that come later, for so many times as long as it is expected to take itself."""
_YIELDS_AT_MOST = 600.0
"""Seconds after which none that comes later passes any run."""


class RunsTable:
    """Runs in an SQLite file that several processes and threads of one machine share.

    Parameters
    ----------
    home : path
        Folder that holds the file; on a disk of this machine (SQLite's
        write-ahead log does not work over network file systems).
    """

    def __init__(self, home: str | Path) -> None:
        self._engine = create_engine(f"sqlite:///{Path(home) / _FILE}", connect_args={"timeout": 30})
        event.listen(self._engine, "connect", _prepare)
        with self._engine.begin() as connection:
            connection.execute(text("BEGIN IMMEDIATE"))
            _metadata.create_all(connection)
            _add_missing_columns(connection)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def add(self, run: Run) -> Run:
        """Add a run; where the same key already waits or runs, return that run instead."""
        row = {column.key: getattr(run, column.key) for column in _runs.columns}
        while True:
            try:
                with self._engine.begin() as connection:
                    connection.execute(insert(_runs).values(row))
                return run
            except IntegrityError:
                active = self.find(run.key, ACTIVE)
                if active is not None:
                    return active

    def get(self, run_id: str) -> Run | None:
        """Return the run with this id."""
        return self._first(select(_runs).where(_runs.c.id == run_id))

    def find(self, key: str, statuses: Sequence[Status] = STATUSES) -> Run | None:
        """Return the newest run with this key and one of these statuses."""
        chosen = select(_runs).where(_runs.c.key == key, _runs.c.status.in_(statuses))
        return self._first(chosen.order_by(_runs.c.submitted.desc()))

    def newest(self, keys: Sequence[str]) -> dict[str, Run]:
        """Return the newest run of each of these keys, where there is one."""
        chosen = select(_runs).where(_runs.c.key.in_(keys)).order_by(_runs.c.submitted)
        with self._engine.connect() as connection:
            return {run.key: run for run in map(_run, connection.execute(chosen))}

    def list(
        self,
        *,
        limit: int | None = 100,
        statuses: Iterable[Status] | None = None,
        kind: str | None = None,
        fingerprint: str | None = None,
    ) -> list[Run]:
        """Return runs, newest first."""
        chosen = select(_runs).order_by(_runs.c.submitted.desc(), text("rowid DESC")).limit(limit)
        if statuses is not None:
            chosen = chosen.where(_runs.c.status.in_(tuple(statuses)))
        if kind is not None:
            chosen = chosen.where(_runs.c.kind == kind)
        if fingerprint is not None:
            chosen = chosen.where(_runs.c.fingerprint == fingerprint)
        with self._engine.connect() as connection:
            return [_run(row) for row in connection.execute(chosen)]

    def count(self, statuses: Sequence[Status]) -> int:
        """Return how many runs have one of these statuses."""
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count()).where(_runs.c.status.in_(statuses))) or 0

    def first_waiting(self) -> Run | None:
        """Return the run whose turn it is: short ones before long ones, but nobody waits for ever."""
        return self._first(_waiting(*_runs.columns))

    def claim(self, run_id: str | None = None, *, owner: int, worker: str) -> Run | None:
        """Take a run that waits, by default the one whose turn it is, in one step that only one caller can win.

        Parameters
        ----------
        run_id : str, optional
            Which one; where it waits no longer, none is taken.
        owner : int
            Process id of the dispatcher.
        worker : str
            Address of the worker that gets it.

        Returns
        -------
        Run or None
        """
        chosen = _waiting(_runs.c.id).limit(1).scalar_subquery() if run_id is None else run_id
        claimed = (
            update(_runs)
            .where(_runs.c.id == chosen, _runs.c.status == "queued")
            .values(status="running", started=time.time(), owner=owner, worker=worker)
            .returning(*_runs.columns)
        )
        with self._engine.begin() as connection:
            row = connection.execute(claimed).first()
        return None if row is None else _run(row)

    def follow(self, run_id: str, done: int, total: int | None) -> None:
        """Note how far a run is."""
        self._change(_runs.c.id == run_id, done=done, total=total)

    def rename(self, run_id: str, key: str) -> None:
        """Give a run the key that its task turned out to have; not while another active run has it."""
        with suppress(IntegrityError):
            self._change(_runs.c.id == run_id, key=key)

    def finish(
        self, run_id: str, status: Status, reason: str | None = None, *, before: Sequence[Status] = ("running",)
    ) -> bool:
        """End a run that is in one of the statuses ``before``.

        Returns
        -------
        bool
            Whether it was.
        """
        mine = (_runs.c.id == run_id) & _runs.c.status.in_(before)
        return self._change(mine, status=status, reason=reason, finished=time.time()) > 0

    def finish_all(self, before: Status, status: Status, reason: str) -> int:
        """End every run of status ``before``; return how many there were."""
        return self._change(_runs.c.status == before, status=status, reason=reason, finished=time.time())

    def delete(self, run_id: str) -> None:
        """Forget a run."""
        with self._engine.begin() as connection:
            connection.execute(delete(_runs).where(_runs.c.id == run_id))

    def _change(self, which: Any, **values: object) -> int:
        with self._engine.begin() as connection:
            return connection.execute(update(_runs).where(which).values(**values)).rowcount

    def _first(self, chosen: Any) -> Run | None:
        with self._engine.connect() as connection:
            row = connection.execute(chosen.limit(1)).first()
        return None if row is None else _run(row)


def _waiting(*columns: Any) -> Select:
    """Select columns of the runs that wait, the one whose turn it is first."""
    return select(*columns).where(_runs.c.status == "queued").order_by(_turn(), text("rowid"))


def _turn() -> ColumnElement:
    """Until when a run lets shorter ones pass, s since 1970: the later it comes and the longer it takes, the later."""
    return _runs.c.submitted + func.min(_YIELDS * func.coalesce(_runs.c.expected, 0.0), _YIELDS_AT_MOST)


def _add_missing_columns(connection: Connection) -> None:
    """Give a table of an earlier version the columns that came since; its rows have nothing in them."""
    there = {column["name"] for column in inspect(connection).get_columns(_runs.name)}
    for column in _runs.columns:
        if column.name not in there:
            connection.execute(text(f"ALTER TABLE {_runs.name} ADD COLUMN {column.name} {column.type}"))


def _run(row: Row) -> Run:
    return Run(**{column.key: value for column, value in zip(_runs.columns, row, strict=True)})


def _prepare(connection: Any, _: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
