"""Runs: everything that was asked for, what became of it, and the way back to it."""

from datetime import datetime

import pandas as pd
import streamlit as st

from dashboard.reopen import open_task, remember_earlier
from dashboard.service import jobs
from dashboard.widgets.frame import guarded, header
from dashboard.widgets.navigation import go, link
from mlip_core.calculations import CALCULATIONS
from mlip_core.errors import RecordError
from mlip_core.jobs.runs import Run
from mlip_core.jobs.task import Task

SIGNS = {"queued": "⏳", "running": "▶", "done": "✓", "failed": "✗", "cancelled": "■", "interrupted": "⚡"}
UNREADABLE = "cannot be read"


def main() -> None:
    """Lay the page out: the table, and what can be done with the chosen run."""
    header()
    runs = jobs().runs(limit=500)
    if not runs:
        st.subheader("Nothing has run yet")
        st.markdown("Everything that you start is listed here, with their results, also after a restart.")
        link("relaxation", "Relax a structure")
        return
    busy = any(run.active for run in runs)
    st.fragment(table, run_every=1.0 if busy else None)(busy)


def table(was_busy: bool) -> None:
    """List the runs, newest first, and offer what suits the chosen ones."""
    with guarded():
        runs = jobs().runs(limit=500)
        if was_busy and not any(run.active for run in runs):
            st.rerun()
        frame = pd.DataFrame([_row(run) for run in runs])
        event = st.dataframe(
            frame,
            hide_index=True,
            on_select="rerun",
            selection_mode="multi-row",
            key="runs-table",
            column_config={
                "progress": st.column_config.ProgressColumn("progress", min_value=0.0, max_value=1.0),
                "seconds": st.column_config.NumberColumn("time (s)", format="%.1f"),
            },
            height=min(36 * (len(frame) + 1) + 4, 620),
        )
        chosen = [runs[row] for row in event.selection.rows if row < len(runs)]
        if not chosen:
            st.caption("Choose rows at the left edge to open, cancel, repeat or delete them.")
            return
        actions(chosen)


def actions(chosen: list[Run]) -> None:
    """Offer to open, cancel, repeat or delete the chosen runs."""
    buttons = st.container(horizontal=True)
    task, problem = _task(chosen[0])
    if task is not None and buttons.button("Open", type="primary", icon=":material/open_in_new:"):
        page = open_task(task)
        remember_earlier(chosen[0], task)
        if page is not None:
            go(page)
    if any(run.active for run in chosen) and buttons.button("Cancel"):
        for run in chosen:
            jobs().cancel(run.id)
        st.rerun()
    again = [run for run in chosen if run.status in ("failed", "cancelled", "interrupted") and not _task(run)[1]]
    if again and buttons.button("Run again"):
        for run in again:
            jobs().retry(run.id)
        st.rerun()
    if buttons.button("Delete", help="Removes the runs and their stored results."):
        for run in chosen:
            jobs().delete(run.id)
        st.rerun()
    if problem:
        st.warning(f"{chosen[0].label}: {problem}. It can be deleted.", icon=":material/warning:")
    for run in chosen:
        if run.reason:
            st.error(f"{run.label}: {run.reason}")


def _task(run: Run) -> tuple[Task | None, str]:
    """Return what a run computes, or why that cannot be read."""
    try:
        task = jobs().task(run.id)
    except RecordError as error:
        return None, str(error)
    if task is not None and task.kind not in CALCULATIONS:
        return None, f"this version has no calculation {task.kind}"
    return task, ""


@st.cache_resource(show_spinner=False, max_entries=5000)
def _unreadable(run_id: str, _run: Run) -> str:
    """Why the task of a run cannot be read, "" where it can; tasks do not change, so that each is read once."""
    return _task(_run)[1]


def _row(run: Run) -> dict[str, object]:
    problem = _unreadable(run.id, run) or jobs().store.problem(run.key)
    return {
        "status": f"✗ {UNREADABLE}" if problem else f"{SIGNS[run.status]} {run.status}",
        "what": CALCULATIONS[run.kind].title if run.kind in CALCULATIONS else run.kind.replace("_", " "),
        "subject": f"{run.subject_name} {run.formula}".strip(),
        "configuration": run.label,
        "progress": 1.0 if run.status == "done" else (run.done or 0) / run.total if run.total else 0.0,
        "submitted": datetime.fromtimestamp(run.submitted),
        "seconds": run.seconds,
        "note": problem or run.reason or "",
    }


if __name__ == "__main__":
    main()
