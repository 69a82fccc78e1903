"""As tasks: the same numbers as in this process, from what is on disk."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.calculations.force_errors import error_split, force_errors
from mlip_core.calculations.force_errors.task import ErrorSplitTask, ForceErrorTask, run, run_split
from mlip_core.datasets.read import dataset_of
from mlip_core.errors import DatasetError
from mlip_core.models.model import Model, Prediction


class Doubled(Model):
    """Forces 2 x, whatever the reference."""

    name = "doubled"

    def _forward(self, structures):
        return [Prediction(1.0, 2 * atoms.positions, None) for atoms in structures]


def test_tasks_give_what_the_functions_give(tmp_path):
    frames = []
    for k in range(6):
        atoms = bulk("Si", cubic=True)
        atoms.rattle(0.1, seed=k)
        atoms.calc = SinglePointCalculator(atoms, energy=float(k), forces=atoms.positions)
        frames.append(atoms)
    dataset = dataset_of(frames, "silicon", folder=tmp_path)
    first = dataset.frame(0).atoms
    task = ForceErrorTask(dataset=str(dataset.path), dataset_sha256=dataset.sha256, identity="doubled")
    result = run(first, Doubled(), task)
    assert (
        result.mae
        == force_errors(dataset, Doubled()).mae
        == pytest.approx(np.mean(np.abs([a.positions for a in frames])))
    )
    assert len(list(tmp_path.glob("predictions-*.parquet"))) == 1
    split = run_split(
        first, Doubled(), ErrorSplitTask(dataset=str(dataset.path), dataset_sha256=dataset.sha256, grid="tetrahedral")
    )
    assert split.total_rmse == error_split(dataset, Doubled(), grid="tetrahedral").total_rmse
    with pytest.raises(DatasetError, match="has changed"):
        run(first, Doubled(), ForceErrorTask(dataset=str(dataset.path), dataset_sha256="0", identity="x"))
    with pytest.raises(DatasetError, match="no longer there"):
        run(first, Doubled(), ForceErrorTask(dataset=str(tmp_path / "gone.parquet"), dataset_sha256="0", identity="x"))
