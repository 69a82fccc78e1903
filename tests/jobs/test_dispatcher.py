"""The real dispatcher, a process of its own, with real Dask workers."""

import os
import re
import signal
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE
from distributed import LocalCluster

from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.errors import SettingsError
from mlip_core.jobs.cluster import n_workers
from mlip_core.jobs.locks import is_held
from mlip_core.jobs.queue import LOCK, Jobs
from mlip_core.jobs.task import Task
from mlip_core.jobs.worker import kept
from mlip_core.jobs.yielding import NICENESS

PATIENCE = 200
"""s."""


def serving(home):
    from toy_tasks import COMMAND, TOYS

    return Jobs(home, calculations=TOYS, dispatcher=COMMAND)


def end(jobs):
    """End the dispatcher of this server, as the computer's shutdown would, once it can hear of it."""
    process = jobs._process
    jobs.close()
    if process is None:
        return
    try:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and not is_held(jobs.home / LOCK) and time.monotonic() < deadline:
            time.sleep(0.05)  # it listens to signals from before it takes its lock
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever went wrong, its workers do not outlive the test


@pytest.fixture(scope="module")
def servers(tmp_path_factory, until):
    """Two servers of one home that asked for a dispatcher at the same time; that of the first is the one that serves."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("MLIP_DASHBOARD_HOME", str(home))
        both = [serving(home), serving(home)]
        for jobs in both:
            jobs.ensure_dispatcher()
        asked = [jobs._process for jobs in both]
        assert None not in asked
        until(lambda: [process.poll() for process in asked].count(None) == 1)
        both.sort(key=lambda jobs: jobs._process.poll() is not None)
        yield both
        for jobs in reversed(both):
            end(jobs)


@pytest.fixture(scope="module")
def jobs(servers):
    return servers[0]


@pytest.fixture
def ended(jobs, until):
    """Wait for the end of a run."""
    return lambda run: until(lambda: not (found := jobs.run(run.id)).active and found)


@pytest.fixture
def toy(copper):
    def make(kind, **settings):
        return Task(kind=kind, subject=copper, configuration=Configuration(model="chgnet"), settings=settings)

    return make


def lines(task):
    path = Path(task.settings["log"])
    return len(path.read_text().split()) if path.exists() else 0


def test_a_question_is_computed_once_and_then_answered_from_disk(jobs, ended, counting):
    task = counting(steps=3)
    run = ended(jobs.submit(task))
    assert (run.status, run.done, run.total, run.reason) == ("done", 3, 3, None)
    assert run.submitted <= run.started <= run.finished
    assert run.owner == jobs._process.pid
    by_hand = task.subject.copy()
    by_hand.calc = EMT()
    assert jobs.result(run.key)["energy"] == pytest.approx(by_hand.get_potential_energy(), abs=1e-12)
    assert jobs.submit(task) == run
    jobs.store.delete(run.key)
    assert lines(task) == 1
    again = ended(jobs.submit(task))
    assert again.id != run.id
    assert lines(task) == 2
    ended(jobs.submit(replace(task, settings={**task.settings, "steps": 4})))
    assert lines(task) == 3


def test_what_must_run_alone_waits_for_all_and_all_wait_for_it(jobs, ended, until, counting):
    def ask(name, kind="count", pause=0.05):
        return jobs.submit(replace(counting(steps=20, pause=pause, log=name), kind=kind))

    before = [ask("first"), ask("second", pause=0.1)]
    until(lambda: all(jobs.run(run.id).status == "running" for run in before))
    alone = [ask("third", "measure", pause=0.01), ask("fourth", "measure", pause=0.01)]
    after = [ask("fifth"), ask("sixth")]
    first, second = (ended(run) for run in before)
    assert first.finished < second.finished, "a worker was idle, and yet nothing overtook"
    third, fourth = (ended(run) for run in alone)
    assert second.finished <= third.started < third.finished <= fourth.started
    fifth, sixth = (ended(run) for run in after)
    assert fourth.finished <= min(fifth.started, sixth.started)
    assert max(fifth.started, sixth.started) < min(fifth.finished, sixth.finished), "together again"
    assert {run.status for run in (first, second, third, fourth, fifth, sixth)} == {"done"}


def test_short_runs_go_before_long_ones_that_came_earlier(jobs, ended, until, counting):
    busy = [jobs.submit(counting(steps=2000, pause=0.05, log=name)) for name in ("a", "b")]
    until(lambda: all(jobs.run(run.id).status == "running" for run in busy))
    long, longer, short = (replace(counting(steps=steps, pause=0.02), kind="count_sized") for steps in (100, 101, 3))
    asked = [jobs.submit(long), jobs.submit(longer), jobs.submit(short)]
    assert [jobs.run(run.id).status for run in asked] == ["queued"] * 3, "the workers were busy"
    for run in busy:
        jobs.cancel(run.id)
    ended_long, ended_longer, ended_short = (ended(run) for run in asked)
    assert ended_short.started < min(ended_long.started, ended_longer.started)
    assert {run.status for run in (ended_long, ended_longer, ended_short)} == {"done"}


def test_a_run_that_waits_to_be_alone_can_be_cancelled(jobs, ended, until, counting):
    running = jobs.submit(counting(steps=1000, pause=0.1))
    until(lambda: jobs.progress(running.id))
    alone = jobs.submit(replace(counting(steps=1, log="alone"), kind="measure"))
    behind = jobs.submit(counting(steps=1, log="behind"))
    time.sleep(0.75)  # the dispatcher looks every half second
    assert jobs.run(alone.id).status == jobs.run(behind.id).status == "queued"
    jobs.cancel(alone.id)
    assert ended(behind).status == "done"
    assert jobs.run(running.id).status == "running"
    jobs.cancel(running.id)
    ended(running)


def test_progress_is_seen_while_it_runs(jobs, until, ended, counting):
    run = jobs.submit(counting(steps=40, pause=0.05))
    seen = until(lambda: jobs.run(run.id).status == "running" and jobs.progress(run.id))[-1]["done"]
    later = until(lambda: (rows := jobs.progress(run.id, since=seen)) and rows)
    assert jobs.run(run.id).status == "running"
    assert later[0]["done"] == seen + 1
    assert later[0]["values"] == {"square": seen**2}
    assert until(lambda: jobs.run(run.id).done >= seen)
    assert ended(run).status == "done"
    assert [row["done"] for row in jobs.progress(run.id)] == list(range(1, 41))


def test_cancelling_really_stops_the_task(jobs, until, ended, counting):
    task = counting(steps=2000, pause=0.05)
    run = jobs.submit(task)
    until(lambda: len(jobs.progress(run.id)) >= 2)
    jobs.cancel(run.id)
    run = ended(run)
    assert run.status == "cancelled"
    reported = len(jobs.progress(run.id))
    assert reported < 2000
    assert jobs.result(run.key) is None
    assert ended(jobs.submit(counting(steps=1))).status == "done"
    assert len(jobs.progress(run.id)) == reported


@pytest.mark.slow
def test_a_task_that_does_not_listen_is_stopped_with_its_worker(jobs, until, ended, toy, counting):
    run = jobs.submit(toy("deaf", seconds=600))
    until(lambda: jobs.run(run.id).status == "running")
    jobs.cancel(run.id)
    assert ended(run).status == "cancelled"
    assert ended(jobs.submit(counting())).status == "done"


def test_a_dead_worker_is_a_failed_run_and_the_next_one_runs(jobs, ended, toy, counting):
    run = ended(jobs.submit(toy("die")))
    assert run.status == "failed"
    assert "memory" in run.reason
    after = [jobs.submit(counting(steps=steps)) for steps in (1, 2, 3)]
    assert [ended(run).status for run in after] == ["done"] * 3


def test_a_worker_killed_from_outside_fails_only_its_own_run(jobs, until, ended, counting):
    victim, other = jobs.submit(counting(steps=500, pause=0.1)), jobs.submit(counting(steps=8, pause=0.1))
    log = Path(counting().settings["log"])
    until(lambda: jobs.progress(victim.id) and jobs.progress(other.id))
    pids = [int(pid) for pid in log.read_text().split()]
    assert len(set(pids)) == 2
    workers = {jobs.run(run.id).worker: run for run in (victim, other)}
    assert len(workers) == 2
    ports = {int(address.rpartition(":")[2]): run for address, run in workers.items()}
    for pid in pids:
        listening = {c.laddr.port for c in psutil.Process(pid).net_connections("tcp") if c.status == psutil.CONN_LISTEN}
        if any(ports.get(port) == victim for port in listening):
            os.kill(pid, signal.SIGKILL)
    assert ended(victim).status == "failed"
    assert ended(other).status == "done"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("person", "^atoms 1 and 2 are too close$"),
        ("program", "something unforeseen.*KeyError"),
        ("memory", "not enough memory"),
    ],
)
def test_a_failure_has_a_reason_for_a_person_and_the_rest_beside_it(jobs, ended, toy, how, reason):
    run = ended(jobs.submit(toy("fail", how=how, text="atoms 1 and 2 are too close")))
    assert run.status == "failed"
    assert re.search(reason, run.reason)
    assert "Traceback" not in run.reason
    assert "Traceback" in jobs.detail(run.id)
    assert "toy_tasks.py" in jobs.detail(run.id)


def test_the_cores_are_shared_out_and_yielded_to_the_web_server_and_the_browser(jobs, ended, toy):
    run = ended(jobs.submit(toy("threads")))
    each = str(max(1, os.cpu_count() // 2))
    assert jobs.result(run.key) | {"OMP_NUM_THREADS": each, "MKL_NUM_THREADS": each} == jobs.result(run.key)
    assert jobs.result(run.key)["niceness"] >= NICENESS > psutil.Process(jobs._process.pid).nice()


def test_nothing_listens_to_other_machines(jobs, ended, counting):
    ended(jobs.submit(counting()))
    dispatcher = psutil.Process(jobs._process.pid)
    listening = {
        connection.laddr.ip
        for process in [dispatcher, *dispatcher.children(recursive=True)]
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_weights_that_arrive_while_it_runs_give_the_result_its_true_key(jobs, ended, copper, tmp_path):
    file = tmp_path / "model.pt"
    file.write_bytes(b"not the weights yet")
    task = Task(kind="arrived", subject=copper, configuration=Configuration(model=str(file)), settings=None)
    asked = jobs.submit(task)
    run = ended(asked)
    assert run.status == "done", run.reason
    assert run.key != asked.key
    assert run.key == jobs.key(task)
    assert jobs.result(run.key) == {"energy": 0.0}
    assert jobs.result(asked.key) is None


def test_a_relaxation_through_the_queue_equals_one_by_hand(jobs, ended):
    start = bulk("Cu", a=3.5, cubic=True)
    start.rattle(0.05, seed=1)
    settings = RelaxationSettings(fmax=0.01, cell="full")
    run = ended(
        jobs.submit(
            Task(kind="relaxation", subject=start, configuration=Configuration(model="chgnet"), settings=settings)
        )
    )
    assert run.status == "done", run.reason
    result = jobs.result(run.key)
    by_hand = start.copy()
    by_hand.calc = EMT()
    FIRE(FrechetCellFilter(by_hand), logfile=None).run(fmax=0.01)
    assert result.converged
    assert result.energies[-1] == pytest.approx(by_hand.get_potential_energy(), abs=1e-8)
    assert result.structure.get_volume() == pytest.approx(by_hand.get_volume(), rel=1e-6)
    rows = jobs.progress(run.id)
    assert len(rows) == result.n_steps + 1
    assert rows[-1]["values"]["energy"] == pytest.approx(result.energies[-1], abs=1e-12)


def test_a_worker_with_other_versions_is_stopped_and_its_run_fails(jobs, ended, toy, tmp_path):
    task = toy("count_elsewhere", steps=2000, pause=0.05, log=str(tmp_path / "log"))
    asked = jobs.submit(task)
    run = ended(asked)
    assert run.status == "failed"
    assert "same versions" in run.reason
    assert lines(task) == 1
    assert 0 < len(jobs.progress(run.id)) < 2000
    assert run.key == asked.key == jobs.key(task)
    assert jobs.result(run.key) is None


@pytest.mark.slow
def test_a_scheduler_elsewhere_computes_and_a_silent_one_is_named(home, until, counting, monkeypatch):
    home.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        jobs = serving(home)
        run = jobs.submit(counting(steps=2))
        until(lambda: not jobs.run(run.id).active)
        assert jobs.run(run.id).status == "done"
        victim = jobs.submit(counting(steps=1000, pause=0.1))
        until(lambda: jobs.progress(victim.id))
        os.kill(int(Path(counting().settings["log"]).read_text().split()[-1]), signal.SIGKILL)
        until(lambda: not jobs.run(victim.id).active)
        assert "worker process died" in jobs.run(victim.id).reason
        end(jobs)
    jobs = serving(home)
    run = jobs.submit(counting(steps=3))
    process = jobs._process
    until(lambda: not jobs.run(run.id).active)
    assert re.search("scheduler.*tcp://", jobs.run(run.id).reason)
    assert process.wait(200) == 1
    jobs.close()


@pytest.mark.parametrize(("asked", "count"), [(None, 6), ("", 6), ("2", 2), ("40", 8)])
def test_the_number_of_workers(monkeypatch, asked, count):
    monkeypatch.delenv("MLIP_DASHBOARD_WORKERS", raising=False)
    if asked is not None:
        monkeypatch.setenv("MLIP_DASHBOARD_WORKERS", asked)
    assert n_workers(cores=8) == count


@pytest.mark.parametrize("asked", ["0", "-1", "two", "1.5"])
def test_a_number_of_workers_that_is_none_is_refused(monkeypatch, asked):
    monkeypatch.setenv("MLIP_DASHBOARD_WORKERS", asked)
    with pytest.raises(SettingsError, match="positive whole number"):
        n_workers(cores=8)


def test_a_worker_keeps_the_models_used_last(home, monkeypatch):
    from toy_tasks import TOYS

    home.mkdir()
    loaded = []
    noting = replace(TOYS["count"], load=lambda configuration: loaded.append(configuration.model) or object())
    monkeypatch.setattr("mlip_core.jobs.worker._models", OrderedDict())
    monkeypatch.setattr("mlip_core.jobs.worker.KEPT_MODELS", 3)
    load = kept(noting)
    names = ["chgnet", "chgnet-0.2.0", "chgnet-r2scan", "sevennet-0"]
    for name in [*names[:3], *names[:3], names[3], names[1], names[0]]:
        load(Configuration(model=name))
    assert loaded == [*names, names[0]]


@pytest.mark.slow
def test_a_killed_dispatcher_leaves_interrupted_runs_that_can_be_retried(home, until, counting):
    jobs = serving(home)
    running, waiting = jobs.submit(counting(steps=1000, pause=0.1)), jobs.submit(counting(steps=2))
    also = jobs.submit(counting(steps=1001, pause=0.1))
    until(lambda: jobs.progress(running.id))
    os.kill(jobs.run(running.id).owner, signal.SIGKILL)
    jobs._process.wait(60)
    assert not is_held(home / LOCK)
    found = until(lambda: (found := jobs.run(running.id)).status == "interrupted" and found)
    assert "Submit it again" in found.reason
    assert until(lambda: jobs.run(waiting.id).status == "done")
    reported = len(jobs.progress(running.id))
    again = jobs.retry(running.id)
    until(lambda: len(jobs.progress(again.id)) > 1)
    assert jobs.run(again.id).owner != found.owner
    assert len(jobs.progress(running.id)) == reported
    for run in (again, also):
        jobs.cancel(run.id)
    end(jobs)


@pytest.mark.slow
def test_work_goes_on_without_its_server_and_the_dispatcher_then_ends(home, until, counting):
    jobs = serving(home)
    run = jobs.submit(counting(steps=15, pause=0.1))
    until(lambda: jobs.progress(run.id))
    process = jobs._process
    jobs.close()
    assert process.wait(200) == 0
    later = serving(home)
    later._command = None
    assert later.run(run.id).status == "done"
    assert later.result(run.key)["pid"]
    later.close()


def test_one_dispatcher_serves_two_servers(servers, until, counting):
    first, second = servers
    assert second._process.poll() == 0, "the dispatcher that found the other at work left it to that one"
    tasks = [counting(steps=steps) for steps in range(1, 7)]
    runs = [jobs.submit(task) for task in tasks for jobs in (first, second)]
    assert len({run.id for run in runs}) == 6
    until(lambda: all(first.run(run.id).status == "done" for run in runs))
    assert {first.run(run.id).owner for run in runs} == {first._process.pid}
    assert lines(tasks[0]) == 6
