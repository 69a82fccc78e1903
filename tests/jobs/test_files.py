import json

import numpy as np
import pytest

from mlip_core.errors import Cancelled, SettingsError
from mlip_core.jobs.files import ProgressFile, ProgressReader, RunFolder

RUN = "0123456789abcdef"


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path, RUN)
    folder.path.mkdir(parents=True)
    return folder


def test_every_row_is_there_at_once_and_in_order(folder):
    with ProgressFile(folder) as progress:
        for step in range(5):
            progress(step, 10, energy=np.float64(-step), stress=np.eye(2), space_group=None)
            assert len(folder.rows()) == step + 1
            assert folder.last() == folder.rows()[-1]
    assert [row["done"] for row in folder.rows(since=3)] == [3, 4]
    row = folder.rows()[2]
    assert row["total"] == 10
    assert row["values"] == {"energy": -2.0, "stress": [[1.0, 0.0], [0.0, 1.0]], "space_group": None}
    assert row["time"] == pytest.approx(folder.rows()[0]["time"], abs=60)


def test_a_total_that_is_not_known_stays_so(folder):
    with ProgressFile(folder) as progress:
        progress(1, None)
    assert folder.rows()[0]["total"] is None


def test_half_a_line_waits_for_its_end(folder):
    with ProgressFile(folder) as progress:
        progress(1, 2)
    with folder.progress.open("a") as file:
        file.write('{"done": 2, "to')
    assert len(folder.rows()) == 1
    assert folder.last()["done"] == 1


def test_nothing_reported_is_an_empty_list(folder):
    assert folder.rows() == []
    assert folder.size() == 0


def test_the_last_row_of_a_long_file_is_found(folder):
    with ProgressFile(folder) as progress:
        for step in range(2000):
            progress(step, 2000, text="x" * 100)
    assert folder.last()["done"] == 1999
    assert len(folder.rows()) == 2000


def test_progress_stops_a_run_that_was_asked_to(folder):
    with ProgressFile(folder) as progress:
        progress(1, 3)
        folder.ask_to_stop()
        with pytest.raises(Cancelled):
            progress(2, 3)
    assert folder.should_stop()
    assert [row["done"] for row in folder.rows()] == [1, 2]


def test_what_cannot_be_shown_is_refused(folder):
    with ProgressFile(folder) as progress, pytest.raises(TypeError, match="object"):
        progress(1, 2, thing=object())
    assert [json.loads(line) for line in folder.progress.read_text().splitlines()] == []


@pytest.mark.parametrize("name", ["..", "../" + RUN, "", RUN + "/..", "x" * 16])
def test_a_run_that_leads_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(SettingsError, match="does not name a run"):
        RunFolder(tmp_path, name)


def test_a_reader_reads_every_row_once_and_waits_for_the_end_of_a_line(folder, monkeypatch):
    reader = ProgressReader(folder)
    reader.look()
    assert reader.rows() == []
    parsed = []
    monkeypatch.setattr(
        "mlip_core.jobs.files.json.loads", lambda line: parsed.append(line) or json.JSONDecoder().decode(line.decode())
    )
    with ProgressFile(folder) as progress:
        for step in range(5):
            progress(step, 10, energy=-1.0 * step)
            reader.look()
    with folder.progress.open("a") as file:
        file.write('{"done": 5, "to')
        file.flush()
        reader.look()
        assert [row["done"] for row in reader.rows()] == [0, 1, 2, 3, 4]
        file.write('tal": 10, "time": 0.0, "values": {}}\n')
    reader.look()
    reader.look()
    assert len(parsed) == reader.count == 6
    assert reader.rows() == folder.rows()


def test_a_reader_of_very_many_rows_keeps_the_first_and_the_last(folder):
    reader = ProgressReader(folder, most=10)
    with ProgressFile(folder) as progress:
        for step in range(100):
            progress(step, 100)
            reader.look()
            kept = [row["done"] for row in reader.rows()]
            assert len(kept) <= 10
            assert (kept[0], kept[-1]) == (0, step)
            assert kept == sorted(set(kept))
    assert reader.count == 100
