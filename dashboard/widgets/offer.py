"""A way on where a result lacks what a tab shows: a button that computes it, and sets the page to it."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.service import jobs, result
from dashboard.widgets import work
from dashboard.widgets.price import estimate
from mlip_core.jobs.cost import in_words
from mlip_core.jobs.task import Task

_WANTED = "offer-taken"


def offer(text: str, tasks: Sequence[Task], *, key: str, sets: Mapping[str, Any]) -> None:
    """Offer to compute what is not there yet, or to show it where it is.

    Parameters
    ----------
    text : str
        On the button.
    tasks : sequence of Task
        What is asked of the line-up.
    key : str
        Name of the button on its page.
    sets : mapping of str to value
        What the widgets of the page must say to show it, by their keys; :func:`take_offer` sets them.
    """
    works = work.follow(tasks)
    missing = [one.task for one in works if one.result is None and not one.active]
    took = estimate(missing)
    pressed = st.button(text, key=key, icon=":material/add:" if missing else ":material/visibility:")
    if missing:
        st.caption(f":material/schedule: {in_words(took).capitalize()} on this machine.")
    if not pressed:
        return
    st.session_state[_WANTED] = (dict(sets), tuple(jobs().key(task) for task in tasks))
    if missing and took > work.LONG:
        work.ask(missing, None, key=key, took=took)
    elif missing:
        work.submit(missing)
    else:
        st.rerun()


def take_offer() -> None:
    """Set the widgets of the page to what was taken, unless the visitor thought better of it; before they are drawn."""
    sets, keys = st.session_state.pop(_WANTED, ({}, ()))
    if keys and (jobs().find_all(keys) or any(result(key) is not None for key in keys)):
        for key, value in sets.items():
            st.session_state[key] = value
