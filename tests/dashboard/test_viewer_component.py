import json
import re

import pytest
from ase.build import bulk, molecule
from streamlit.testing.v1 import AppTest

from dashboard.widgets.viewer import fetch
from dashboard.widgets.viewer.export import standalone_html

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


@needs_library
def test_the_page_to_take_along_holds_everything():
    text = standalone_html(bulk("Si"))
    assert len(text) > fetch.LIBRARY.stat().st_size
    assert "export default" not in text
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", text)
    data = json.loads(re.search(r'id="scene">(.*?)</script>', text, re.S).group(1))
    assert data["description"] == "Si2, 2 atoms"


@needs_library
def test_labels_cannot_leave_the_data():
    evil = "</script><script>alert(1)</script>"
    text = standalone_html(molecule("H2"), labels=[evil, evil])
    assert evil not in text
    data = json.loads(re.search(r'id="scene">(.*?)</script>', text, re.S).group(1))
    assert data["labels"] == [evil, evil]


def test_a_missing_library_cannot_be_taken_along(monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "LIBRARY", tmp_path / "3Dmol-min.js")
    with pytest.raises(fetch.FetchError, match="not installed"):
        standalone_html(bulk("Si"))
