"""What a page costs the web process while somebody looks at it: relaxations under way, an ended one, a change of page."""

import os
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.files import ProgressFile, RunFolder
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.runs import RunsTable
from mlip_core.jobs.task import Task
from mlip_core.structures import library_structure
from tests.browser.conftest import DESK

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]

MEMBERS = ("chgnet", "sevennet-0")
STEPS_A_SECOND = 2
LAST = 400
"""Steps that a relaxation may take: its bar is a percent longer every two seconds."""
WATCHED = 0.03
"""Share of a core that a watching page may take."""
IDLE = 0.002
"""Share of a core that an open page may add on which nothing happens: nothing, as exactly as it is measured. A server
that nobody looks at takes about 0.005: Streamlit's own loop turns ten times a second."""
SECONDS = 30


GLIDES = """async () => {
  let glides = 0;
  for (const end = performance.now() + 5000; performance.now() < end; await new Promise(requestAnimationFrame))
    glides += document.getAnimations().filter((each) => each.effect.target.closest('[data-testid="stProgress"]')).length;
  return glides;
}"""
"""How often, in five seconds, a frame finds a bar under way."""


class Share:
    """Share of a core that a process took while this was open."""

    def __init__(self, process):
        self._stat = Path(f"/proc/{process}/stat")

    def measure(self, page, seconds):
        before = self._used()
        page.wait_for_timeout(1000 * seconds)
        return (self._used() - before) / seconds

    def _used(self):
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def relaxing(home):
    """Two relaxations of MgO that report steps as workers do; at the end they fail."""
    jobs, table = Jobs(home, dispatcher=None), RunsTable(home)
    settings = RelaxationSettings(fmax=1e-2, steps=300, cell="full")
    for model in MEMBERS:
        configuration = Configuration(model=model)
        jobs.submit(
            Task(kind="relaxation", subject=library_structure("mgo"), configuration=configuration, settings=settings)
        )
    runs = [table.claim(owner=os.getpid(), worker="the test") for _ in MEMBERS]
    ended = ExitStack()
    files = [ended.enter_context(ProgressFile(RunFolder(home, run.id))) for run in runs]
    stopped = threading.Event()

    def work():
        step = 0
        while not stopped.wait(1 / STEPS_A_SECOND if step > 200 else 0):
            step += 1
            for run, file in zip(runs, files, strict=True):
                values = {"energy": -10 + 1 / step, "fmax": 1 / step, "generalized_fmax": 1 / step}
                group = {"space_group": "Fm-3m (225)", "space_group_loose": "Fm-3m (225)"}
                file(step, LAST, **values, **group, volume=70 + 1 / step, stress=[[0.1] * 3] * 3)
                table.follow(run.id, step, LAST)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        ended.close()
        for run in runs:
            table.finish(run.id, "failed", "The test ended it.")
        table.close()
        jobs.close()


def test_watching_costs_next_to_nothing_and_an_open_page_nothing(lone_server, browser, capsys):
    context = browser.new_context(**DESK, base_url=lone_server.url)
    page = context.new_page()
    page.goto("/relax?structure=mgo&lineup=" + ",".join(MEMBERS))
    share = Share(lone_server.process.pid)
    with relaxing(lone_server.home):
        page.reload()
        expect(page.locator(".js-plotly-plot").first).to_be_visible()
        page.wait_for_timeout(5000)
        before = page.locator("text=/^\\d+ of \\d+/").first.inner_text()
        watched = share.measure(page, SECONDS)
        assert page.locator("text=/^\\d+ of \\d+/").first.inner_text() != before, "the page stood still"
        assert page.evaluate(GLIDES) == 0, "a bar that glides is drawn sixty times a second"
    expect(page.get_by_text("The test ended it.").first).to_be_visible()
    page.wait_for_timeout(3000)
    idle = share.measure(page, SECONDS)
    page.goto("about:blank")
    page.wait_for_timeout(3000)
    nobody = share.measure(page, SECONDS)
    context.close()
    with capsys.disabled():
        print(
            f"\nweb process: a page that watches {watched:.4f} of a core (bar: {WATCHED}), one that ended {idle:.4f}, none {nobody:.4f}"
        )
    assert watched <= WATCHED
    assert idle - nobody <= IDLE
