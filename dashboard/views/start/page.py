"""Start: what this is, three finished examples, and the ways to a comparison of one's own."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.reopen import open_comparison
from dashboard.service import jobs
from dashboard.views import page_of
from dashboard.views.start.about import about, citations
from dashboard.views.structure.choosing import from_file, from_text
from dashboard.widgets.frame import LAYOUT, PROJECTOR, look
from dashboard.widgets.navigation import go, script
from dashboard.widgets.preview import picture_of
from dashboard.widgets.table import headed
from mlip_core.calculations import CALCULATIONS
from mlip_core.configuration import Configuration
from mlip_core.errors import RecordError
from mlip_core.jobs.comparisons import Comparison, comparisons
from mlip_core.models.catalogue import entry
from mlip_core.structures import formula, library, library_structure
from mlip_core.teaching import examples as finished

RECENT = 6  # comparisons that are listed


def main() -> None:
    """Lay the page out: name and picture, examples, one's own structure, the library, what was done before."""
    st.html(LAYOUT + PROJECTOR * look().projector)
    opening()
    examples()
    bring()
    recent()
    choose()
    with st.expander("How to cite", icon=":material/format_quote:"):
        citations()
    with st.expander("About: versions, licences, models", icon=":material/info:"):
        about()


def opening() -> None:
    """Say what this is, beside a picture of it."""
    words, picture = st.columns([2, 1], gap="large", vertical_alignment="center")
    with words:
        st.title("mlip-dashboard")
        st.markdown(
            "##### Machine-learned interatomic potentials side by side on your own structure: "
            "relax it, compute its phonons, and see what each model gets right and what it breaks."
        )
        st.caption(
            "Everything runs on this machine. Models that obey rotations and energy conservation by construction stand "
            "beside models that only learned to, as in [arXiv:2601.16195](https://arxiv.org/abs/2601.16195)."
        )
    picture.image(str(picture_of("start")), caption="What to conclude about five configurations on silicon")


def examples() -> None:
    """Offer the finished examples, a card each."""
    st.subheader("See a finished example")
    for column, example in zip(st.columns(3), finished.examples(), strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"#### {example.title}")
            st.markdown(example.question)
            st.caption(example.shows)
            st.page_link(
                script(example.page),
                label=example.button,
                icon=":material/play_circle:",
                query_params=dict(example.address),
            )


def bring() -> None:
    """Take a structure, and go on to look at it."""
    st.subheader("Bring your structure")
    file, text = st.columns(2)
    with file:
        taken = from_file()
    with text:
        taken = from_text() or taken
    if taken:
        go(script("structure"))


def choose() -> None:
    """Offer the library, and say who of the line-up knows what."""
    st.subheader("Or take one of the library")
    rows = pd.DataFrame(list(_library(state.lineup())))
    event = st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="library-table",
        height=36 * 11,
        column_config=headed(rows, {
            "structure": st.column_config.TextColumn(width=150),
            "formula": st.column_config.TextColumn(width=80),
            "atoms": st.column_config.NumberColumn(width=60),
            "known to": st.column_config.TextColumn(width=80, help="Members of the line-up that know its elements"),
            "why": st.column_config.TextColumn("why it is interesting", width=960),
        }),
    )  # fmt: skip
    if event.selection.rows:
        state.choose_library(library()[event.selection.rows[0]].id)
        go(script("structure"))
    st.caption("Choose a row at its left edge. A model that is not trained on an element is skipped, and says so.")


def recent() -> None:
    """Offer the comparisons that were asked for last."""
    asked = [one for one in comparisons(jobs().runs(limit=200)) if page_of(one.kind)][:RECENT]
    if not asked:
        return
    st.subheader("Go on where you were")
    for place, one in zip(cycle(st.columns(3)), asked, strict=False):
        busy = " · running" if one.active else ""
        title = f"{CALCULATIONS[one.kind].title.capitalize()} of {one.subject} · {len(one.runs)} configurations{busy}"
        if place.button(title, key=f"again-{one.runs[0].id}", type="tertiary", icon=":material/history:"):
            _open(one)


def _open(one: Comparison) -> None:
    """Open a comparison as it was asked, or say why that cannot be done."""
    try:
        asked = [(run, task) for run in one.runs if (task := jobs().task(run.id)) is not None]
    except RecordError as error:
        st.warning(str(error))
        return
    if asked and (page := open_comparison(asked)):
        go(page)


def _library(members: tuple[Configuration, ...]) -> Iterator[dict[str, Any]]:
    for item in library():
        atoms = library_structure(item.id)
        elements = set(atoms.get_chemical_symbols())
        knowing = [member for member in members if not entry(member.model).unknown(elements)]
        yield {
            "structure": item.name,
            "formula": formula(atoms),
            "atoms": len(atoms),
            "known to": f"{len(knowing)} of {len(members)}",
            "why": item.why,
        }


if __name__ == "__main__":
    main()
