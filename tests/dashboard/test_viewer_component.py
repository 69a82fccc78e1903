import pytest
from streamlit.testing.v1 import AppTest

from mlip_core.viewing import fetch

needs_library = pytest.mark.skipif(not fetch.LIBRARY.is_file(), reason=f"3Dmol.js is not here: {fetch.COMMAND}")


def page():
    import streamlit as st
    from ase.build import bulk

    from dashboard.widgets.viewer import viewer

    st.write(f"picked {viewer(bulk('Si'), key='v')}")


@needs_library
def test_a_page_draws_without_errors():
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    assert not app.warning
    assert app.markdown[0].value == "picked None"


def test_a_missing_library_is_said_with_its_cure(monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "LIBRARY", tmp_path / "3Dmol-min.js")
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    assert fetch.COMMAND in app.warning[0].value
    assert app.markdown[0].value == "picked None"
