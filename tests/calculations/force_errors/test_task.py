"""As tasks: the same numbers as in this process, from what is on disk."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.force_errors import ForceErrorSettings, error_split, force_errors
from mlip_core.calculations.force_errors.predictions import predictions_path
from mlip_core.calculations.force_errors.task import ErrorSplitSettings
from mlip_core.configuration import Configuration
from mlip_core.datasets.read import dataset_of
from mlip_core.datasets.stored import StoredDataset
from mlip_core.errors import DatasetError, SettingsError
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.task import Task
from mlip_core.jobs.worker import execute
from mlip_core.keys import digest
from mlip_core.models.model import Model, Prediction


class Doubled(Model):
    """Forces 2 x, whatever the reference."""

    name = "doubled"
    identity = "doubled"

    def _forward(self, structures):
        return [Prediction(1.0, 2 * atoms.positions, None) for atoms in structures]


@pytest.fixture
def dataset(home):
    frames = []
    for k in range(6):
        atoms = bulk("Si", cubic=True)
        atoms.rattle(0.1, seed=k)
        atoms.calc = SinglePointCalculator(atoms, energy=float(k), forces=atoms.positions)
        frames.append(atoms)
    return dataset_of(frames, "silicon", folder=home / "datasets" / "silicon")


def asked(kind, subject, settings):
    task = Task(kind=kind, subject=subject, configuration=Configuration(model="pet-demo"), settings=settings)
    return task.run(load=lambda configuration: Doubled())


def test_tasks_give_what_the_functions_give(dataset, home):
    subject = StoredDataset.of(dataset)
    result = asked("force_errors", subject, ForceErrorSettings())
    expected = np.mean(np.abs([frame.forces for frame in dataset]))
    assert result.mae == force_errors(dataset, Doubled()).mae == pytest.approx(expected)
    (kept,) = (home / "datasets" / "silicon").glob("predictions-*.parquet")
    assert result.predictions_file == kept.name
    split = asked("error_split", subject, ErrorSplitSettings(grid="tetrahedral"))
    assert split.total_rmse == error_split(dataset, Doubled(), grid="tetrahedral").total_rmse


def test_a_data_set_that_is_gone_or_another_is_refused(dataset):
    file = StoredDataset.of(dataset).file
    with pytest.raises(DatasetError, match="has changed"):
        asked("force_errors", StoredDataset(file=file, sha256="0"), ForceErrorSettings())
    with pytest.raises(DatasetError, match="no longer there"):
        asked("force_errors", StoredDataset(file="gone/gone.parquet", sha256="0"), ForceErrorSettings())


def test_one_orientation_is_no_split():
    with pytest.raises(SettingsError, match="more than one orientation"):
        ErrorSplitSettings(grid="none")


def test_weights_that_arrive_while_it_runs_leave_the_answer_where_the_page_looks(dataset, home, tmp_path):
    """As a model of a hub: downloaded when it is first used, so that its identity is known only then."""
    file = tmp_path / "model.pt"
    file.write_bytes(b"not the weights yet")
    member = Configuration(model=str(file))

    def download(configuration):
        file.write_bytes(b"weights from the hub")
        model = Doubled()
        model.identity = digest(configuration.identity())
        return model

    calculations = {"force_errors": replace(CALCULATIONS["force_errors"], load=download)}
    jobs = Jobs(home, calculations=calculations, dispatcher=None)
    task = Task(
        kind="force_errors", subject=StoredDataset.of(dataset), configuration=member, settings=ForceErrorSettings()
    )
    run = jobs.submit(task)
    assert execute(str(home), run.id, calculations).status == "done"
    asked_now = jobs.key(task)
    assert asked_now != run.key
    result = jobs.result(asked_now)
    assert jobs.result(run.key) is None
    kept = predictions_path(dataset, digest(member.identity()), dataset.path.parent)
    assert kept.name == result.predictions_file
    assert kept.is_file()
    jobs.close()
