"""What a dispatcher with nothing to do costs, and how soon it starts what is asked."""

import statistics
import sys
import time
from pathlib import Path

import pytest
from ase.build import bulk

from mlip_core.configuration import Configuration
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.task import Task

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]
SETTLED, SECONDS = 20, 40
IDLE = 0.005
"""Share of a core."""
START = 0.2
"""s from asking to the start, on a machine with nothing else to do."""
TIMES = 7
SERVE = """
import os, sys
sys.path.insert(0, {folder!r})
from toy_tasks import TOYS
from mlip_core.jobs.dispatcher import Dispatcher, serve
sys.exit(serve(Dispatcher(os.environ["MLIP_DASHBOARD_HOME"], calculations=TOYS, workers=2, warm=False)))
"""
"""As the app starts it, but with the tests' tasks."""
TOYS_FOLDER = str(Path(__file__).parents[1] / "jobs")


@pytest.fixture
def toys(monkeypatch):
    monkeypatch.syspath_prepend(TOYS_FOLDER)
    import toy_tasks

    yield toy_tasks
    sys.modules.pop("toy_tasks")


def seconds(process):
    """Processor time of all threads so far, s: to the nanosecond, where /proc/<pid>/stat counts hundredths."""
    threads = Path(f"/proc/{process}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def slowness():
    """How many times longer than its processor time something takes now, because others compute too."""
    began, processor = time.perf_counter(), time.process_time()
    while time.process_time() - processor < 0.02:
        pass
    return (time.perf_counter() - began) / 0.02


def test_an_idle_dispatcher_costs_next_to_nothing_and_still_starts_at_once(home, toys, tmp_path, capsys):
    home.mkdir()
    command = (sys.executable, "-c", SERVE.format(folder=TOYS_FOLDER))
    jobs = Jobs(home, calculations=toys.TOYS, dispatcher=command)
    waits, slow = [], []
    for number in range(TIMES):
        settings = {"steps": 1, "pause": 0.0, "log": str(tmp_path / "log"), "number": number}
        task = Task(
            kind="count", subject=bulk("Cu", cubic=True), configuration=Configuration(model="chgnet"), settings=settings
        )
        slow.append(slowness())
        run = jobs.submit(task)
        while run.active:
            time.sleep(0.02)
            run = jobs.run(run.id)
        waits.append(run.started - run.submitted)
    process = jobs._process
    time.sleep(SETTLED)
    before = seconds(process.pid)
    time.sleep(SECONDS)
    idle = (seconds(process.pid) - before) / SECONDS
    jobs.close()
    process.terminate()
    process.wait(200)
    wait, others = statistics.median(waits[1:]), statistics.median(slow[1:])
    with capsys.disabled():
        print(
            f"\nan idle dispatcher takes {idle:.4f} of a core (bar: {IDLE}), and starts a task {wait:.3f} s after it was asked "
            f"on a machine {others:.1f} times slowed (bar: {START} s on an idle one)"
        )
    assert idle <= IDLE
    assert wait <= START * others
