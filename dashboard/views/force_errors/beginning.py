"""Where the page begins: with the part of the data that is of the chosen structure, or with copies of it."""

from collections.abc import Sequence

import streamlit as st
from ase import Atoms

from dashboard import state
from dashboard.service import SHIPPED
from dashboard.views.force_errors.bringing import copies_place, take_copies
from dashboard.views.summary.gathering import references
from dashboard.widgets.frame import plain
from mlip_core.calculations.phonons.reference_bands import ReferenceCrystal, reference_crystal
from mlip_core.configuration import Configuration
from mlip_core.datasets import Dataset
from mlip_core.structures import fingerprint, formula
from mlip_core.summary.facts import MATERIAL_TAG
from mlip_core.summary.questions import COPIES

ALL = "all"
"""Choice of no subset in particular."""
_BEGUN = "subset-begun"
"""Subset with which the page began: that of another structure is left when the structure changes."""


def begin_with(subsets: Sequence[str]) -> list[str]:
    """Return the subsets to choose from, first the one of the chosen structure; choose it where the structure is new.

    Parameters
    ----------
    subsets : sequence of str
        "tag = value", as the record names them.

    Returns
    -------
    list of str
        With :data:`ALL`, which comes first where the data tell nothing about the structure.
    """
    structure = state.structure()
    crystal = None if structure is None else _crystal(fingerprint(structure), structure)
    own = ALL if crystal is None else f"{MATERIAL_TAG} = {crystal.name}"
    first = own if own in subsets else ALL
    if st.session_state.get(_BEGUN, first) != first:
        st.session_state[state.SUBSET] = first
    st.session_state[_BEGUN] = first
    return list(dict.fromkeys([first, ALL, *subsets]))


def offer_copies(data: Dataset, members: Sequence[Configuration]) -> None:
    """Offer copies of the chosen structure, compared with a member, where the data have nothing of its kind."""
    structure = state.structure()
    if structure is None or has_its_kind(structure, data):
        return
    known = {code: label for code, label in references(structure, members).items() if code != state.PBE}
    if len(known) < 2:
        return
    code, label = next(iter(known.items()))
    name = state.structure_name() or formula(structure)
    if st.button(
        f"{COPIES} rattled copies of {plain(name)}, compared with {label}", icon=":material/grain:", width="stretch"
    ):
        take_copies(structure)
        st.session_state[state.AGAINST] = code
        st.rerun()
    st.caption(f"*{plain(data.name)}* has no {plain(name)}.")


def has_its_kind(structure: Atoms, data: Dataset) -> bool:
    """Tell whether data have this material; of data that a person brought, whether they have its elements."""
    if state.data() == SHIPPED:
        return _crystal(fingerprint(structure), structure) is not None
    if state.data().startswith("rattled-"):
        return state.data().startswith(copies_place(structure))
    return set(structure.get_chemical_symbols()) <= set(data.elements)


@st.cache_resource(show_spinner=False, max_entries=64)
def _crystal(mark: str, _structure: Atoms) -> ReferenceCrystal | None:
    return reference_crystal(_structure) if _structure.pbc.all() else None
