import os
import subprocess
import sys

import pytest

from mlip_core.errors import SettingsError
from mlip_core.jobs.queue import Jobs
from mlip_core.models.model import Claims

ANSWER = Claims(True, True, True, True)


def test_a_new_question_is_queued_and_remembered(jobs, counting, copper):
    run = jobs.submit(counting(), label="CHGNet, corrected", subject_name="my copper")
    assert (run.status, run.kind, run.label, run.subject_name) == (
        "queued",
        "count",
        "CHGNet, corrected",
        "my copper",
    )
    assert run.formula == "Cu₄"
    assert jobs.run(run.id) == jobs.find(run.key) == jobs.runs()[0] == run
    assert jobs.task(run.id) == counting()
    assert jobs.store.get_structure(run.fingerprint).structure == copper
    assert jobs.key(counting()) == run.key
    assert jobs.progress(run.id) == []
    assert jobs.detail(run.id) is None
    assert jobs.result(run.key) is None


def test_the_same_question_is_asked_once(jobs, counting):
    first, second, other = jobs.submit_many([counting(), counting(), counting(steps=2)], labels=["a", "b", None])
    assert first == second
    assert other.key != first.key
    assert other.label == "chgnet"
    assert len(jobs.runs()) == 2
    assert len(list((jobs.home / "runs").iterdir())) == 2


def test_a_stored_answer_is_a_run_that_is_done(jobs, counting):
    key = jobs.key(counting())
    jobs.store.put(key, ANSWER)
    run = jobs.submit(counting())
    assert run.status == "done"
    assert run.finished is not None
    assert jobs.result(run.key) == ANSWER
    assert jobs.submit(counting()) == run
    assert len(jobs.runs()) == 1


def test_a_damaged_answer_is_asked_for_again(jobs, counting):
    key = jobs.key(counting())
    jobs.store.put(key, ANSWER)
    assert jobs.submit(counting()).status == "done"
    jobs.store.path(key).write_bytes(b"gone")
    assert jobs.submit(counting()).status == "queued"


def test_what_waits_is_cancelled_at_once(jobs, counting):
    run = jobs.submit(counting())
    jobs.cancel(run.id)
    assert jobs.run(run.id).status == "cancelled"
    jobs.cancel(run.id)
    assert jobs.run(run.id).status == "cancelled"
    assert jobs.runs(status="queued") == []
    assert jobs.runs(status=["cancelled"]) == [jobs.run(run.id)]


def test_retry_asks_again_with_the_same_labels(jobs, counting):
    run = jobs.submit(counting(), label="mine", subject_name="copper")
    jobs.cancel(run.id)
    again = jobs.retry(run.id)
    assert again.status == "queued"
    assert again.id != run.id
    assert (again.key, again.label, again.subject_name) == (run.key, "mine", "copper")
    assert jobs.find(run.key) == again
    assert jobs.retry("0" * 16) is None


def test_deleting_takes_the_result_along_unless_another_run_has_it(jobs, counting):
    waiting = jobs.submit(counting())
    with pytest.raises(SettingsError, match="cancel it before"):
        jobs.delete(waiting.id)
    jobs.cancel(waiting.id)
    jobs.store.put(waiting.key, ANSWER)
    done = jobs.submit(counting())
    assert done.id != waiting.id
    jobs.delete(waiting.id)
    assert jobs.run(waiting.id) is None
    assert jobs.task(waiting.id) is None
    assert jobs.result(done.key) == ANSWER
    jobs.delete(done.id)
    assert jobs.result(done.key) is None
    assert jobs.runs() == []
    assert list((jobs.home / "runs").iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "", "a" * 15 + "/", "%2e%2e", "A" * 16])
def test_an_id_that_leads_elsewhere_is_refused(jobs, name):
    for method in (
        jobs.run,
        jobs.find,
        jobs.result,
        jobs.task,
        jobs.progress,
        jobs.detail,
        jobs.cancel,
        jobs.retry,
        jobs.delete,
    ):
        with pytest.raises(SettingsError, match="does not name a"):
            method(name)


def test_an_unknown_run_is_nothing(jobs):
    assert jobs.run("0" * 16) is None
    jobs.cancel("0" * 16)
    jobs.delete("0" * 16)


def test_two_servers_see_the_same_runs(jobs, counting):
    from toy_tasks import TOYS

    other = Jobs(jobs.home, calculations=TOYS, dispatcher=None)
    run = jobs.submit(counting())
    assert other.submit(counting()) == run
    other.cancel(run.id)
    assert jobs.run(run.id).status == "cancelled"
    other.close()


def test_a_dispatcher_that_cannot_start_fails_what_waits_and_says_where_to_look(home, counting, until):
    from toy_tasks import TOYS

    jobs = Jobs(home, calculations=TOYS, dispatcher=(sys.executable, "-c", "raise SystemExit('no dask here')"))
    run = jobs.submit(counting())
    ended = until(lambda: (found := jobs.run(run.id)).status == "failed" and found)
    assert "dispatcher.log" in ended.reason
    assert "no dask here" in (home / "dispatcher.log").read_text()
    jobs.close()


def test_the_web_side_loads_neither_dask_nor_torch(home):
    code = f"""
import sys
from ase.build import bulk
from mlip_core.configuration import Configuration
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.task import Task
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
jobs = Jobs({str(home)!r}, dispatcher=None)
task = Task(kind="relaxation", subject=bulk("Cu"), configuration=Configuration(model="chgnet"), settings=RelaxationSettings())
run = jobs.submit(task)
jobs.progress(run.id), jobs.runs(), jobs.result(run.key), jobs.cancel(run.id), jobs.delete(run.id)
print(*sorted({{"torch", "dask", "distributed", "phonopy", "chgnet", "sevenn", "metatomic"}} & set(sys.modules)))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert answer.stdout.split() == []
