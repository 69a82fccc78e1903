"""What a process in another environment does when things go well, wrong, or are stopped."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

import mlip_core as mlip
from mlip_core.errors import Cancelled, ModelError
from mlip_core.models.environments import process
from mlip_core.models.environments.environment import Environment
from mlip_core.models.environments.recipes import RECIPES

ROOT = Path(__file__).parents[3]


@pytest.fixture
def emt(own_families):
    """Load the EMT of a process of its own, under a name that says what it is to do."""
    yield lambda name="emt", **fields: own_families.load(name, serves="serve_emt.py", **fields)
    process.stop_all()


@pytest.fixture
def copper():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=1)
    return atoms


def gone(pid, patience=10.0):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_it_answers_as_the_same_model_here_to_the_last_digit(emt, copper):
    here = mlip.from_ase(EMT(), name="EMT").predict([copper])[0]
    there = emt().predict([copper])[0]
    assert there.energy == here.energy
    np.testing.assert_array_equal(there.forces, here.forces)
    np.testing.assert_array_equal(there.stress, here.stress)


def test_one_process_is_kept_for_all_models_of_an_environment(emt, copper):
    one, other = emt(), emt()
    assert one._process is other._process
    pid = one._process.pid
    one.predict([copper])
    assert one._process.pid == pid != os.getpid()


def test_a_model_that_is_let_go_of_here_is_let_go_of_there(emt, copper):
    one, other = emt(), emt()
    number = one._number
    del one
    gc.collect()
    assert other._process._forgotten == [number]
    other.predict([copper])
    with pytest.raises(ModelError, match="KeyError"):
        other._process.ask({"do": "predict", "model": number, "threads": None, "info": []}, {})


def test_what_goes_wrong_there_is_told_in_words_with_the_place(emt, copper):
    with pytest.raises(ModelError, match="Own stopped at ZeroDivisionError: division by zero") as caught:
        emt("emt-that-fails").predict([copper])
    assert "serve_emt.py" in caught.value.__notes__[0]
    with pytest.raises(ModelError) as caught:
        emt("emt-that-refuses")
    assert str(caught.value) == "EMT does not want to. Ask it kindly."
    with pytest.raises(MemoryError):
        emt("emt-without-memory").predict([copper])


def test_after_a_death_the_next_question_is_answered_by_a_new_process(emt, copper):
    good, bad = emt(), emt("emt-that-dies")
    before = good.predict([copper])[0]
    pid = good._process.pid
    with pytest.raises(ModelError, match="ended in the middle of its work") as caught:
        bad.predict([copper])
    assert "EMT greets" in str(caught.value)
    after = good.predict([copper])[0]
    assert after.energy == before.energy
    assert good._process.pid != pid
    assert gone(pid)


def test_a_question_that_is_interrupted_leaves_no_answer_for_the_next(emt, copper):
    slow, good = emt("emt-that-sleeps"), emt()
    expected = mlip.from_ase(EMT(), name="EMT").predict([copper])[0].energy
    pid = slow._process.pid

    def interrupt(*_):
        raise Cancelled("stop")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(Cancelled):
            slow.predict([copper * 2])
    finally:
        signal.signal(signal.SIGALRM, before)
    assert gone(pid)
    assert good.predict([copper])[0].energy == expected


def test_stopping_between_two_batches_leaves_the_process_warm(emt, copper):
    model = emt()

    def stop(done, total, **_):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        model.predict([copper] * 3, progress=stop)
    pid = model._process.pid
    model.predict([copper])
    assert model._process.pid == pid


WORKER = """
from pathlib import Path
from ase.build import bulk
from mlip_core.models.environments import environment
from mlip_core.models.environments.process import Process
from mlip_core.models.environments.recipes import Recipe
from mlip_core.models.environments.served.wire import structures_to_message

environment.environments_folder = lambda: Path({folder!r})
process = Process(environment.Environment(Recipe("own", "Own", (), "ase", Path({serves!r}))))
asked = dict(name="emt-that-sleeps", file=None, forces="conservative", dtype="float64", device="cpu")
told, _ = process.ask(dict(do="load", asked=asked, own_file=False))
print(process.pid, flush=True)
header, arrays = structures_to_message([bulk("Cu")])
process.ask(dict(do="predict", model=told["model"], threads=1, **header), arrays)
"""


def test_it_ends_with_a_worker_that_is_killed_while_it_computes(own_families, monkeypatch):
    own_families.enter(monkeypatch, "serve_emt.py")
    code = WORKER.format(folder=str(own_families.folder), serves=str(RECIPES["own"].serves))
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid = int(worker.stdout.readline())
    time.sleep(0.5)  # it computes by now
    assert psutil.pid_exists(pid)
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert gone(pid)


def test_only_files_of_the_models_folder_are_loaded(emt, home, tmp_path):
    process.stop_all()
    inside, outside = home / "models" / "x.model", tmp_path / "x.model"
    inside.parent.mkdir(parents=True)
    for path in (inside, outside):
        path.write_bytes(b"weights")
    emt(weights="folder", file=str(inside))
    for path in (outside, inside.parent / ".." / ".." / "x.model"):
        with pytest.raises(ModelError, match=r"x\.model is not in the models folder\. Put it into .*models\."):
            emt(weights="folder", file=str(path))


def test_an_interpreter_that_is_gone_is_told_with_the_way_round(own_families, monkeypatch, tmp_path):
    own_families.enter(monkeypatch, "serve_emt.py")
    broken = tmp_path / "python"
    broken.write_text("no program")
    made = Environment(RECIPES["own"])
    made.manifest.write_text(made.manifest.read_text().replace(sys.executable, str(broken)))
    with pytest.raises(ModelError, match=r"cannot be started: .*`mlip-dashboard models add own`"):
        process.Process(Environment(RECIPES["own"]))
    broken.unlink()
    assert not Environment(RECIPES["own"]).here
    with pytest.raises(ModelError, match=r"needs `mlip-dashboard models add own`"):
        process.Process(Environment(RECIPES["own"]))


@pytest.fixture
def two_threads():
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


def test_it_computes_with_as_many_threads_as_this_process(own_families, two_threads):
    model = own_families.load("pet-demo", serves="serve_own.py")
    asked = []
    ask = model._process.ask
    model._process.ask = lambda header, arrays=None: (asked.append(header), ask(header, arrays))[1]
    model.predict([bulk("Al")])
    assert asked[0]["threads"] == 2
    process.stop_all()
