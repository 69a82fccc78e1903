"""The data set that forces are compared on: choose one, bring one, and see how it was understood."""

from collections.abc import Sequence

import streamlit as st
from ase import Atoms

from dashboard import state
from dashboard.pages.force_errors.reference_card import show_reference_card
from dashboard.service import SHIPPED, dataset, shelf
from dashboard.widgets.frame import plain
from mlip_core.calculations.rotations.measures import displaced
from mlip_core.datasets import UNIT_CHOICES, Dataset, Units
from mlip_core.datasets.shelf import Reading
from mlip_core.errors import DatasetError
from mlip_core.structures import fingerprint

UPLOAD_TYPES = ["xyz", "extxyz", "db", "json", "traj", "xml", "zip"]
COPIES = 24
RATTLES = (0.02, 0.05, 0.1, 0.15)
_FOUND, _OUT = "find it", "leave it out"


def choose_data() -> Dataset:
    """Offer the data sets that are here and a way to bring one; stop the page where none can be opened."""
    codes = {SHIPPED: dataset(SHIPPED).name, **{item.code: item.name for item in shelf().all()}}
    chosen = state.data()
    if chosen not in codes and chosen_elsewhere(chosen):
        codes[chosen] = dataset(chosen).name
    picked = st.selectbox(
        "Data set",
        list(codes),
        index=list(codes).index(chosen) if chosen in codes else None,
        format_func=codes.__getitem__,
        placeholder="Choose one",
    )
    if picked and picked != chosen:
        state.choose_data(picked)
        st.rerun()
    with st.expander("Bring your own", icon=":material/upload:"):
        bring()
    if problem := st.session_state.get(state.DATA_PROBLEM):
        st.error(problem, icon=":material/error:")
    try:
        found = dataset(state.data())
    except DatasetError as error:
        st.warning(str(error), icon=":material/warning:")
        st.stop()
    describe(found)
    return found


def chosen_elsewhere(code: str) -> bool:
    """Tell whether a code from an address is here though a newer reading of the file is listed."""
    path = shelf().path(code)
    return path is not None and path.is_file()


def bring() -> None:
    """Take an upload, or make copies of the chosen structure."""
    uploaded = st.file_uploader(
        "Labelled structures",
        type=UPLOAD_TYPES,
        help="Extended XYZ, ASE db, json or traj, vasprun.xml, or a ZIP of these, of FORCE_SETS with its cell, or of DeePMD "
        "npy folders (LAMBench's layout). Structures without forces are welcome too: models are then compared with one another.",
    )
    if uploaded is not None and uploaded.file_id != st.session_state.get(state.DATA_UPLOADED):
        st.session_state[state.DATA_UPLOADED] = uploaded.file_id
        take(uploaded.getvalue(), uploaded.name)
    structure = state.structure()
    if structure is not None and st.button(f"{COPIES} rattled copies of {state.structure_name() or 'the structure'}"):
        place = f"rattled-{fingerprint(structure)[:20]}"
        name = f"{state.structure_name() or structure.get_chemical_formula()}, rattled"
        state.choose_data(shelf().put(rattled(structure), name, place=place))
        st.rerun()


def rattled(structure: Atoms) -> Sequence[Atoms]:
    """Return copies with normal random displacements of several widths, Å, tagged with the width."""
    copies = []
    for seed in range(COPIES):
        width = RATTLES[seed % len(RATTLES)]
        copy = displaced(structure, width, seed)
        copy.info = {"rattle": f"{width:g} Å"}
        copies.append(copy)
    return copies


def take(content: bytes, name: str) -> None:
    """Read what was brought, or keep in words why it cannot be used."""
    bar = st.progress(0.0, f"Reading {name}")

    def report(done: int, total: int | None, **_: object) -> None:
        bar.progress(0.5, f"{done} structures read")

    try:
        code = shelf().bring(content, name, progress=report)
    except DatasetError as error:
        st.session_state[state.DATA_PROBLEM] = f"{name} cannot be used: {error}"
        return
    st.session_state.pop(state.DATA_PROBLEM, None)
    state.choose_data(code)
    st.rerun()


def describe(data: Dataset) -> None:
    """Say what is in it and where its labels came from."""
    keys = [f"{quantity.capitalize()} from `{', '.join(used)}`" for quantity, used in data.keys.items()]
    st.caption(
        f"{data.n_structures:,} structures, {data.n_atoms:,} atoms: {', '.join(data.elements[:12])}{' …' * (len(data.elements) > 12)}. "
        f"{'; '.join(keys) if keys else 'No labels'}. Level of theory: {plain(data.level_of_theory or 'not stated')}."
    )
    for note in data.notes():
        st.caption(f":material/info: {plain(note)}")
    if data.set_aside:
        with st.popover(f"{len(data.set_aside)} set aside"):
            st.dataframe(data.set_aside_table(), hide_index=True)
    if state.data() == SHIPPED and st.button("How they were computed", icon=":material/info:", type="tertiary"):
        show_reference_card()
    if state.data() != SHIPPED and any(data.candidates.values()):
        with st.expander("Keys, units, level of theory"):
            reread(data)


def reread(data: Dataset) -> None:
    """Offer to understand the same file otherwise."""
    with st.form("reading", border=False):
        keys = {quantity: _key_box(data, quantity) for quantity in ("energy", "forces", "stress")}
        units = st.selectbox(
            "Units of forces, energies and stress", [_KEEP, *UNIT_CHOICES], format_func=lambda u: _unit_name(u, data)
        )
        level = st.text_input("Level of theory", data.level_of_theory or "", placeholder="PBE, VASP", max_chars=80)
        if not st.form_submit_button("Read again", width="stretch"):
            return
    reading = Reading(
        **{f"{quantity}_key": key for quantity, key in keys.items()},
        units=data.units if units == _KEEP else Units.named(units),
        level_of_theory=level.strip() or None,
    )
    try:
        code = shelf().again(state.data(), reading)
    except DatasetError as error:
        st.error(str(error), icon=":material/error:")
        return
    state.choose_data(code)
    st.rerun()


_KEEP = "keep"


def _unit_name(unit: str, data: Dataset) -> str:
    return f"as now: {data.units.forces}" if unit == _KEEP else unit


def _key_box(data: Dataset, quantity: str) -> str | None:
    options = [_FOUND, *data.candidates.get(quantity, ()), _OUT]
    used = list(data.keys.get(quantity, ()))
    index = options.index(used[0]) if len(used) == 1 and used[0] in options else 0
    picked = st.selectbox(quantity.capitalize(), options, index=index)
    return {_FOUND: None, _OUT: ""}.get(picked, picked)
