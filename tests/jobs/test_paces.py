"""A line-up is asked the shortest first, by the speed that was measured here or the usual one."""

from ase.build import bulk

from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.calculations.speed.record import Speed, Timing
from mlip_core.calculations.speed.settings import SpeedSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task

CHGNET = Configuration(model="chgnet")
PET = Configuration(model="pet-demo", forces="direct")
CONSERVATIVE = Configuration(model="pet-demo", forces="conservative")
SEVENNET = Configuration(model="sevennet-0")


def speed(crystal, us):
    """Measured: so many μs an atom, whatever the size."""
    timing = {"n_structures": 1, "n_calls": 5, "wall_range": (0.0, 1.0)}
    timings = tuple(Timing(n_atoms=n, wall=us * n / 1e6, processor=us * n / 1e6, **timing) for n in (8, 64))
    about = {"processor": "", "device": "cpu", "dtype": "float32", "threads": 1, "omp_num_threads": "", "packages": {}}
    return Speed(
        model="", structure=crystal, settings=SpeedSettings(), timings=timings, **about, others=0.0, disturbed=False, notes=(), seconds=1.0
    )  # fmt: skip


def in_turn(jobs, kind):
    """Labels of the runs in the order in which they were submitted."""
    return [run.label for run in reversed(jobs.runs(kind=kind))]


def test_members_are_asked_by_the_speed_that_was_measured_here(jobs):
    crystal = bulk("Si", cubic=True)
    tasks = [
        Task(kind="relaxation", subject=crystal, configuration=member, settings=RelaxationSettings())
        for member in (CHGNET, PET, CONSERVATIVE, SEVENNET)
    ]
    labels = [task.configuration.label for task in tasks]
    usual = jobs.submit_many(tasks, labels=labels)
    assert [run.label for run in usual] == labels, "returned in the order asked for"
    assert in_turn(jobs, "relaxation") == [member.label for member in (PET, CONSERVATIVE, CHGNET, SEVENNET)]
    for run in usual:
        jobs.cancel(run.id)
        jobs.delete(run.id)
    for member, us in ((PET, 90_000.0), (CHGNET, 7.0)):
        measured = Task(kind="speed", subject=crystal, configuration=member, settings=SpeedSettings())
        jobs.store.put(jobs.key(measured), speed(crystal, us))
        assert jobs.submit(measured, label=member.label).status == "done"
    jobs.submit_many(tasks, labels=labels)
    assert in_turn(jobs, "relaxation") == [member.label for member in (CHGNET, CONSERVATIVE, SEVENNET, PET)]
