"""Summary: what to conclude about every member of the line-up on the chosen structure, on one screen."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st
from ase import Atoms

from dashboard import state
from dashboard.reopen import show_task
from dashboard.service import jobs
from dashboard.views.summary.comparing import compare_button
from dashboard.views.summary.gathering import Comparison, comparison, references, verdicts
from dashboard.views.summary.table import CSS, Cell, Row, table
from dashboard.views.summary.taking_along import offer
from dashboard.views.summary.words import KIND_OF, titles, words
from dashboard.widgets.frame import header, need_lineup, need_structure, plain
from dashboard.widgets.navigation import go
from dashboard.widgets.price import paces
from dashboard.widgets.style import style_of
from dashboard.widgets.work import Work, live
from mlip_core.calculations import CALCULATIONS
from mlip_core.configuration import Configuration
from mlip_core.jobs.cost import in_words, seconds
from mlip_core.summary.questions import unknown_elements
from mlip_core.summary.rules import RULES
from mlip_core.summary.verdicts import COLUMNS

_JS = Path(__file__).with_name("cells.js").read_text(encoding="utf-8")
_cells = st.components.v2.component("summary_table", html="<div class='place'></div>", css=CSS, js=_JS)


def main() -> None:
    """Lay the page out: what is compared with what, the table, the rules behind it, what to take along."""
    header()
    structure, members = need_structure(), need_lineup()
    found = choose(structure, members)
    live(found.tasks, lambda works: draw(found, works), steps=True, tell=tell)


def choose(structure: Atoms, members: tuple[Configuration, ...]) -> Comparison:
    """Offer with what bands and forces are compared, and the button that asks everything."""
    options = references(structure, members)
    picked = next(iter(options), None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(options) > 1:
            picked = st.selectbox(
                "Compare bands and forces with",
                list(options),
                format_func=options.__getitem__,
                key=state.SUMMARY_REFERENCE,
                bind="query-params",
                width=330,
                help="A member is a reference, not the truth: what differs from it is a difference, not an error.",
            )
        found = comparison(structure, members, picked)
        compare_button(found)
    return found


def draw(found: Comparison, works: Sequence[Work]) -> None:
    """Draw the table, and lead to the page behind a cell."""
    rows = rows_of(found, works)
    clicked = _cells(
        key="summary-table",
        data={"html": table(list(titles(found.reference_name).values()), pointing_up(rows))},
        on_opened_change=lambda: None,
    ).get("opened")
    if clicked:
        lead_on(found, str(clicked))
    st.caption(
        "Green: kept. Amber: doubtful. Red: broken, whatever was claimed. A cell opens the page behind it. "
        f"Bands and forces are compared with {found.reference_name}"
        f"{'' if found.reference is None else ', which is a model and not the truth'}."
    )
    if any(work.result is not None for work in works):
        offer(found, works, rows)
    with st.expander("The rules, each with its limits and reason"):
        show_rules()


def rows_of(found: Comparison, works: Sequence[Work]) -> list[Row]:
    """Put the table together: verdicts where results are, else what is under way, or what it would take."""
    judged = verdicts(found, works)
    by_place = {(work.task.kind, work.member): work for work in works}
    rows = []
    for position, member in enumerate(found.members):
        evidence, verdict = judged[member]
        unknown = unknown_elements(member, found.structure)
        cells = []
        for column in COLUMNS:
            kind = KIND_OF[column]
            work = by_place.get((kind, member))
            if work is None:
                cells.append(_not_asked(member, found, kind, unknown))
            elif work.result is None:
                cells.append(_under_way(work, f"{kind}:{position}"))
            else:
                headline, small = words(column, evidence, verdict)
                cells.append(Cell(headline, small, verdict.levels[column], opens=f"{kind}:{position}"))
        conclusion = f"Not applicable: does not know {', '.join(unknown)}" if unknown else verdict.sentence or NOTHING
        rows.append(Row(style_of(member, state.color(member, position)), cells, conclusion))
    return rows


def pointing_up(rows: Sequence[Row]) -> list[Row]:
    """Leave out the reasons for failures, which stand above the table on the page; the report tells them in its cells."""
    return [row._replace(cells=[_pointing_up(cell) for cell in row.cells]) for row in rows]


def _pointing_up(cell: Cell) -> Cell:
    return cell._replace(small="reason above") if cell.headline in _FAILED else cell


def _not_asked(member: Configuration, found: Comparison, kind: str, unknown: Sequence[str]) -> Cell:
    """Say why nothing is asked."""
    if unknown:
        return Cell("–", "", None, missing=True)
    if kind == "force_errors" and member == found.reference:
        return Cell("reference", "", None, missing=True)
    if kind == "phonons" and not found.structure.pbc.all():
        return Cell("–", "no crystal", None, missing=True)
    return Cell("–", "cannot be asked", None, missing=True)


def _under_way(work: Work, opens: str) -> Cell:
    """Say how far something is that is not there yet, or what it would take."""
    run = work.run
    if run is None or run.status == "cancelled":
        return Cell("not computed", in_words(seconds(work.task, paces())), None, missing=True, opens=opens)
    if run.status == "queued":
        return Cell("waiting", "", None, missing=True)
    if run.status == "running":
        done = f"{100 * run.done / run.total:.0f} %" if run.total else "starting"
        return Cell("running", done, None, missing=True)
    return Cell(run.status, (run.reason or "")[:120], None, missing=True, opens=opens)


def tell(works: Sequence[Work]) -> None:
    """Say in one line how far everything is, with a way to stop it."""
    active = [work for work in works if work.active]
    if active:
        done = sum(work.result is not None for work in works)
        running = [work for work in active if work.run is not None and work.run.status == "running"]
        what = "; ".join(f"{CALCULATIONS[work.task.kind].title}, {work.member.label}" for work in running[:3])
        bar, button = st.columns([6, 1], vertical_alignment="center")
        bar.progress(done / len(works), f"{done} of {len(works)} results{': ' * bool(what)}{what}")
        if button.button("Cancel", key="cancel-comparison", width="stretch"):
            for work in active:
                assert work.run is not None
                jobs().cancel(work.run.id)
            st.rerun()
    tell_failed(works)


def tell_failed(works: Sequence[Work]) -> None:
    """Say once each reason for which results are missing, and whose."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for work in works:
        if work.result is None and work.run is not None and work.run.status in _FAILED:
            members = reasons.setdefault(work.run.reason or work.run.status, {})
            members.setdefault(work.member.label, []).append(CALCULATIONS[work.task.kind].title)
    if not reasons:
        return
    number = sum(len(titles) for members in reasons.values() for titles in members.values())
    with st.expander(f"{number} could not be computed", icon=":material/error:", expanded=len(reasons) == 1):
        for reason, members in reasons.items():
            st.markdown(f"**{plain(reason)}**")
            st.markdown("\n".join(f"- {plain(label)}: {', '.join(titles)}" for label, titles in members.items()))


_FAILED = ("failed", "interrupted")
NOTHING = "Nothing is computed yet."  # conclusion where there is no result


def lead_on(found: Comparison, clicked: str) -> None:
    """Open the page behind a cell with the settings that the summary asked with."""
    kind, _, position = clicked.partition(":")
    if kind not in CALCULATIONS or not position.isdecimal() or int(position) >= len(found.members):
        return
    task = found.asked[kind].get(found.members[int(position)])
    if task is not None and (page := show_task(task)) is not None:
        go(page)


def show_rules() -> None:
    """Show the table of rules."""
    rows = [
        {
            "Use": rule.use or "–",
            "Number": rule.measure.replace("_", " "),
            "Kept up to": f"{rule.kept:g} {rule.unit}".strip(),
            "Broken above": "never" if rule.broken == float("inf") else f"{rule.broken:g} {rule.unit}".strip(),
            "Mended by": {"average": "average over rotations", "projection": "projection", None: "–"}[rule.cure],
            "Reason": rule.reason,
        }
        for rule in RULES
    ]
    st.table(pd.DataFrame(rows).set_index("Number"))


if __name__ == "__main__":
    main()
