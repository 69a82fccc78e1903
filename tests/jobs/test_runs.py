import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from mlip_core.jobs.names import new_id
from mlip_core.jobs.runs import Run, RunsTable


def queued(key=None, **others):
    return Run(
        **{
            "id": new_id(),
            "key": key or new_id() * 4,
            "kind": "relaxation",
            "label": "CHGNet",
            "subject_name": "",
            "fingerprint": "0" * 64,
            "formula": "Cu4",
            "status": "queued",
            "submitted": time.time(),
            **others,
        }
    )


@pytest.fixture
def table(tmp_path):
    table = RunsTable(tmp_path)
    yield table
    table.close()


def test_a_run_comes_back_as_it_was_added(table):
    run = table.add(queued(total=3, subject_name="copper"))
    assert table.get(run.id) == run
    assert table.get("0" * 16) is None


def test_the_longest_waiting_is_claimed_first(table):
    late, early = table.add(queued(submitted=2.0)), table.add(queued(submitted=1.0))
    first = table.claim(owner=7, worker="here")
    assert (first.id, first.status, first.owner, first.worker) == (early.id, "running", 7, "here")
    assert first.started <= time.time()
    assert table.claim(owner=7, worker="here").id == late.id
    assert table.claim(owner=7, worker="here") is None


@pytest.mark.parametrize(
    ("expected", "passes", "waits"),
    [
        pytest.param(5.0, 49.0, 51.0, id="for ten times as long as it takes itself"),
        pytest.param(500.0, 599.0, 601.0, id="for ten minutes at most"),
        pytest.param(None, -1.0, 1.0, id="not at all where nobody knows how long it takes"),
    ],
)
def test_a_long_run_lets_short_ones_pass_that_come_soon_after(table, expected, passes, waits):
    came = 1000.0
    late = table.add(queued(submitted=came + waits, expected=0.0))
    long = table.add(queued(submitted=came, expected=expected))
    early = table.add(queued(submitted=came + passes, expected=0.0))
    assert [table.claim(owner=7, worker="here").id for _ in range(3)] == [early.id, long.id, late.id]


def test_nobody_waits_for_ever_while_short_ones_keep_coming(table):
    long = table.add(queued(submitted=0.0, expected=3.0))
    for second in range(100):
        table.add(queued(submitted=float(second), expected=0.001))
        claimed = table.claim(owner=7, worker="here")
        if claimed.id == long.id:
            break
    assert second == 30


def test_a_table_of_an_earlier_version_gets_the_columns_that_came_since(tmp_path):
    RunsTable(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "runs-1.sqlite")) as file:
        file.execute("ALTER TABLE runs DROP COLUMN expected")
        file.commit()
    for _ in range(2):
        table = RunsTable(tmp_path)
        run = table.add(queued(expected=4.0))
        assert table.get(run.id).expected == 4.0
        table.close()


def test_one_run_can_be_claimed_by_its_id_while_it_waits(table):
    first, second = (table.add(queued(key=digit * 64, submitted=float(digit))) for digit in "12")
    assert table.first_waiting() == first
    assert table.claim(second.id, owner=7, worker="here").id == second.id
    assert table.claim(second.id, owner=7, worker="here") is None
    table.finish(first.id, "cancelled", before=("queued",))
    assert table.first_waiting() is None
    assert table.claim(first.id, owner=7, worker="here") is None


def test_several_processes_never_claim_one_run_twice(table, tmp_path):
    runs = {table.add(queued()).id for _ in range(60)}
    code = f"""
from mlip_core.jobs.runs import RunsTable
table = RunsTable({str(tmp_path)!r})
input()
while run := table.claim(owner=1, worker=""):
    print(run.id)
table.close()
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    claimed = []
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        claimed += process.communicate(timeout=60)[0].split()
    assert sorted(claimed) == sorted(runs)


def test_submitters_at_once_get_one_run(table):
    key, kept = "c" * 64, []
    start = threading.Barrier(8)

    def submit():
        start.wait()
        kept.append(table.add(queued(key)).id)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 8
    assert len(set(kept)) == 1
    assert table.count(("queued",)) == 1


def test_a_key_may_be_queued_again_once_its_run_has_ended(table):
    first = table.add(queued("d" * 64, submitted=1.0))
    assert table.finish(first.id, "failed", "why", before=("queued",))
    second = table.add(queued("d" * 64, submitted=2.0))
    assert second.id != first.id
    assert table.find("d" * 64).id == second.id
    assert table.find("d" * 64, ("failed",)).reason == "why"


def test_only_a_run_in_the_right_state_is_ended(table):
    run = table.add(queued())
    assert not table.finish(run.id, "done")
    assert table.get(run.id).status == "queued"
    table.claim(owner=1, worker="")
    assert table.finish(run.id, "done")
    assert not table.finish(run.id, "failed")
    ended = table.get(run.id)
    assert ended.status == "done"
    assert not ended.active
    assert ended.seconds == ended.finished - ended.started


def test_a_key_is_not_given_to_a_second_active_run(table):
    first, second = table.add(queued()), table.add(queued())
    table.rename(second.id, first.key)
    assert table.get(second.id).key == second.key
    table.finish(first.id, "cancelled", before=("queued",))
    table.rename(second.id, first.key)
    assert table.get(second.id).key == first.key


def test_runs_are_listed_newest_first_and_filtered(table):
    old = table.add(queued(submitted=1.0, kind="phonons"))
    new = table.add(queued(submitted=2.0, fingerprint="1" * 64))
    table.finish(old.id, "cancelled", before=("queued",))
    assert [run.id for run in table.list()] == [new.id, old.id]
    assert [run.id for run in table.list(limit=1)] == [new.id]
    assert [run.id for run in table.list(statuses=["cancelled", "failed"])] == [old.id]
    assert [run.id for run in table.list(kind="phonons")] == [old.id]
    assert [run.id for run in table.list(fingerprint="1" * 64)] == [new.id]
    table.delete(old.id)
    assert [run.id for run in table.list()] == [new.id]


def test_the_table_is_readable_while_another_process_writes(table, tmp_path):
    table.add(queued())
    writer = RunsTable(tmp_path)
    with writer._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert table.count(("queued",)) == 1
        assert time.monotonic() - began < 5
        connection.rollback()
    writer.close()


def test_the_newest_run_of_each_of_several_keys_is_found_at_once(table):
    keys = [letter * 64 for letter in "abc"]
    old = table.add(queued(keys[0], submitted=1.0, status="failed"))
    new = table.add(queued(keys[0], submitted=2.0, status="done"))
    other = table.add(queued(keys[1], submitted=0.5))
    table.add(queued("d" * 64))
    assert table.newest(keys) == {keys[0]: new, keys[1]: other}
    assert table.newest(keys)[keys[0]] == table.find(keys[0]) != old
    assert table.newest([]) == {}
