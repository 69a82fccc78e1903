import threading
import time

import numpy as np
import pytest
from ase.build import bulk

from mlip_core import records
from mlip_core.errors import RecordError, SettingsError
from mlip_core.jobs.store import Store
from mlip_core.models.model import Claims

KEY = "ab" * 32
CLAIMS = Claims(True, None, True, False)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_a_record_comes_back(store, tmp_path):
    assert not store.has(KEY)
    assert store.get(KEY) is None
    store.put(KEY, CLAIMS)
    assert store.has(KEY)
    assert Store(tmp_path).get(KEY) == CLAIMS
    assert store.path(KEY) == tmp_path / "results" / "ab" / f"{KEY}.npz"
    store.delete(KEY)
    assert not store.has(KEY)


def test_a_record_put_in_place_of_another_has_another_stamp(store, tmp_path):
    assert store.stamp(KEY) is None
    store.put(KEY, CLAIMS)
    first, elsewhere = store.stamp(KEY), Store(tmp_path / "elsewhere")
    assert first == Store(tmp_path).stamp(KEY)
    elsewhere.put(KEY, CLAIMS)
    assert elsewhere.stamp(KEY) != first
    time.sleep(0.02)
    store.delete(KEY)
    store.put(KEY, CLAIMS)
    assert store.stamp(KEY) not in (None, first)
    store.path(KEY).write_bytes(store.path(KEY).read_bytes()[:-30])
    assert store.stamp(KEY) is None


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[:-30] + bytes(30)]
)
def test_a_damaged_file_reads_as_absent_and_the_reason_stays(store, damage):
    store.put(KEY, CLAIMS)
    store.path(KEY).write_bytes(damage(store.path(KEY).read_bytes()))
    assert store.get(KEY) is None
    assert not store.has(KEY)
    assert "not a readable result" in store.problem(KEY)
    store.put(KEY, CLAIMS)
    assert store.get(KEY) == CLAIMS
    assert store.problem(KEY) is None


def test_a_cut_file_is_not_there_before_anybody_read_it(store):
    store.put(KEY, CLAIMS)
    store.path(KEY).write_bytes(store.path(KEY).read_bytes()[:-30])
    assert not store.has(KEY)


def test_damage_inside_a_file_is_found_on_reading(store):
    store.put(KEY, {"many": np.random.default_rng(0).random(1000)})
    data = bytearray(store.path(KEY).read_bytes())
    data[len(data) // 2] ^= 0xFF
    store.path(KEY).write_bytes(data)
    assert store.get(KEY) is None
    assert store.problem(KEY)


def test_what_cannot_be_stored_leaves_nothing_behind(store):
    with pytest.raises(RecordError):
        store.put(KEY, {"f": print})
    assert [path for path in store.path(KEY).parent.iterdir() if path.is_file()] == []


def test_a_crash_while_writing_leaves_the_old_record(store, monkeypatch):
    store.put(KEY, CLAIMS)

    def half(record, path):
        path.write_bytes(b"PK")
        raise OSError("disk full")

    monkeypatch.setattr(records, "save", half)
    with pytest.raises(OSError, match="disk full"):
        store.put(KEY, {"new": 1})
    assert store.get(KEY) == CLAIMS


def test_writers_and_readers_at_once_see_whole_records(store):
    array = np.arange(20_000.0)
    store.put(KEY, {"array": array})
    seen = []

    def write():
        for _ in range(20):
            store.put(KEY, {"array": array})

    def read():
        for _ in range(60):
            seen.append(store.get(KEY))

    threads = [threading.Thread(target=target) for target in (write, write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(record is not None and (record["array"] == array).all() for record in seen)
    assert len(seen) == 120


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "AB" * 32, "ab/cd" * 8, KEY + "\n", KEY + ".npz", None])
def test_a_name_that_leads_elsewhere_is_refused(store, name):
    for method in (store.get, store.has, store.delete, store.problem, store.get_structure):
        with pytest.raises(SettingsError, match="does not name a"):
            method(name)


def test_structures_are_kept_by_fingerprint_newest_first(store):
    copper = store.put_structure(bulk("Cu"), "copper")
    gold = store.put_structure(bulk("Au"), "gold")
    assert store.get_structure(copper).structure == bulk("Cu")
    assert store.get_structure("0" * 64) is None
    assert [stored.name for stored in store.recent()] == ["gold", "copper"]
    assert store.put_structure(bulk("Cu")) == copper
    assert [(stored.name, stored.fingerprint) for stored in store.recent()] == [("copper", copper), ("gold", gold)]
    assert [stored.name for stored in store.recent(1)] == ["copper"]
