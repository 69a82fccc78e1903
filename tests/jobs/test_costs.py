"""What the queue expects tasks to take: by arithmetic from atoms, evaluations and speeds."""

import pytest
from ase.build import bulk

from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.conservation.calculation import ConservationSettings
from mlip_core.calculations.phonons import PhononSettings
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.calculations.rotations.variance import RotationSettings, rotational_variance
from mlip_core.calculations.speed.record import Speed, Timing
from mlip_core.calculations.speed.settings import SpeedSettings
from mlip_core.configuration import Configuration
from mlip_core.datasets.stored import StoredDataset
from mlip_core.jobs.costs import expected_seconds
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import entry
from mlip_core.symmetry.corrections import Corrections

CHGNET = Configuration(model="chgnet")
PET = Configuration(model="pet-demo", forces="direct")
START = (PET, Configuration(model="pet-demo", forces="conservative"), Configuration(model="sevennet-0"), CHGNET)


@pytest.fixture
def crystal():
    return bulk("Si", cubic=True)


@pytest.fixture
def jobs(home):
    jobs = Jobs(home, dispatcher=None)
    yield jobs
    jobs.close()


def seconds(task, measured=None):
    return expected_seconds(task, CALCULATIONS, measured or {})


def test_phonons_count_displaced_supercells_and_the_relaxation_before(crystal):
    first = Task(kind="relaxation", subject=crystal, configuration=CHGNET, settings=RelaxationSettings(steps=10))
    settings = PhononSettings(supercell_matrix=(2, 2, 2), displacements="full")
    task = Task(kind="phonons", subject=crystal, configuration=CHGNET, settings=settings, before={"relaxation": first})
    assert seconds(first, {CHGNET.label: 1000.0}) == pytest.approx(8 * 10 * 1e-3)
    assert seconds(task, {CHGNET.label: 1000.0}) == pytest.approx((6 * 8) * (8 * 8) * 1e-3 + 8 * 10 * 1e-3)


def test_evaluations_are_those_that_rotations_count(answer, crystal):
    settings = RotationSettings()
    expected = CALCULATIONS["rotational_variance"].evaluations(crystal, settings)
    counted = answer("rotational_variance").evaluations
    assert rotational_variance is CALCULATIONS["rotational_variance"].function
    assert expected == pytest.approx(counted, rel=0.5)


@pytest.mark.parametrize("kind", [name for name in CALCULATIONS if CALCULATIONS[name].subject == "structure"])
def test_every_calculation_of_a_structure_has_a_cost_that_a_correction_multiplies(kind, crystal):
    settings = CALCULATIONS[kind].settings()
    plain = seconds(Task(kind=kind, subject=crystal, configuration=CHGNET, settings=settings))
    corrected = Configuration(model="chgnet", corrections=Corrections(rotations="octahedral", inversion=True))
    assert plain > 0
    assert seconds(Task(kind=kind, subject=crystal, configuration=corrected, settings=settings)) == pytest.approx(
        48 * plain
    )


@pytest.mark.parametrize("kind", [name for name in CALCULATIONS if CALCULATIONS[name].subject == "data set"])
def test_every_calculation_of_a_data_set_has_a_cost(kind):
    dataset = StoredDataset(file="a/b.parquet", sha256="0" * 64, n_structures=100)
    task = Task(kind=kind, subject=dataset, configuration=CHGNET, settings=CALCULATIONS[kind].settings())
    assert seconds(task) > 0


def test_a_second_model_costs_too(crystal):
    common = {"kind": "conservation", "subject": crystal, "configuration": PET, "settings": ConservationSettings()}
    alone, both = seconds(Task(**common)), seconds(Task(**common, other=CHGNET))
    assert both / alone == pytest.approx(1 + entry("chgnet").us_per_atom / (entry("pet-demo").us_per_atom / 2))


def speed(crystal, us):
    timing = {"n_structures": 1, "n_calls": 5, "wall_range": (0.0, 1.0)}
    timings = tuple(
        Timing(n_atoms=n, wall=1.0, processor=factor * us * n / 1e6, **timing) for n, factor in ((8, 3.0), (64, 1.0))
    )
    about = {"processor": "", "device": "cpu", "dtype": "float32", "threads": 1, "omp_num_threads": "", "packages": {}}
    settings = SpeedSettings()
    return Speed(
        model="", structure=crystal, settings=settings, timings=timings, **about, others=0.0, disturbed=False, notes=(), seconds=1.0
    )  # fmt: skip


def test_members_are_asked_by_the_speed_that_was_measured_here(jobs, crystal):
    tasks = [
        Task(kind="relaxation", subject=crystal, configuration=member, settings=RelaxationSettings())
        for member in (CHGNET, *START[:3])
    ]
    labels = [task.configuration.label for task in tasks]
    by_catalogue = jobs.submit_many(tasks, labels=labels)
    assert [run.label for run in by_catalogue] == labels, "returned in the order asked for"
    assert [run.label for run in reversed(jobs.runs())] == [labels[place] for place in (1, 2, 0, 3)]
    for run in by_catalogue:
        jobs.cancel(run.id)
        jobs.delete(run.id)
    for member, us in ((PET, 9000.0), (CHGNET, 7.0)):
        measured = Task(kind="speed", subject=crystal, configuration=member, settings=SpeedSettings())
        jobs.store.put(jobs.key(measured), speed(crystal, us))
        assert jobs.submit(measured, label=member.label).status == "done"
    again = jobs.submit_many(tasks, labels=labels)
    assert again[0].expected == pytest.approx(30 * 8 * 7.0 / 1e6)
    assert [run.label for run in reversed(jobs.runs(kind="relaxation"))] == [labels[place] for place in (0, 2, 3, 1)]
