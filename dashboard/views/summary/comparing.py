"""One button from a structure to a full comparison, with what it will take said before."""

import streamlit as st

from dashboard import state
from dashboard.service import jobs, result
from dashboard.views.summary.gathering import Comparison, keep_copies
from dashboard.widgets.navigation import go, script
from dashboard.widgets.price import estimate, paces
from mlip_core.jobs.cost import in_words, seconds
from mlip_core.jobs.task import Task

TEXT = "Compare everything"
WHAT = (
    "Laws, relaxation, rotations, speed, phonons in a small supercell, conservation and forces, with the whole line-up: "
    "cheap things first, results as they come."
)


def compare_button(found: Comparison, *, elsewhere: bool = False) -> None:
    """Offer to ask everything that is not there yet.

    Parameters
    ----------
    found : Comparison
    elsewhere : bool
        Whether this is another page than the summary, to which it then leads.
    """
    missing = [task for task in found.tasks if result(jobs().key(task)) is None]
    running = jobs().find_all([jobs().key(task) for task in missing])
    waiting = [task for task in missing if not ((run := running.get(jobs().key(task))) and run.active)]
    if not waiting:
        st.caption(
            "Running. Results appear as they come; you may leave this page and come back."
            if missing
            else ":material/check: Everything is compared."
        )
        return
    title = TEXT if len(missing) == len(found.tasks) else f"Compare the {len(waiting)} missing"
    if st.button(title, type="primary", icon=":material/play_arrow:", key="compare", shortcut="Ctrl+Enter", help=WHAT):
        start(found)
        if elsewhere:
            go(script("summary"))
        st.rerun()
    st.caption(f":material/schedule: {in_words(estimate(waiting)).capitalize()} on this machine.", width="content")


def start(found: Comparison) -> None:
    """Ask everything that is not there yet, what takes least time first."""
    kept = keep_copies(found)
    tasks = in_order([task for task in kept.tasks if result(jobs().key(task)) is None])
    jobs().submit_many(tasks, labels=[task.configuration.label for task in tasks], subject_name=state.structure_name())


def in_order(tasks: list[Task]) -> list[Task]:
    """Sort tasks by what they take."""
    known = paces()
    return sorted(tasks, key=lambda task: seconds(task, known))
