"""Deleting a run deletes what only it used, and nothing else."""

from dataclasses import replace

import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.force_errors import ForceErrorSettings
from mlip_core.calculations.relaxation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.datasets.read import dataset_of
from mlip_core.datasets.stored import StoredDataset
from mlip_core.jobs.task import Task
from mlip_core.models.ase import AseModel
from mlip_core.structures import fingerprint

MEMBER = Configuration(model="chgnet")


class Still(AseModel):
    """Gives no forces, but has an identity."""

    identity = "still"

    def __init__(self):
        from ase.calculators.emt import EMT

        super().__init__(EMT(), name="still")


def answered(jobs, task):
    """Submit a task and answer it in this process."""
    run = jobs.submit(task)
    jobs.store.put(run.key, task.run(store=jobs.store, load=lambda configuration: Still(), home=jobs.home))
    jobs._table.finish(run.id, "done", before=("queued",))
    return jobs.run(run.id)


def looked(structure, model, settings, *, progress, relaxation, reference=None):
    return {"converged": relaxation.converged}


@pytest.fixture
def two_after_one(jobs, monkeypatch):
    """Two tasks that build on one relaxation."""
    monkeypatch.setitem(CALCULATIONS, "phonons", replace(CALCULATIONS["phonons"], function=looked))
    copper = bulk("Cu", cubic=True)
    first = Task(kind="relaxation", subject=copper, configuration=MEMBER, settings=RelaxationSettings(fmax=0.1))
    tasks = [
        Task(kind="phonons", subject=copper, configuration=MEMBER, settings={"mesh": n}, before={"relaxation": first})
        for n in (1, 2)
    ]
    return first, [answered(jobs, task) for task in tasks]


def test_the_result_before_goes_with_the_last_run_that_needs_it(jobs, two_after_one):
    first, runs = two_after_one
    assert jobs.store.has(first.key())
    jobs.delete(runs[0].id)
    assert jobs.store.has(first.key())
    jobs.delete(runs[1].id)
    assert not jobs.store.has(first.key())


def test_a_result_that_was_asked_for_itself_stays(jobs, two_after_one):
    first, runs = two_after_one
    asked = jobs.submit(first)
    assert asked.status == "done"
    for run in runs:
        jobs.delete(run.id)
    assert jobs.store.has(first.key())


def test_the_structure_goes_with_the_last_run_unless_it_was_chosen(jobs):
    made, chosen = bulk("Cu", cubic=True), bulk("Al", cubic=True)
    jobs.store.put_structure(chosen, "mine")
    settings = RelaxationSettings(fmax=0.1)
    runs = [
        answered(jobs, Task(kind="relaxation", subject=atoms, configuration=MEMBER, settings=settings))
        for atoms in (made, chosen)
    ]
    for run in runs:
        jobs.delete(run.id)
    assert not jobs.store.has_structure(fingerprint(made))
    assert jobs.store.get_structure(fingerprint(chosen)).name == "mine"


def test_predictions_stay_while_another_run_has_them(jobs, home):
    copper = bulk("Cu", cubic=True)
    copper.calc = SinglePointCalculator(copper, forces=0 * copper.positions)
    data = dataset_of([copper] * 5, "copper", folder=home / "datasets" / "copper")
    tasks = [
        Task(
            kind="force_errors",
            subject=StoredDataset.of(data),
            configuration=MEMBER,
            settings=ForceErrorSettings(resamples=resamples),
        )
        for resamples in (100, 200)
    ]
    runs = [answered(jobs, task) for task in tasks]
    (predictions,) = data.path.parent.glob("predictions-*.parquet")
    jobs.delete(runs[0].id)
    assert predictions.is_file()
    jobs.delete(runs[1].id)
    assert not predictions.is_file()
    assert data.path.is_file()
