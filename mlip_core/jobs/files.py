"""The folder of one run: its task, how far it is, whether it should stop, what went wrong."""

import json
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from mlip_core.errors import Cancelled
from mlip_core.jobs.names import checked

_TAIL = 65536  # bytes
_START = b'{"done": '


class RunFolder:
    """Files through which the web server, the dispatcher and a worker speak about one run.

    Parameters
    ----------
    home : path
        Folder of this person's data; shared with the workers.
    run_id : str
        Which run.
    """

    def __init__(self, home: str | Path, run_id: str) -> None:
        self.path = Path(home) / "runs" / checked(run_id, "run")
        self.task = self.path / "task.npz"
        self.progress = self.path / "progress.jsonl"
        self.detail = self.path / "detail.txt"
        self._stop = self.path / "cancel"
        self._key = self.path / "key"
        self._brought = self.path / "brought-structure"

    def ask_to_stop(self) -> None:
        """Tell the worker to stop at its next step."""
        self._stop.touch()

    def should_stop(self) -> bool:
        """Whether somebody asked the run to stop."""
        return self._stop.exists()

    def stop_asked(self) -> float | None:
        """When somebody asked the run to stop, s since 1970."""
        try:
            return self._stop.stat().st_mtime
        except FileNotFoundError:
            return None

    def note_structure(self) -> None:
        """Note that the structure came to be kept with this run alone, and goes with it."""
        self._brought.touch()

    def brought_structure(self) -> bool:
        """Whether the structure came to be kept with this run."""
        return self._brought.exists()

    def note_key(self, key: str) -> None:
        """Note under which key the worker keeps the result."""
        part = self._key.with_suffix(".part")
        part.write_text(key)
        part.replace(self._key)

    def noted_key(self) -> str | None:
        """Return the key under which the worker keeps the result, once it knows."""
        try:
            return self._key.read_text()
        except FileNotFoundError:
            return None

    def size(self) -> int:
        """Bytes reported so far."""
        try:
            return self.progress.stat().st_size
        except FileNotFoundError:
            return 0

    def last(self) -> dict[str, Any] | None:
        """Return the newest row, if there is a whole one among the last bytes."""
        with self.progress.open("rb") as file:
            file.seek(max(0, self.size() - _TAIL))
            lines = [line for line in file.read().split(b"\n")[:-1] if line.startswith(_START)]
        return json.loads(lines[-1]) if lines else None

    def rows(self, since: int = 0) -> list[dict[str, Any]]:
        """Return what the task reported, from row number ``since`` on."""
        try:
            with self.progress.open("rb") as file:
                lines = file.readlines()[since:]
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith(b"\n")]


class ProgressReader:
    """Reads what a run reports, each row once, however often somebody looks; safe to share among threads.

    Parameters
    ----------
    folder : RunFolder
        Of the run.
    most : int
        Rows kept in memory; beyond that every other one is let go, but never the first or the last.
    """

    def __init__(self, folder: RunFolder, *, most: int = 6000) -> None:
        self._path = folder.progress
        self._most = most
        self._lock = threading.Lock()
        self._rows: list[dict[str, Any]] = []
        self._read = 0
        self.count = 0
        """Rows reported so far, those let go among them."""

    def look(self) -> None:
        """Read what was added since the last look."""
        with self._lock:
            new = [json.loads(line) for line in self._added().splitlines()]
            self.count += len(new)
            self._rows += new
            while len(self._rows) > self._most:
                self._rows = [*self._rows[:-1:2], self._rows[-1]]

    def rows(self) -> list[dict[str, Any]]:
        """Return what was read so far, in order; see :meth:`Jobs.progress`."""
        with self._lock:
            return list(self._rows)

    def _added(self) -> bytes:
        """Whole lines behind those that were read."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                added = file.read()
        except FileNotFoundError:
            return b""
        whole = added[: added.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole


class ProgressFile:
    """The progress callable of a worker: keeps every row, and raises once the run should stop.

    Each row is one line and one write, so that a reader sees it at once and
    none is lost when the worker dies.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._file = folder.progress.open("w", buffering=1, encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def __call__(self, done: int, total: int | None, **values: object) -> None:
        """Write a row.

        Raises
        ------
        Cancelled
            If somebody asked the run to stop.
        """
        row = {"done": int(done), "total": None if total is None else int(total), "time": time.time(), "values": values}
        self._file.write(json.dumps(row, default=_plain) + "\n")
        self.stop_if_asked()

    def stop_if_asked(self) -> None:
        """Raise Cancelled if somebody asked the run to stop."""
        if self._folder.should_stop():
            raise Cancelled("stopped on request")


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} cannot be reported as progress")
