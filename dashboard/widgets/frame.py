"""What stands on every page: the chosen structure, the line-up's chips, the projector switch, and errors put kindly."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape

import streamlit as st
from ase import Atoms
from streamlit.delta_generator import DeltaGenerator

from dashboard import state
from dashboard.widgets.glossary import terms
from dashboard.widgets.model_card import outside
from dashboard.widgets.navigation import link
from dashboard.widgets.preview import SHOWN, welcome
from dashboard.widgets.style import style_of
from dashboard.widgets.theme import Look, Style
from mlip_core.configuration import Configuration
from mlip_core.errors import MlipError
from mlip_core.models.catalogue import entry
from mlip_core.structures import formula

_log = logging.getLogger(__name__)

LAYOUT = """<style>
[data-testid="stMainBlockContainer"] { padding: 4.2rem 2.2rem 2rem; max-width: 2200px; }
@media (max-width: 1400px) {
  [data-testid="stTopNavLink"] { padding: 0 4px; }
  [data-testid="stTopNavLink"] * { font-size: 13.5px !important; }
}
@media (max-width: 1000px) {
  [data-testid="stMainBlockContainer"] { padding: 4.2rem 1rem 2rem; }
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"] :is(.st-key-repeat, [class*="st-key-card-"])) > * {
    flex: 1 1 300px; min-width: 300px;
  }
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"] :is(.st-key-controls, .st-key-mode-who, [class*="st-key-open-"])) > * {
    flex: 1 1 100%; min-width: 100%;
  }
}
[data-testid="stTable"] { overflow-x: auto; }
[data-testid="stProgressBarTrack"] * { transition: none; }
</style>"""
"""On a narrow screen the controls stand above the results, and the names of all pages still have room.

A bar moves in steps: gliding, it takes a browser that draws without a graphics card four tenths of a core, which the
models on the same machine then lack."""
DARK = """<style>
[data-testid="stBaseButton-primary"], [data-testid="stBaseButton-primary"] kbd { color: #10151c; }
</style>"""
"""On the light blue of a dark page white letters can hardly be read."""
PRESENT = """<style>
[data-testid="stMain"]:not(:has(.st-key-empty)) [data-testid="stColumn"]:has(.st-key-controls) { display: none; }
</style>"""
"""Controls are not seen, but still hold the settings; a page without results keeps the button that asks for them."""
COMPARES = "this page compares the whole line-up on it."
"""What most pages do with a structure."""
CROWDED = 4
"""Members of the line-up from whose excess on their chips are smaller."""
PROJECTOR = """<style>
html { font-size: 20px; }
@media (max-width: 1700px) {
  [data-testid="stTopNavLink"] { padding: 0 4px; }
  [data-testid="stTopNavLink"] * { font-size: 16.5px !important; }
}
@media (max-width: 1400px) { [data-testid="stTopNavLink"] * { font-size: 13px !important; } }
[data-testid="stMarkdownContainer"], [data-testid="stMetricValue"], [data-testid="stDataFrame"] { font-weight: 500; }
[data-testid="stBaseButton-primary"] kbd { display: none; }
[data-testid="stElementContainer"]:has([data-testid="stDataFrame"]) { width: 80%; height: auto; }
[data-testid="stDataFrame"]:not(:has([aria-label="Close fullscreen"])) { zoom: 1.25; }
</style>"""
"""Larger for a room; names of keys would take the width that the buttons' own words need then. Tables whose rows can be
chosen are drawn at one size whatever the page says: made larger as pictures, they fill the width that they measured;
on the whole screen nothing would be left to grow into."""


@contextmanager
def guarded() -> Iterator[None]:
    """Turn what goes wrong on a page into words; the technical part goes to the server's log."""
    try:
        yield
    except MlipError as error:
        st.error(str(error), icon=":material/error:")
    except Exception:
        _log.exception("a page failed")
        st.error(
            "This page met something it was not prepared for. Nothing is lost: your structure, line-up and results are kept. "
            "Reload the page, or change the last setting back; the details are in the server's log.",
            icon=":material/error:",
        )


def look() -> Look:
    """Return how figures suit the visitor's theme and the projector switch."""
    return Look(dark=st.context.theme.type == "dark", projector=state.on(state.PROJECTOR))


def header() -> None:
    """Draw the strip above every page: structure, line-up, projector."""
    strip = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with strip:
        atoms = state.structure()
        if atoms is None:
            st.markdown(":gray[No structure chosen]", width="content")
        else:
            st.markdown(f"**{plain(_name(atoms))}** · {len(atoms)} atom{'s' * (len(atoms) > 1)}", width="content")
        st.html(chips(state.lineup(), atoms), width="content")
        st.space("stretch")
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            terms()
            _switch(state.PRESENT, "Present", "Hides the controls, so that the results have the whole width.")
            projector_switch()
    for words in state.missing():
        st.warning(words, icon=":material/link_off:")
    st.html(LAYOUT + PROJECTOR * look().projector + DARK * look().dark + PRESENT * state.on(state.PRESENT))


def panes() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return the place of a page's controls and, right of it, the wider one of its results."""
    controls, results = st.columns([1, 3.6], gap="large")
    return controls.container(key="controls"), results


def projector_switch() -> None:
    """Offer larger type for a room."""
    _switch(state.PROJECTOR, "Projector", "Larger type and thicker lines, for a room.")


def _switch(name: str, title: str, words: str) -> None:
    """Draw a switch that every page has and every address carries (one bound to the address would be lost on the way back)."""
    key = f"{name}-switch"
    st.session_state[key] = state.on(name)
    st.toggle(title, key=key, on_change=state.turn, args=(name,), help=words)


def titled(page: str) -> str:
    """Return the name of a page with that of the chosen structure, for what a visitor takes along."""
    atoms = state.structure()
    return page if atoms is None else f"{page}: {_name(atoms)}"


def _name(atoms: Atoms) -> str:
    return str(atoms.info.get("name") or formula(atoms))


def chips(members: tuple[Configuration, ...], structure: Atoms | None) -> str:
    """Return the line-up as coloured chips, in HTML; who does not know the structure's elements says so."""
    marks = " ".join(
        chip(style_of(member, state.color(member, position)), _unknown(member, structure))
        for position, member in enumerate(members)
    )
    return f"<span style='font-size:{0.86 if len(members) > CROWDED else 1}em'>{marks}</span>"


def chip(mark: Style, unknown: Sequence[str] = ()) -> str:
    """Return one configuration's name behind a line in its colour and dash, in HTML; pale where it is left out."""
    dash = {"solid": "solid", "dash": "dashed", "dot": "dotted"}[mark.dash]
    line = f"<span style='display:inline-block;width:1.7em;border-top:4px {dash} {mark.color};vertical-align:middle'></span>"
    name = escape(mark.label)
    if unknown:
        name = f"<span style='opacity:.55'>{name} · not trained on {escape(', '.join(unknown))}</span>"
    return f"<span style='white-space:nowrap;margin-right:.9em'>{line} {name}</span>"


def need_structure(words: str = COMPARES, shown: str = SHOWN) -> Atoms:
    """Return the chosen structure, or say where to choose one and stop the page.

    Parameters
    ----------
    words : str
        What the page does with a structure, in Markdown.
    shown : str
        What is seen in the picture of the page.
    """
    atoms = state.structure()
    if atoms is None:
        with welcome(f"Choose a structure of the library or bring your own; {words}", shown=shown):
            link("structure", "Choose a structure")
        st.stop()
    return atoms


def need_lineup(structure: Atoms | None = None) -> tuple[Configuration, ...]:
    """Return the members of the line-up that know the elements of a structure, or say what to do and stop the page."""
    members = state.lineup()
    if not members:
        st.subheader("No models chosen yet")
        link("lineup", "Put a line-up together")
        st.stop()
    able = tuple(member for member in members if not _unknown(member, structure))
    if not able:
        st.subheader("No member of the line-up knows this structure's elements")
        st.markdown("Add a model that does: the line-up page says what each one covers.")
        link("lineup", "Change the line-up")
        st.stop()
    warn(able)
    return able


def _unknown(member: Configuration, structure: Atoms | None) -> tuple[str, ...]:
    return () if structure is None else entry(member.model).unknown(structure.get_chemical_symbols())


def warn(members: tuple[Configuration, ...]) -> None:
    """Say which models do not know the chosen structure."""
    structure = state.structure()
    if structure is None:
        return
    doubts = dict.fromkeys(outside(member.model, structure) for member in members)
    if words := " ".join(filter(None, doubts)):
        st.warning(words, icon=":material/warning:")


def tabs(views: Mapping[str, Callable[[], None]], *, key: str) -> None:
    """Show views behind tabs. Only the open one is drawn; which one stays in the address."""
    for place, show in zip(st.tabs(list(views), key=key, bind="query-params"), views.values(), strict=True):
        if place.open:
            with place:
                show()


def notes(atoms: Atoms) -> None:
    """Show what the reader of a structure changed or left out."""
    for note in str(atoms.info.get("notes", "")).splitlines():
        st.caption(f":material/info: {plain(note)}")


def plain(text: object) -> str:
    """Escape what Markdown would read as markup."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()<>#+-.!|$:~" else letter for letter in str(text))
