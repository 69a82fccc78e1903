"""Models on their way from the hub: asked for once for all visitors, brought by a thread of this server."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

import streamlit as st

from mlip_core.errors import Cancelled, MlipError
from mlip_core.models.download import arrived, download, partial
from mlip_core.models.hub import Published, published

_log = logging.getLogger(__name__)

RECENT = 5.0
"""Seconds over which the rate is taken."""


class Download:
    """One model of the hub: what is offered, and how far its download is.

    Parameters
    ----------
    name : str
        In the catalogue.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.offer: Published | None = None
        """What the hub offers; None until it has said so."""
        self.problem = ""
        """Why the last attempt failed, for a person."""
        self.doing: Literal["", "asking", "loading"] = ""
        """Whether the hub is being asked, or bytes are on their way."""
        self._starting = threading.Lock()
        self._stop = threading.Event()
        self._seen: deque[tuple[float, int]] = deque()

    @property
    def here(self) -> int:
        """Bytes that have come."""
        return 0 if self.offer is None else arrived(self.offer)

    @property
    def rate(self) -> float:
        """Bytes a second over the last few seconds; 0 where nothing is known yet."""
        seen = list(self._seen)
        if len(seen) < 2 or seen[-1][0] == seen[0][0]:
            return 0.0
        return (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])

    def ask(self) -> None:
        """Ask the hub what it offers."""
        self._begin("asking", self._ask)

    def start(self) -> None:
        """Bring the file, from where an earlier attempt left it."""
        self._begin("loading", self._load)

    def cancel(self) -> None:
        """Stop; what has come is kept."""
        self._stop.set()

    def throw_away(self) -> None:
        """Delete what has come."""
        if self.offer is not None and not self.doing:
            partial(self.offer).unlink(missing_ok=True)
            self.problem = ""

    def _begin(self, doing: Literal["asking", "loading"], work: Callable[[], None]) -> None:
        with self._starting:
            if self.doing:
                return
            self.doing, self.problem = doing, ""
        self._stop.clear()
        self._seen.clear()
        threading.Thread(target=self._guarded, args=(work,), daemon=True).start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Cancelled:
            pass
        except MlipError as error:
            self.problem = str(error)
        except Exception as error:
            _log.exception("the download of %s failed", self.name)
            self.problem = f"The download stopped at something unforeseen ({type(error).__name__}: {error})."
        finally:
            self.doing = ""

    def _ask(self) -> None:
        self.offer = published(self.name)

    def _load(self) -> None:
        download(self.offer or published(self.name), progress=self._note)

    def _note(self, done: int, total: int | None, **_: object) -> None:
        now = time.monotonic()
        self._seen.append((now, done))
        while now - self._seen[0][0] > RECENT:
            self._seen.popleft()
        if self._stop.is_set():
            raise Cancelled


@st.cache_resource(show_spinner=False)
def on_its_way(name: str) -> Download:
    """Return the download of a model, the same for all visitors of this server."""
    return Download(name)
