"""Ways to bring a data set: an upload, the server's own data folder, copies of the chosen structure."""

from collections.abc import Callable

import streamlit as st
from ase import Atoms

from dashboard import state
from dashboard.service import shelf
from mlip_core.datasets.deepmd import TypeMapError
from mlip_core.datasets.shelf import Reading
from mlip_core.errors import DatasetError
from mlip_core.progress import Progress
from mlip_core.structures import fingerprint, formula
from mlip_core.summary.questions import COPIES, rattled_copies

FORMATS = (
    "Extended XYZ, ASE db, json or traj, vasprun.xml, phonopy_params.yaml, or a ZIP or tar file of these, of FORCE_SETS with "
    "its cell, or of DeePMD npy folders (LAMBench's layout). Structures without forces are welcome too: models are then "
    "compared with one another."
)


def bring() -> None:
    """Take an upload, read a file of the server's own, or make copies of the chosen structure."""
    uploaded = st.file_uploader("Labelled structures", max_upload_size=shelf().limit_mb, help=FORMATS)
    if uploaded is not None and uploaded.file_id != st.session_state.get(state.DATA_UPLOADED):
        st.session_state[state.DATA_UPLOADED] = uploaded.file_id
        take(uploaded.name, lambda reading, told: shelf().bring(uploaded, uploaded.name, reading, progress=told))
    if uploaded is not None and waits_for_types():
        types = ask_types()
        if types and st.button("Read with these elements", type="primary"):
            reading = Reading(type_map=types)
            take(uploaded.name, lambda _, told: shelf().bring(uploaded, uploaded.name, reading, progress=told))
    _offer_listed()
    structure = state.structure()
    if structure is not None and st.button(f"{COPIES} rattled copies of {state.structure_name() or 'the structure'}"):
        take_copies(structure)
        st.rerun()


def take_copies(structure: Atoms) -> None:
    """Keep rattled copies of a structure, and choose them as the data set."""
    name = f"{state.structure_name() or formula(structure)}, rattled"
    state.choose_data(shelf().put(rattled_copies(structure), name, place=copies_place(structure)))


def copies_place(structure: Atoms) -> str:
    """Return with what the code of a data set of rattled copies begins."""
    return f"rattled-{fingerprint(structure)[:20]}"


def _offer_listed() -> None:
    """Offer the files of the server's own data folder by their names, where there are any."""
    listed = shelf().listed()
    if not listed:
        return
    name = st.selectbox("In the server's data folder", listed, index=None, placeholder="Choose one")
    if name is not None and st.button("Read it"):
        chosen: str = name
        take(chosen, lambda reading, told: shelf().bring_listed(chosen, reading, progress=told))


def ask_types() -> tuple[str, ...] | None:
    """Ask for the elements of DeePMD's types; None until there are any."""
    text = st.text_input(
        "Elements of the types 0, 1, …",
        placeholder="O H",
        help="DeePMD numbers the kinds of atoms; without a type_map.raw the files do not say which elements they are.",
    )
    return tuple(text.replace(",", " ").split()) or None


def waits_for_types() -> bool:
    """Whether what was brought last can be read once its elements are known."""
    return bool(st.session_state.get(state.DATA_LACKS_TYPES))


def take(name: str, read: Callable[[Reading | None, Progress], str]) -> None:
    """Read what was brought, or keep in words why it cannot be used."""
    bar = st.progress(0.0, f"Reading {name}")

    def report(done: int, total: int | None, **_: object) -> None:
        bar.progress(0.5, f"{done} structures read")

    for key in (state.DATA_PROBLEM, state.DATA_LACKS_TYPES):
        st.session_state.pop(key, None)
    try:
        code = read(None, report)
    except DatasetError as error:
        st.session_state[state.DATA_PROBLEM] = f"{name} cannot be used: {error}"
        st.session_state[state.DATA_LACKS_TYPES] = isinstance(error, TypeMapError)
        st.rerun()
    state.choose_data(code)
    st.rerun()
