"""Runs: a home folder of 0.1.0 is listed and opened; what cannot be read is said in its row and can be deleted."""

import tarfile
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.reopen import open_comparison
from dashboard.service import jobs
from dashboard.views import page_of
from dashboard.widgets.navigation import script
from mlip_core.jobs.files import RunFolder
from mlip_core.jobs.queue import Jobs

APP = Path(dashboard.__file__).with_name("app.py")
ARCHIVE = Path(__file__).parents[1] / "data" / "home-0.1.0.tar.xz"


@pytest.fixture
def app(home, monkeypatch):
    home.mkdir()
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(home, filter="data")
    monkeypatch.setattr(Jobs, "ensure_dispatcher", lambda self: None)
    st.cache_resource.clear()
    yield AppTest.from_file(APP, default_timeout=120)
    st.cache_resource.clear()


def visit(app, folder):
    app.run()
    app.switch_page(script(folder))
    app.run()
    assert not app.exception
    assert not app.error
    return app


def listed(app):
    return app.dataframe[0].value.set_index("what")


def test_runs_of_the_version_before_are_listed(app):
    table = listed(visit(app, "runs"))
    assert {"relaxation", "phonons", "force errors", "passport"} <= set(table.index)
    assert "96" not in table.loc["force errors", "subject"]
    assert not table["status"].str.contains("cannot be read").any()


def test_what_cannot_be_read_is_said_in_its_row(app, home):
    run = next(run for run in jobs().runs(kind="conservation"))
    RunFolder(home, run.id).task.write_bytes(b"torn")
    table = listed(visit(app, "runs"))
    assert "cannot be read" in table.loc["conservation", "status"]
    assert "not a readable" in table.loc["conservation", "note"]
    assert table["status"].str.contains("cannot be read").sum() == 1


@pytest.mark.parametrize("kind", ["relaxation", "rotational_variance", "correction_cost", "force_errors"])
def test_a_result_of_the_version_before_is_shown_and_said_to_be_one(app, kind):
    run = next(run for run in jobs().runs(kind=kind) if run.status == "done")
    app.run()
    with pytest.MonkeyPatch.context() as patch:
        state: dict = {}
        patch.setattr("dashboard.state.st.session_state", state)
        patch.setattr("dashboard.state.st.query_params", {})
        task = jobs().task(run.id)
        assert open_comparison([(run, task)]) == script(page_of(kind))
    for key, value in state.items():
        app.session_state[key] = value
    visit(app, page_of(kind))
    assert any("earlier version" in caption.value for caption in app.caption)
