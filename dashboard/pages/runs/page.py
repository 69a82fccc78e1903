"""Runs: everything that was asked for, what became of it, and the way back to it."""

from datetime import datetime

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.service import jobs
from dashboard.widgets.frame import header
from mlip_core.jobs.runs import Run

PAGES = {
    "relaxation": "pages/relaxation/page.py",
    "phonons": "pages/phonons/page.py",
    "force_errors": "pages/force_errors/page.py",
    "error_split": "pages/force_errors/page.py",
    "lambench": "pages/force_errors/page.py",
    "rotational_variance": "pages/rotations/page.py",
    "correction_cost": "pages/rotations/page.py",
    "conservation": "pages/conservation/page.py",
    "passport": "pages/lineup/page.py",
}
SIGNS = {"queued": "⏳", "running": "▶", "done": "✓", "failed": "✗", "cancelled": "■", "interrupted": "⚡"}


def main() -> None:
    """Lay the page out: the table, and what can be done with the chosen run."""
    header()
    runs = jobs().runs(limit=500)
    if not runs:
        st.subheader("Nothing has run yet")
        st.markdown("Everything that you start is listed here, with their results, also after a restart.")
        st.page_link("pages/relaxation/page.py", label="Relax a structure", icon=":material/arrow_forward:")
        return
    busy = any(run.active for run in runs)
    st.fragment(table, run_every=1.0 if busy else None)(busy)


def table(was_busy: bool) -> None:
    """List the runs, newest first, and offer what suits the chosen ones."""
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
    task = jobs().task(chosen[0].id)
    if (
        task is not None
        and task.kind in PAGES
        and buttons.button("Open", type="primary", icon=":material/open_in_new:")
    ):
        state.open_task(task)
        st.switch_page(PAGES[task.kind])
    if any(run.active for run in chosen) and buttons.button("Cancel"):
        for run in chosen:
            jobs().cancel(run.id)
        st.rerun()
    if any(run.status in ("failed", "cancelled", "interrupted") for run in chosen) and buttons.button("Run again"):
        for run in chosen:
            jobs().retry(run.id)
        st.rerun()
    if buttons.button("Delete", help="Removes the runs and their stored results."):
        for run in chosen:
            jobs().delete(run.id)
        st.rerun()
    for run in chosen:
        if run.reason:
            st.error(f"{run.label}: {run.reason}")


def _row(run: Run) -> dict[str, object]:
    return {
        "status": f"{SIGNS[run.status]} {run.status}",
        "what": run.kind.replace("_", " "),
        "structure": f"{run.structure_name} {run.formula}".strip(),
        "configuration": run.label,
        "progress": 1.0 if run.status == "done" else (run.done or 0) / run.total if run.total else 0.0,
        "submitted": datetime.fromtimestamp(run.submitted),
        "seconds": run.seconds,
        "note": run.reason or "",
    }


main()
