"""The choice of the supercell on the Phonons page."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.views.phonons.supercell import KIND, supercell_values
from mlip_core.calculations.phonons.supercells import suggested_supercell
from mlip_core.structures import library_structure, standardise


def script(name, before):
    """Show the choice for a structure of the library, and keep what it gives."""
    import streamlit as st

    from dashboard.views.phonons.supercell import choose_supercell
    from mlip_core.structures import library_structure, standardise

    for key, value in before.items():
        st.session_state.setdefault(key, value)
    st.session_state["given"] = choose_supercell(standardise(library_structure(name)))


def shown(name, before=()):
    return AppTest.from_function(script, args=(name, dict(before)), default_timeout=30).run()


def test_a_suggestion_along_the_cells_vectors_is_in_the_numbers():
    app = shown("si")
    assert not app.selectbox
    assert [widget.value for widget in app.number_input] == [4, 4, 4]
    assert tuple(app.session_state["given"]) == (4, 4, 4)
    assert "128 atoms, each 15." in app.caption[0].value


def test_another_suggestion_is_offered_beside_repeats():
    app = shown("mgo")
    cell = standardise(library_structure("mgo"))
    assert np.array_equal(app.session_state["given"], suggested_supercell(cell, 12.0))
    assert not app.number_input
    assert "216 atoms" in app.caption[0].value
    app.selectbox[0].set_value("repeats").run()
    assert tuple(app.session_state["given"]) == (5, 5, 5)
    assert "250 atoms" in app.caption[0].value
    for widget in app.number_input:
        widget.set_value(2)
    app.run()
    assert "16 atoms, each 5.9" in app.caption[0].value or "16 atoms, each 6.0" in app.caption[0].value
    assert "That is near" in app.caption[0].value


@pytest.mark.parametrize("repeats", [(3, 2, 2), None])
def test_what_was_computed_is_chosen_again(repeats):
    matrix = suggested_supercell(standardise(library_structure("mgo")), 12.0) if repeats is None else repeats
    values = supercell_values(tuple(map(tuple, matrix)) if repeats is None else matrix)
    assert values[KIND] == ("suggested" if repeats is None else "repeats")
    assert np.array_equal(shown("mgo", values).session_state["given"], matrix)
