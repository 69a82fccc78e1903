"""What those who watch the same work share, so that many cost hardly more than one."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

from dashboard.service import jobs
from mlip_core.jobs.files import ProgressReader

TICK = 1.0
"""Seconds between two looks at work under way, at least."""
LONGEST = 15.0
"""Seconds between two looks, at most."""
ONE = 0.009
"""Share of a core that drawing for those who watch the same work may take."""
ALL = 0.2
"""Share of a core that all who watch may take together."""
LOOK_COST = 0.01
"""Processor time of one look with its lines, s: roughly as measured."""
_GONE = 2 * LONGEST
"""Seconds without a look after which somebody counts as gone."""


def seconds_between(cost: float, watchers: int = 1) -> float:
    """Return how long to wait between two drawings.

    Parameters
    ----------
    cost : float
        Processor time of one, s.
    watchers : int
        How many pages watch work under way.

    Returns
    -------
    float
        s; the longer, the dearer a drawing and the more there are to draw for.
    """
    return min(max(TICK, cost / ONE, watchers * cost / ALL), LONGEST)


class Watched:
    """The progress of a line-up's runs as everybody sees it who watches them.

    All see the same rows until the next are due, so that one drawing serves all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: dict[str, ProgressReader] = {}
        self._looked = -LONGEST
        self._cost = 0.0

    def look(self, run_ids: Sequence[str]) -> None:
        """Read the new progress of these runs, if it is time to."""
        with self._lock:
            strange = [name for name in run_ids if name not in self._readers]
            if not strange and time.monotonic() - self._looked < seconds_between(self._cost, watchers()):
                return
            self._readers = {name: self._readers.get(name) or jobs().reader(name) for name in run_ids}
            for reader in self._readers.values():
                reader.look()
            self._looked, self._cost = time.monotonic(), 0.0

    def rows(self, run_id: str) -> list[dict[str, Any]]:
        """Return what this run has reported; see :meth:`mlip_core.jobs.queue.Jobs.progress`."""
        reader = self._readers.get(run_id)
        return [] if reader is None else reader.rows()

    def count(self, run_id: str) -> int:
        """Return how many rows this run has reported."""
        reader = self._readers.get(run_id)
        return 0 if reader is None else reader.count

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Measure what a drawing costs: the dearest since the last look decides when to look again."""
        began = time.thread_time()
        try:
            yield
        finally:
            self._cost = max(self._cost, time.thread_time() - began)


@st.cache_resource(show_spinner=False, max_entries=32)
def watched(keys: tuple[str, ...]) -> Watched:
    """Return what all share who watch the tasks with these keys."""
    return Watched()


@st.cache_resource(show_spinner=False)
def _pages() -> dict[str, float]:
    return {}


def watchers() -> int:
    """Return how many pages watch work under way on this server."""
    return max(1, len(_pages()))


def note_watcher(page: str) -> None:
    """Note that a page looked just now, and forget those that no longer do."""
    pages, now = _pages(), time.monotonic()
    pages[page] = now
    for gone in [name for name, seen in list(pages.items()) if now - seen > _GONE]:
        pages.pop(gone, None)
