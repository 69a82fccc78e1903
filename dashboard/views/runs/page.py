"""Runs: everything that was asked for, by comparison; what became of it, and the way back to it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from dashboard.reopen import open_comparison
from dashboard.service import jobs
from dashboard.widgets.frame import guarded, header
from dashboard.widgets.navigation import go, link
from dashboard.widgets.numbers import MISSING
from dashboard.widgets.table import headed
from mlip_core.calculations import CALCULATIONS
from mlip_core.errors import RecordError
from mlip_core.jobs.comparisons import Comparison, comparisons
from mlip_core.jobs.runs import Run
from mlip_core.jobs.task import Task

SIGNS = {"queued": "…", "running": "▶", "done": "✓", "failed": "✗", "cancelled": "■", "interrupted": "✗"}
UNREADABLE = "cannot be read"
LISTED = 500  # runs that are looked at, the newest
COLUMNS = {
    "progress": st.column_config.ProgressColumn("progress", min_value=0.0, max_value=1.0, width="small"),
    "asked": st.column_config.DatetimeColumn("asked", format="D MMM, HH:mm"),
    "seconds": st.column_config.NumberColumn("time (s)", format="%.1f"),
}


def main() -> None:
    """Lay the page out: the comparisons, and what can be done with the chosen ones."""
    header()
    runs = jobs().runs(limit=LISTED)
    if not runs:
        st.subheader("Nothing has run yet")
        st.markdown("Everything that you start is listed here, with their results, also after a restart.")
        link("summary", "Compare everything on a structure")
        link("start", "See a finished example")
        return
    busy = any(run.active for run in runs)
    st.fragment(table, run_every=1.0 if busy else None)(busy)


def table(was_busy: bool) -> None:
    """List the comparisons, newest first, and offer what suits the chosen ones."""
    with guarded():
        runs = jobs().runs(limit=LISTED)
        if was_busy and not any(run.active for run in runs):
            st.rerun()
        asked = comparisons(runs)
        chosen = _choose([_row(one) for one in asked], key="runs-table", height=520)
        if not chosen:
            st.caption("Choose rows at the left edge to open, cancel, repeat or delete them.")
            return
        members(asked[chosen[0]]) if len(chosen) == 1 else actions([run for row in chosen for run in asked[row].runs])


def members(comparison: Comparison) -> None:
    """Show the runs of one comparison; what is offered is for those chosen, or for all."""
    place = st.container()
    rows = _choose([_member(run) for run in comparison.runs], key=f"members-{comparison.runs[0].id}", height=260)
    with place:
        actions([comparison.runs[row] for row in rows] or comparison.runs)


def actions(chosen: Sequence[Run]) -> None:
    """Offer to open, cancel, repeat or delete the chosen runs."""
    buttons = st.container(horizontal=True)
    readable = [run for run in chosen if not _task(run)[1]]
    if readable and buttons.button("Open", type="primary", icon=":material/open_in_new:"):
        page = open_comparison([(run, task) for run in readable if (task := _task(run)[0]) is not None])
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
    for run in chosen:
        if problem := _task(run)[1]:
            st.warning(f"{run.label}: {problem}. It can be deleted.", icon=":material/warning:")
        if run.reason:
            st.error(f"{run.label}: {run.reason}")


def _choose(rows: list[dict[str, object]], *, key: str, height: int) -> list[int]:
    """Show a table whose rows can be chosen; return the positions of those that are."""
    shown = pd.DataFrame(rows)
    event = st.dataframe(
        shown,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key=key,
        column_config=headed(shown, COLUMNS),
        placeholder=MISSING,
        height=min(36 * (len(rows) + 1) + 4, height),
    )
    return [row for row in event.selection.rows if row < len(rows)]


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


def _problem(run: Run) -> str:
    return _unreadable(run.id, run) or jobs().store.problem(run.key) or ""


def _row(one: Comparison) -> dict[str, object]:
    problems = [problem for run in one.runs if (problem := _problem(run))]
    return {
        "status": _status(one) if not problems else f"✗ {len(problems)} of {len(one.runs)} {UNREADABLE}",
        "what": CALCULATIONS[one.kind].title if one.kind in CALCULATIONS else one.kind.replace("_", " "),
        "subject": one.subject,
        "line-up": ", ".join(one.labels),
        "progress": one.progress,
        "asked": datetime.fromtimestamp(one.submitted),
        "seconds": one.seconds,
        "note": "; ".join(dict.fromkeys(problems or [run.reason for run in one.runs if run.reason])),
    }


def _status(one: Comparison) -> str:
    """Say how many of a comparison's runs are in which state: "✓ done", or "▶ 2 running, 3 done"."""
    count = Counter[str](run.status for run in one.runs)
    states = [state for state in ("running", "queued", "failed", "interrupted", "cancelled", "done") if count[state]]
    words = states if len(states) == 1 else [f"{count[state]} {state}" for state in states]
    return f"{SIGNS[states[0]]} {', '.join(words)}"


def _member(run: Run) -> dict[str, object]:
    problem = _problem(run)
    return {
        "status": f"✗ {UNREADABLE}" if problem else f"{SIGNS[run.status]} {run.status}",
        "configuration": run.label,
        "progress": 1.0 if run.status == "done" else (run.done or 0) / run.total if run.total else 0.0,
        "asked": datetime.fromtimestamp(run.submitted),
        "seconds": run.seconds,
        "note": problem or run.reason or "",
    }


if __name__ == "__main__":
    main()
