"""As tasks: the same numbers as in this process, from what is on disk."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.calculations.force_errors import ForceErrorSettings, error_split, force_errors
from mlip_core.calculations.force_errors.task import ErrorSplitSettings
from mlip_core.configuration import Configuration
from mlip_core.datasets.read import dataset_of
from mlip_core.datasets.stored import StoredDataset
from mlip_core.errors import DatasetError, SettingsError
from mlip_core.jobs.task import Task
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
