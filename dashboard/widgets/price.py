"""What is about to be asked, in time: from what this machine measured or computed before, else from usual values."""

from collections.abc import Sequence

import streamlit as st

from dashboard.service import jobs, result, task_of
from mlip_core.calculations.speed.machine import n_cores
from mlip_core.jobs.cluster import n_workers
from mlip_core.jobs.cost import Pace, learned, pace_of_speed, together
from mlip_core.jobs.task import Task

LONG = 120.0
"""Seconds above which a page asks before it starts."""
_LEARNED_FROM = 60
"""Runs that are looked at, the newest."""


def estimate(tasks: Sequence[Task]) -> float:
    """Return how long tasks take on this machine that are not stored yet, s."""
    return together(tasks, n_workers(n_cores()), paces(), stored=_stored)


@st.cache_data(show_spinner=False, ttl=20.0)
def paces() -> dict[str, Pace]:
    """Return how fast the configurations are here, as far as that is known."""
    done = [run for run in jobs().runs(limit=_LEARNED_FROM, status="done") if run.seconds]
    pairs = [(task, run) for run in done if (task := task_of(run.id)) is not None]
    measured = {}
    for task, run in reversed(pairs):
        if task.kind == "speed" and (found := result(run.key)) is not None and (pace := pace_of_speed(found)):
            measured[task.configuration.code] = pace
    return learned([(task, run.seconds or 0.0) for task, run in pairs], measured)


def _stored(task: Task) -> bool:
    return jobs().store.has(jobs().key(task))
