"""A home folder that 0.1.0 wrote: its runs, tasks, results, structures and data set still open."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from mlip_core import records
from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.force_errors import ForceErrorSettings
from mlip_core.configuration import Configuration
from mlip_core.errors import RecordError
from mlip_core.jobs.files import RunFolder
from mlip_core.jobs.queue import Jobs
from mlip_core.symmetry.corrections import Corrections

ARCHIVE = Path(__file__).parents[1] / "data" / "home-0.1.0.tar.xz"


@pytest.fixture
def jobs(home):
    home.mkdir()
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(home, filter="data")
    jobs = Jobs(home, dispatcher=None)
    yield jobs
    jobs.close()


def by_kind(jobs, kind):
    return next(run for run in jobs.runs(kind=kind) if run.status == "done")


def test_every_run_has_its_task_and_its_result(jobs):
    runs = jobs.runs()
    assert {run.kind for run in runs} == set(CALCULATIONS) - {"equation_of_state", "speed"}
    for run in runs:
        task = jobs.task(run.id)
        assert task.kind == run.kind
        assert len(jobs.key(task)) == 64
        result = jobs.result(run.key)
        assert (result is None) == (run.status == "failed")
        if result is not None:
            assert type(result) is CALCULATIONS[run.kind].record
    assert [run.subject_name for run in runs if run.status == "failed"] == ["Copper"]


def test_the_relaxation_before_phonons_is_a_task_before(jobs):
    task = jobs.task(by_kind(jobs, "phonons").id)
    before = task.before["relaxation"]
    assert before.kind == "relaxation"
    assert before.subject == task.subject
    assert (before.settings.fmax, before.settings.fix_symmetry) == (1e-3, True)
    assert before.configuration == task.configuration


def test_settings_that_named_a_data_set_became_a_subject_and_settings(jobs, home):
    task = jobs.task(by_kind(jobs, "force_errors").id)
    assert task.settings == ForceErrorSettings()
    dataset = task.subject.open(home)
    assert dataset.n_structures == 4
    result = jobs.result(by_kind(jobs, "force_errors").key)
    assert result.n_structures == 4
    assert result.predictions_file == ""
    timed = jobs.result(by_kind(jobs, "lambench").key)
    assert timed.settings.picoseconds == pytest.approx(0.05)


def test_numbers_are_those_that_were_stored(jobs):
    relaxed = jobs.result(by_kind(jobs, "relaxation").key)
    assert (relaxed.n_steps, relaxed.converged) == (60, False)
    assert len(relaxed.frames) == relaxed.n_steps + 1
    rotations = jobs.result(by_kind(jobs, "rotational_variance").key)
    split = rotations.error_split
    total = split.averaged_square_error + rotations.forces_rot_std**2
    assert split.mean_square_error == pytest.approx(total, rel=1e-9)
    kept = jobs.result(by_kind(jobs, "passport").key)
    assert kept.law("rotation").kept is False
    phonons = jobs.result(by_kind(jobs, "phonons").key)
    assert phonons.band_structure.frequencies.shape[1] == 6
    assert np.isfinite(phonons.force_constants).all()


def test_links_of_then_name_the_same(jobs):
    corrected = Configuration(model="pet-demo", forces="direct", corrections=Corrections(rotations="tetrahedral"))
    assert Configuration.from_code("pet-demo:direct+tetrahedral") == corrected
    assert jobs.task(by_kind(jobs, "passport").id).configuration == corrected
    mark = by_kind(jobs, "relaxation").fingerprint
    stored = jobs.store.get_structure(mark)
    assert isinstance(stored.structure, Atoms)
    assert stored.name == "Silicon"


def test_a_task_that_cannot_be_read_says_so_and_can_be_deleted(jobs, home):
    run = by_kind(jobs, "relaxation")
    RunFolder(home, run.id).task.write_bytes(b"not a task")
    with pytest.raises(RecordError, match="not a readable"):
        jobs.task(run.id)
    jobs.delete(run.id)
    assert jobs.run(run.id) is None


def test_what_is_written_now_names_no_module(jobs, tmp_path):
    task = jobs.task(by_kind(jobs, "phonons").id)
    records.save(task, tmp_path / "task.npz")
    with np.load(tmp_path / "task.npz") as file:
        assert "mlip_core" not in str(file["tree"])
    assert records.load(tmp_path / "task.npz").key() == task.key()
