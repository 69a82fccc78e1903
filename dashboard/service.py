"""What the pages share with the workers: the queue and the stored results."""

from typing import Any

import streamlit as st

from mlip_core.home import home
from mlip_core.jobs.queue import Jobs


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """Return the one connection of this server to the runs table and the store."""
    queue = Jobs(home())
    queue.ensure_dispatcher()
    return queue


def result(key: str) -> Any:
    """Return the stored record with this key, read from disk once; None where there is none."""
    if not jobs().store.has(key):
        return None
    record = _read(key)
    if record is None:
        _read.clear(key)
    return record


@st.cache_resource(show_spinner=False, max_entries=64)
def _read(key: str) -> Any:
    return jobs().result(key)
