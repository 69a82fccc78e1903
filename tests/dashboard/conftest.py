import io
import re
import zipfile
from html import escape
from math import inf
from pathlib import Path

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard import service, state
from dashboard.views import FOLDERS
from dashboard.widgets import work
from dashboard.widgets.navigation import script
from mlip_core.jobs.queue import Jobs

APP = Path(dashboard.__file__).with_name("app.py")
START = ":material/play_arrow:"
"""Icon of the buttons that ask for calculations."""


class Visitor:
    """Somebody with a browser; what they ask for waits in the queue, because nothing computes it."""

    def open(self, folder, *, session=None, **address):
        """Open a page in a new session, with these parts of the address and this state of the session."""
        app = AppTest.from_file(APP, default_timeout=120)
        for name, value in address.items():
            app.query_params[name] = value
        app.run()
        for key, value in (session or {}).items():
            app.session_state[key] = value
            if key in state.CARRIED:
                app.query_params[key] = value  # what is chosen stands in both
        if folder != FOLDERS[0]:
            app.switch_page(script(folder))
        return self.run(app)

    def run(self, app):
        """Run the page again, and see that nothing went wrong."""
        app.run()
        assert not app.exception
        assert not app.error
        return app

    def start(self, app):
        """Press every button that asks for calculations; return the new runs."""
        known = {run.id for run in service.jobs().runs(limit=None)}
        for key in [button.key for button in app.button if button.proto.icon == START]:
            app.button(key=key).click()
            self.run(app)
        return [run for run in service.jobs().runs(limit=None) if run.id not in known]

    def answer(self, run, record):
        """Keep a record as the answer to a run."""
        service.jobs().store.put(run.key, record)
        service.jobs().cancel(run.id)


@pytest.fixture
def visitor(home, monkeypatch):
    """Somebody with a browser and an empty data folder."""
    monkeypatch.setattr(Jobs, "ensure_dispatcher", lambda self: None)
    monkeypatch.setattr(work, "LONG", inf)  # AppTest cannot press a button of a dialog
    monkeypatch.setattr(service, "shipped", dict)  # nothing has come with the program
    caches = (service.jobs, service.shelf, service.dataset, service._read, service._shipped)
    for cached in caches:
        cached.clear()
    yield Visitor()
    for cached in caches:
        cached.clear()


@pytest.fixture(scope="module")
def home_of_all(tmp_path_factory):
    """One data folder for all tests of a file, so that each question is answered once."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLIP_DASHBOARD_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def hostile():
    """A name that would run as a script if it were not escaped."""
    return "<script>alert(1)</script>"


@pytest.fixture
def has_figures(hostile):
    """Hold the page of figures in an archive with a hostile title to what was drawn."""

    def check(archive, figures):
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            page = packed.read("figures.html").decode()
        assert page.count(get_plotlyjs()) == 1
        rest = page.replace(get_plotlyjs(), "")
        assert f"<h1>{escape(hostile)}</h1>" in rest
        assert re.findall("<h2>(.*)</h2>", rest) == [escape(heading) for heading in figures]
        assert rest.count("Plotly.newPlot(") == len(figures) > 0
        assert "alert(1)</script" not in rest
        assert not re.search(r"\b(src|href)=", rest), "nothing is fetched"
        assert rest.count('"showSendToCloud": false') == len(figures), "nothing is sent"
        for figure in figures.values():
            go.Figure(figure.to_plotly_json())  # raises where Plotly knows no such property

    return check
