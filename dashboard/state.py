"""What a visitor has chosen. The only file that names session-state and query-parameter keys.

The structure, the line-up and the settings of every page live in the address,
so that a link, a bookmark or a reload shows the same comparison.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from ase import Atoms

from dashboard import lineup as lineups
from dashboard.lineup import MAX_MEMBERS
from dashboard.service import SHIPPED, jobs
from mlip_core.configuration import Configuration
from mlip_core.models.catalogue import catalogue
from mlip_core.structures import library, library_structure

STRUCTURE = "structure"
STRUCTURE_PROBLEM = "structure-problem"
"""Why what was brought last cannot be used as a structure."""
PICKED = "picked-before"
"""Structure of the library that was taken last."""
UPLOADED = "uploaded-before"
"""Upload that was taken last as a structure."""
LINEUP = "lineup"
MODE = "mode"
"""Phonon mode that is watched: member, raw (0 or 1), index of q and branch, joined by "~"."""
DATA = "data"
AGAINST = "against"
ELEMENT = "element"
SUBSET = "subset"
POINT = "point"
DATA_PROBLEM = "data-problem"
"""Why what was brought last cannot be used as a data set."""
DATA_LACKS_TYPES = "data-lacks-types"
"""Whether what was brought last does not say which elements its types are."""
DATA_UPLOADED = "data-uploaded"
"""Upload that was taken last as a data set."""
SUMMARY_REFERENCE = "compare_with"
"""With what the summary compares bands and forces: :data:`PBE`, or the code of a member."""
PBE = "pbe"
"""Value of :data:`SUMMARY_REFERENCE` where it is the reference that comes with the program."""
STANDARD = "standard"
"""Whether phonons are computed in the standard cell of the structure."""
GRID = "grid"
ROTATION_REFERENCE = "rotation_reference"
LEARN_EPOCHS = "learn_epochs"
PROJECTOR = "projector"
"""Whether type is larger, for a room."""
PRESENT = "present"
"""Whether the controls are hidden."""
FOLDER = "page-folder"
"""Folder of the open page."""
QUESTION = "page-question"
"""What the open page answers."""
TERMS = "page-terms"
"""Terms that the open page explains."""
OPENED = "opened-with"
"""Settings with which a page is being opened, by the keys of its widgets."""
EARLIER = "earlier"
LESSON = "lesson"
"""Name of the lesson that is open."""
VISITED = "visited"
"""Whether the session has shown a page."""
VISITOR = "visitor"
"""Random name of an open page."""
LABELS = "labels"
"""Value of :data:`AGAINST` where errors are those against the labels of the data set."""
NOBODY = "none"
"""Value of :data:`ROTATION_REFERENCE` where nobody is compared with."""
CARRIED = (STRUCTURE, LINEUP, DATA, PROJECTOR, PRESENT)
"""What every page keeps in the address."""
START = ("pet-demo:direct", "pet-demo:conservative", "soap-demo", "sevennet-0", "chgnet")


def restore() -> dict[str, str]:
    """Keep session and address the same: what a link names is taken, and what it does not name is written into it.

    Returns
    -------
    dict of str to str
        What the browser is to write into the address of the page with which a session begins.
    """
    st.session_state.setdefault(LINEUP, lineups.write(lineups.placed(start_lineup(), {})))
    for key in CARRIED:
        if key in st.query_params:
            st.session_state[key] = st.query_params[key]
    missing = {key: st.session_state[key] for key in CARRIED if key in st.session_state and key not in st.query_params}
    if VISITED not in st.session_state:
        st.session_state[VISITED] = True
        return missing
    if missing:
        st.query_params.update(missing)
    return {}


def missing() -> list[str]:
    """Return in words what the address names and is not here."""
    words = []
    if st.session_state.get(STRUCTURE) and structure() is None:
        words.append("The structure that this link names is not kept here. Choose or upload it again.")
    if unknown := _read_lineup()[1]:
        words.append(f"This link names models that are not here: {', '.join(unknown)}. They are left out.")
    return words


def enter(folder: str, *, question: str, terms: tuple[str, ...]) -> None:
    """Say which page is open, what it answers and which terms it explains."""
    st.session_state[FOLDER], st.session_state[QUESTION], st.session_state[TERMS] = folder, question, terms


def open_with(settings: Mapping[str, Any], words: Mapping[str, str]) -> None:
    """Choose settings of the page that is opened next, by the keys of its widgets.

    Parameters
    ----------
    settings : mapping
        Widget key → value.
    words : mapping
        Widget key → what the address says of it, where that is not the value itself.
    """
    st.session_state.update(settings)
    st.session_state[OPENED] = {
        key: str(value).lower() if isinstance(value, bool) else words.get(key, str(value))
        for key, value in settings.items()
        if isinstance(value, bool | int | float | str)
    }


def opened() -> dict[str, str]:
    """Return, once, what the address of the page that is opened must say of its settings.

    A widget that is drawn for the first time takes what was chosen for it, but does not write it into the address.
    """
    found: dict[str, str] = st.session_state.pop(OPENED, {})
    return found


def structure() -> Atoms | None:
    """Return the chosen structure; None when nothing is chosen, or a link names one that is not here."""
    name = st.session_state.get(STRUCTURE)
    if name is None:
        return None
    if name in {item.id for item in library()}:
        return library_structure(name)
    stored = jobs().store.get_structure(name) if re.fullmatch(r"[0-9a-f]{32}", name) else None
    if stored is None:
        return None
    atoms = stored.structure.copy()
    atoms.info["name"] = stored.name
    return atoms


def structure_name() -> str:
    """Return what the visitor calls the chosen structure."""
    atoms = structure()
    return "" if atoms is None else str(atoms.info.get("name", ""))


def choose_library(name: str) -> None:
    """Choose a structure of the library."""
    _put(STRUCTURE, name)


def choose_structure(atoms: Atoms, name: str) -> None:
    """Choose a structure the visitor brought; it is kept so that a link finds it again."""
    _put(STRUCTURE, jobs().store.put_structure(atoms, name))


def mode() -> str:
    """Return the phonon mode that is watched, as the address or the session says; "" for none."""
    return str(st.query_params.get(MODE, st.session_state.get(MODE, "")))


def choose_mode(code: str) -> None:
    """Choose the phonon mode that is watched."""
    _put(MODE, code)


def lesson() -> str:
    """Return the name of the lesson that is open, as the address or the session says; "" for none."""
    return str(st.query_params.get(LESSON, st.session_state.get(LESSON, "")))


def choose_lesson(name: str) -> None:
    """Choose a lesson."""
    _put(LESSON, name)


def data() -> str:
    """Return the code of the chosen data set."""
    return str(st.session_state.get(DATA, SHIPPED))


def choose_data(code: str) -> None:
    """Choose a data set; what was narrowed down in another one is forgotten."""
    _put(DATA, code)
    for key in (ELEMENT, SUBSET, AGAINST):
        st.session_state.pop(key, None)
    forget(POINT)


def lineup() -> tuple[Configuration, ...]:
    """Return the members of the line-up, in their order."""
    return tuple(_read_lineup()[0])


def color(member: Configuration, otherwise: int = 0) -> int:
    """Return the place of a member's colour, which stays its own however the order changes."""
    return _read_lineup()[0].get(member, otherwise)


def _read_lineup() -> tuple[dict[Configuration, int], tuple[str, ...]]:
    text = st.session_state.get(LINEUP)
    if text is None:
        return lineups.placed(start_lineup(), {}), ()
    return lineups.read(str(text))


def start_lineup() -> tuple[Configuration, ...]:
    """Return the line-up offered at the start: what is here without a download."""
    members = [Configuration.from_code(code) for code in START]
    here = {item.name for item in catalogue() if item.available()}
    return tuple(member for member in members if member is not None and member.model in here)


def set_lineup(members: Sequence[Configuration]) -> None:
    """Replace the line-up; who was in it keeps the colour."""
    _put(LINEUP, lineups.write(lineups.placed(members, _read_lineup()[0])))


def open_lineup(members: Sequence[Configuration]) -> None:
    """Take another line-up, with its colours in order."""
    _put(LINEUP, lineups.write(lineups.placed(members, {})))


def add_member(member: Configuration) -> None:
    """Add a configuration at the end, once."""
    members = lineup()
    if member not in members and len(members) < MAX_MEMBERS:
        set_lineup([*members, member])


def earlier() -> dict[str, str]:
    """Return which stored results of earlier versions a visitor opened: key of the question now → key in the store."""
    return st.session_state.setdefault(EARLIER, {})


def visitor() -> str:
    """Return a name that tells this open page from every other."""
    return str(st.session_state.setdefault(VISITOR, uuid.uuid4().hex))


def on(switch: str) -> bool:
    """Tell whether a switch that every page has is on: :data:`PROJECTOR` or :data:`PRESENT`."""
    return st.session_state.get(switch) == "true"


def turn(switch: str) -> None:
    """Turn a switch that every page has."""
    _put(switch, "false" if on(switch) else "true")


def pick(key: str, numbers: tuple[int, int, int]) -> None:
    """Remember what was clicked in a figure, also in the address: :data:`MODE` or :data:`POINT`."""
    _put(key, ".".join(map(str, numbers)))


def picked(key: str) -> tuple[int, int, int] | None:
    """Return the three numbers that :func:`pick` remembered, here or in the address that was opened; None for nothing."""
    text = str(st.query_params.get(key, st.session_state.get(key, "")))
    found = re.fullmatch(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})", text)
    if found is None:
        return None
    if st.query_params.get(key) != text:
        _put(key, text)
    first, second, third = map(int, found.groups())
    return first, second, third


def forget(key: str) -> None:
    """Forget what was clicked in a figure."""
    st.session_state.pop(key, None)
    st.query_params.pop(key, None)


def _put(key: str, value: str) -> None:
    st.session_state[key] = value
    st.query_params[key] = value
