"""What a process in between costs: a model that another interpreter holds beside the same model here."""

import time

import numpy as np
import psutil
import pytest
import torch
from ase.build import bulk

import mlip_core as mlip
from mlip_core.models.environments import process

pytestmark = pytest.mark.benchmark
OVERHEAD = 1.1
"""Times the processor time of a prediction for 64 atoms here."""


def seconds(model, atoms, other=None):
    """Wall and processor time of one prediction, s; that of another process counts too."""
    wall, processor = time.perf_counter(), processor_time(other)
    model.predict([atoms])
    return time.perf_counter() - wall, processor_time(other) - processor


def processor_time(other):
    spent = None if other is None else other.cpu_times()
    return time.process_time() + (0.0 if spent is None else spent.user + spent.system)


@pytest.fixture
def one_thread(monkeypatch):
    """One thread on either side, as a worker has on such a machine: a second one spins while it waits, and is counted."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("name", "repeats"),
    [pytest.param("pet-demo", 60), pytest.param("sevennet-0", 8)],
)
def test_64_atoms_through_the_process(own_families, name, repeats, capsys):
    """Processor time of many alternating calls, so that what else the machine does counts for neither."""
    settings = {"forces": "conservative", "dtype": "float32"}
    here, there = mlip.load_model(name, **settings), own_families.load(name, serves="serve_own.py", **settings)
    atoms = bulk("Si", cubic=True) * 2
    atoms.rattle(0.05, seed=1)
    assert there.predict([atoms])[0].energy == pytest.approx(here.predict([atoms])[0].energy, rel=1e-6)
    other = psutil.Process(there._process.pid)
    spent = np.array([(seconds(here, atoms), seconds(there, atoms, other)) for _ in range(repeats)])
    process.stop_all()
    direct, through = spent[:, :, 1].sum(axis=0)
    walls = spent[:, :, 0].min(axis=0)
    with capsys.disabled():
        print(
            f"\n{name}, 64 atoms: {direct / repeats * 1e3:.1f} ms of the processor here, {through / direct:.3f} times as "
            f"much through a process (bar: {OVERHEAD}); shortest wall times {walls[0] * 1e3:.1f} and {walls[1] * 1e3:.1f} ms"
        )
    assert through < OVERHEAD * direct
