"""A real server with an empty home, and a real browser that refuses every outside request."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import expect, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from dashboard.widgets.viewer import CODE, CSS
from dashboard.widgets.viewer.scene import scene
from mlip_core.jobs.locks import taken
from mlip_core.jobs.queue import LOCK
from mlip_core.viewing import fetch

FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-rasterization",  # WebGL alone is left to the software that stands in for a graphics card
    "--disable-gpu-compositing",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
DESK = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"}
"""How a visitor looks at the app. Atoms that swing for ever would take half of a core."""
PATIENCE = 120_000
"""ms until a page does what it was told."""
WORK = 600_000
"""ms until what was asked for is computed, on a machine that others use too."""
expect.set_options(timeout=PATIENCE)

VIEWER_PAGE = """<!DOCTYPE html>
<meta charset="utf-8">
<style>
html, body, #view {{ height: 100%; margin: 0; }}
:root {{ --st-background-color: #ffffff; --st-text-color: #16202c; --st-primary-color: #0072b2; }}
{css}
</style>
<div id="view"></div>
<script>{library}</script>
<script type="application/json" id="scene">{data}</script>
<script type="module">
{code}
const data = JSON.parse(document.getElementById("scene").textContent);
mount({{ data, parentElement: document.getElementById("view"), setStateValue() {{}} }});
</script>
"""


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


class Server:
    """The app as the command starts it."""

    def __init__(self, home):
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.start()

    def start(self):
        environment = os.environ | {"MLIP_DASHBOARD_HOME": str(self.home), "MLIP_DASHBOARD_WORKERS": "2"}
        command = [
            sys.executable,
            "-m",
            "dashboard.server",
            "--headless",
            "--port",
            str(self.port),
        ]
        began = time.monotonic()
        self.log = (self.home / "server.log").open("ab")
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True
        )
        while time.monotonic() - began < 60:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        self.seconds_to_start = self.processor_seconds()

    def processor_seconds(self):
        """Processor time of the web process so far."""
        spent = psutil.Process(self.process.pid).cpu_times()
        return spent.user + spent.system

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


@pytest.fixture
def own_server(home):
    """A server that only this test uses, in the environment that the test has set."""
    home.mkdir()
    running = Server(home)
    yield running
    running.stop()


@pytest.fixture
def lone_server(home):
    """A server with nobody to compute: the test itself plays the worker."""
    home.mkdir()
    lock = taken(home / LOCK, patience=2.0)
    running = Server(home)
    yield running
    running.stop()
    lock.release()


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "the browser tests need Debian's chromium: apt-get install chromium"
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


def count_run(page, frame):
    """Note when the server says that it has run the page's script to its end."""
    if isinstance(frame, bytes) and ForwardMsg.FromString(frame).WhichOneof("type") == "script_finished":
        page.runs += 1


@pytest.fixture(scope="session")
def idle():
    """Wait until the script does not run."""
    state = '[data-testid="stApp"][data-test-script-state="notRunning"]'
    return lambda page: expect(page.locator(state)).to_be_visible()


@pytest.fixture(scope="session")
def rerun(idle):
    """Wait, after what is done within, until the server has run the page's script once more."""

    @contextmanager
    def once_more(page):
        before, deadline = page.runs, time.monotonic() + PATIENCE / 1000
        yield
        while page.runs == before:
            assert time.monotonic() < deadline, "the script was not run again"
            page.wait_for_timeout(20)
        idle(page)

    return once_more


@pytest.fixture(scope="session")
def go(rerun):
    """Go to a page by its title in the navigation."""

    def follow(page, title):
        with rerun(page):
            page.get_by_role("link", name=title, exact=True).first.click()
        expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)

    return follow


@pytest.fixture(scope="session")
def finished():
    """Wait until everything that a page asked for is there, or something of it failed."""

    def wait(page):
        done, wrong = page.get_by_text("All results are there"), page.get_by_test_id("stAlertContentError")
        expect(done.or_(wrong).first).to_be_visible(timeout=WORK)
        assert not wrong.count(), wrong.first.inner_text()

    return wait


@pytest.fixture(scope="session")
def compute_phonons(go, rerun, finished):
    """Go to the page Phonons, and compute them in a supercell of 2 × 2 × 2."""

    def compute(page):
        go(page, "Phonons")
        for axis in "abc":
            with rerun(page):
                page.get_by_role("spinbutton", name=f"Supercell {axis}").fill("2")
                page.keyboard.press("Enter")
        page.get_by_role("button", name="Compute phonons").click()
        finished(page)
        expect(page.locator(".ytitle", has_text="THz").first).to_be_visible()

    return compute


@pytest.fixture(scope="session")
def visitors(browser):
    """One visitor of each server, who has its scripts from the first page on."""
    known = {}

    def visitor(url):
        if url not in known:
            known[url] = browser.new_context(**DESK, base_url=url)
            known[url].set_default_timeout(PATIENCE)
        return known[url]

    yield visitor
    for context in known.values():
        context.close()


@pytest.fixture
def page(visitors, server):
    """A page that asks nobody but the server; the browser finds nobody else."""
    opened, outside = visitors(server.url).new_page(), []

    def note(request):
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname not in ("localhost", "127.0.0.1"):
            outside.append(request.url)

    opened.on("request", note)
    opened.outside, opened.runs = outside, 0
    opened.on("websocket", lambda socket: socket.on("framereceived", lambda frame: count_run(opened, frame)))
    yield opened
    opened.close()
    assert not outside, f"the app asked outside hosts: {outside}"


@pytest.fixture(scope="session")
def viewer_page():
    """The app's viewer on a page of its own, without the app: takes what the scene takes, gives HTML."""

    def written(structure, **options):
        data = scene(structure, **options) | {"key": "page", "height": None, "selectable": False, "library": None}
        return VIEWER_PAGE.format(
            css=CSS,
            library=fetch.LIBRARY.read_text(encoding="utf-8").replace("</script", "<\\/script"),
            data=json.dumps(data).replace("<", "\\u003c"),
            code=CODE.replace("export default function mount(", "function mount("),
        )

    return written
