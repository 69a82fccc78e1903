"""Every page, empty and with a structure chosen, without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.pages import FOLDERS
from dashboard.widgets.navigation import script

APP = Path(dashboard.__file__).with_name("app.py")


@pytest.fixture
def app(home, monkeypatch):
    from dashboard.service import jobs
    from mlip_core.jobs.queue import Jobs

    monkeypatch.setattr(Jobs, "ensure_dispatcher", lambda self: None)
    jobs.clear()
    yield AppTest.from_file(APP, default_timeout=60)
    jobs.clear()


def visit(app, name):
    app.run()
    if name != FOLDERS[0]:
        app.switch_page(script(name))
        app.run()
    assert not app.exception
    assert not app.error
    return app


@pytest.mark.parametrize("name", FOLDERS)
def test_an_empty_page_says_what_to_do_next(app, name):
    visit(app, name)
    assert app.subheader or name == "lineup"


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("structure", ["si", "water"])
def test_a_page_shows_the_chosen_structure(app, name, structure):
    app.query_params["structure"] = structure
    visit(app, name)
    assert any("atom" in item.value for item in app.markdown)
