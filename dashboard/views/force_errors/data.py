"""The data set that forces are compared on: choose one, bring one, and see how it was understood."""

import streamlit as st

from dashboard import state
from dashboard.service import SHIPPED, dataset, jobs, shelf
from dashboard.views.force_errors.bringing import ask_types, bring, waits_for_types
from dashboard.views.force_errors.reference_card import show_reference_card
from dashboard.widgets.frame import plain
from dashboard.widgets.table import show_table
from mlip_core.datasets import UNIT_CHOICES, Dataset, Units
from mlip_core.datasets.shelf import Reading
from mlip_core.errors import DatasetError

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
    with st.expander("Upload your data", icon=":material/upload:", expanded=waits_for_types()):
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
        with st.popover(f"{data.n_set_aside:,} set aside"):
            show_table(data.set_aside_table(), hide_index=True)
    if state.data() == SHIPPED and st.button("How they were computed", icon=":material/info:", type="tertiary"):
        show_reference_card()
    if state.data() == SHIPPED:
        return
    for quantity, open_to_choice in data.unclear.items():
        st.warning(
            f"Which of these is the {quantity} is not clear: {plain(', '.join(open_to_choice))}. Choose below.",
            icon=":material/help:",
        )
    if any(data.candidates.values()) or data.lacks_types:
        with st.expander("Keys, units, level of theory", expanded=bool(data.unclear) or data.lacks_types):
            show_table(
                data.keys_table(),
                hide_index=True,
                column_config={"n_frames": "frames that took it", "why_not": "why it is not taken by itself"},
            )
            reread(data)
    offer_deletion(data)


def offer_deletion(data: Dataset) -> None:
    """Offer to delete the data set, with what was predicted for it."""
    used = len(jobs().runs(limit=None, fingerprint=data.sha256))
    with st.popover("Delete", icon=":material/delete:"):
        runs = f" {used} run{'s' * (used != 1)} of it stay in Runs, but cannot be opened any more." if used else ""
        st.markdown(f"Deletes the file that was kept, every reading of it and all predictions for it.{runs}")
        if st.button("Delete this data set", type="primary"):
            shelf().delete(state.data())
            dataset.clear()
            state.choose_data(SHIPPED)
            st.rerun()


def reread(data: Dataset) -> None:
    """Offer to understand the same file otherwise."""
    with st.form("reading", border=False):
        keys = {quantity: _key_box(data, quantity) for quantity in ("energy", "forces", "stress")}
        units = st.selectbox(
            "Units of forces, energies and stress", [_KEEP, *UNIT_CHOICES], format_func=lambda u: _unit_name(u, data)
        )
        types = ask_types() if data.lacks_types else None
        level = st.text_input("Level of theory", data.level_of_theory or "", placeholder="PBE, VASP", max_chars=80)
        if not st.form_submit_button("Read again", width="stretch"):
            return
    reading = Reading(
        **{f"{quantity}_key": key for quantity, key in keys.items()},
        units=data.units if units == _KEEP else Units.named(units),
        level_of_theory=level.strip() or None,
        type_map=types,
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
