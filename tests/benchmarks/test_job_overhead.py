"""What the queue costs: from asking to the result, and to open a stored result."""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from mlip_core.configuration import Configuration
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.store import Store
from mlip_core.jobs.task import Task
from mlip_core.models.ase import AseModel

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]
REPEATS = 10
OPENING = 1
"""s of processor time to open a stored result."""
OVERHEAD = 0.5
"""s from asking to the result, beyond the calculation, on a machine with nothing else to do."""
PROCESSOR = 0.25
"""s of processor time that one task costs beyond the calculation, in all processes together."""


@pytest.fixture
def toys(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "jobs")
    import toy_tasks

    yield toy_tasks
    sys.modules.pop("toy_tasks")


def wait(jobs, run):
    while run.active:
        time.sleep(0.005)
        run = jobs.run(run.id)
    assert run.status == "done", run.reason
    return jobs.result(run.key)


def slowness():
    """How many times longer than its processor time something takes now, because others compute too."""
    began, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < 0.02:
        pass
    return (time.perf_counter() - began) / 0.02


def processor_seconds(dispatcher):
    """Processor time spent so far by this process, the dispatcher and its workers."""
    process = psutil.Process(dispatcher.pid)
    spent = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return time.process_time() + sum(one.user + one.system for one in spent)


def test_from_asking_to_the_result(home, toys, capsys, tmp_path):
    """Median over tasks that compute one EMT energy, each another question, beside the bare call."""
    home.mkdir()
    model = AseModel(EMT(), name="EMT")
    jobs = Jobs(home, calculations=toys.TOYS, dispatcher=toys.COMMAND)
    direct, queued, slow, spent = [], [], [], []
    for number in range(REPEATS + 1):
        settings = {"steps": 1, "pause": 0.0, "log": str(tmp_path / "log"), "number": number}
        structure = bulk("Cu", cubic=True)
        task = Task(kind="count", subject=structure, configuration=Configuration(model="chgnet"), settings=settings)
        began = time.perf_counter()
        toys.count(structure, model, settings, progress=lambda *_, **__: None)
        direct.append(time.perf_counter() - began)
        slow.append(slowness())
        began = time.perf_counter()
        answer = wait(jobs, jobs.submit(task))
        queued.append(time.perf_counter() - began)
        spent.append(processor_seconds(jobs._process))
        assert answer["energy"] == pytest.approx(model.predict([structure])[0].energy)
    process = jobs._process
    jobs.close()
    process.terminate()
    process.wait(200)
    overhead = statistics.median(queued[1:]) - statistics.median(direct[1:])
    others, processor = statistics.median(slow[1:]), statistics.median(np.diff(spent))
    with capsys.disabled():
        print(
            f"\nsubmit to result: overhead {overhead:.3f} s on a machine {others:.1f} times slowed (bar: {OVERHEAD} s on an idle one), "
            f"of the processor {processor:.3f} s (bar: {PROCESSOR} s); with the cluster's start {queued[0]:.1f} s"
        )
    assert overhead < OVERHEAD * others
    assert processor < PROCESSOR


def test_opening_a_stored_result(tmp_path, capsys):
    """A record as large as phonons of a 64-atom supercell: opened by key, beside numpy reading the same bytes."""
    random = np.random.default_rng(0)
    atoms = bulk("Si", cubic=True).repeat(2)
    record = {
        "force_constants": random.random((64, 64, 3, 3)),
        "raw_force_constants": random.random((64, 64, 3, 3)),
        "frequencies": random.random((500, 24)),
        "frames": [atoms] * 200,
    }
    store = Store(tmp_path)
    store.put("ab" * 32, record)
    np.savez(tmp_path / "bare.npz", a=record["force_constants"], b=record["raw_force_constants"])
    began = time.perf_counter()
    with np.load(tmp_path / "bare.npz") as bare:
        assert bare["a"].shape == bare["b"].shape
    mark = time.perf_counter()
    cpu = time.process_time()
    opened = store.get("ab" * 32)
    cpu, seconds = time.process_time() - cpu, time.perf_counter() - mark
    with capsys.disabled():
        megabytes = store.path("ab" * 32).stat().st_size / 1e6
        print(
            f"\nopening a stored result ({megabytes:.1f} MB): {seconds:.3f} s (bar: {OPENING} s of the processor: {cpu:.3f} s), bare arrays {mark - began:.3f} s"
        )
    np.testing.assert_array_equal(opened["force_constants"], record["force_constants"])
    assert cpu < OPENING
