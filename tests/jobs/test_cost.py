"""What tasks take, estimated: more work takes longer, and what this machine measured counts."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from ase.build import bulk

from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.conservation import ConservationSettings
from mlip_core.calculations.passport import PassportSettings
from mlip_core.calculations.phonons import PhononSettings
from mlip_core.calculations.relaxation import RelaxationSettings
from mlip_core.calculations.rotations import RotationSettings
from mlip_core.calculations.speed import SpeedSettings
from mlip_core.configuration import Configuration
from mlip_core.datasets.stored import StoredDataset
from mlip_core.jobs.cost import (
    LOADING,
    OVERHEAD,
    Pace,
    in_words,
    learned,
    orientations,
    pace_of,
    pace_of_speed,
    seconds,
    together,
    usual_pace,
)
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import catalogue
from mlip_core.structures import library_structure
from mlip_core.symmetry.corrections import Corrections
from mlip_core.symmetry.moving import large_enough

DIRECT = Configuration(model="pet-demo", forces="direct")
CHGNET = Configuration(model="chgnet")
SI = library_structure("si")


def asked(kind, settings, member=DIRECT, subject=SI, **others):
    return Task(kind=kind, subject=subject, configuration=member, settings=settings, **others)


def counted(kind, settings, subject=SI):
    """Predictions that a calculation says it asks for."""
    return sum(part.predictions for part in CALCULATIONS[kind].asks(subject, settings))


def evaluations(kind, answer):
    """Predictions that it did ask for, in the answer of the tests with EMT on four atoms."""
    result = answer(kind)
    return getattr(result, "evaluations", None) or result.n_evaluations


@pytest.mark.parametrize(
    "kind", ["rotational_variance", "correction_cost", "conservation", "passport", "phonons", "equation_of_state"]
)
def test_what_a_calculation_says_it_asks_is_near_what_it_asks(answer, kind):
    result = answer(kind)
    said = counted(kind, result.settings, bulk("Al", a=4.0, cubic=True))
    assert said == pytest.approx(
        evaluations(kind, answer) if kind != "correction_cost" else _all_points(result), rel=0.35
    )


def _all_points(result):
    return result.settings.n_probes * sum(point.evaluations for point in result.points)


def test_twice_the_predictions_take_twice_as_long():
    pace = {DIRECT.code: Pace(0.0, 0.001)}
    own = CALCULATIONS["rotational_variance"].own_seconds
    once, twice = (
        seconds(asked("rotational_variance", RotationSettings(grid=grid, n_angles=0), subject=large_enough(SI)), pace)
        - own
        for grid in ("tetrahedral", "octahedral")
    )
    assert once == pytest.approx(24 * 8 * 0.001)
    assert twice == pytest.approx(2 * once)


def test_a_relaxation_before_counts_unless_it_is_stored():
    first = asked("relaxation", RelaxationSettings(cell="full"))
    task = asked("phonons", PhononSettings(supercell_matrix=(2, 2, 2)), before={"relaxation": first})
    assert seconds(task) == pytest.approx(seconds(replace(task, before={})) + seconds(first))
    assert seconds(task, stored=lambda one: one is first) == pytest.approx(seconds(replace(task, before={})))


def test_full_displacements_are_six_an_atom():
    assert counted("phonons", PhononSettings(supercell_matrix=(2, 2, 2), displacements="full")) == 13
    assert counted("phonons", PhononSettings(supercell_matrix=(2, 2, 2))) < 13


def test_speed_ends_when_its_time_is_over():
    slow = {DIRECT.code: Pace(1.0, 1.0)}
    task = asked("speed", SpeedSettings(seconds=5.0))
    assert seconds(task, slow) == pytest.approx(5.0 + CALCULATIONS["speed"].own_seconds)


def test_data_take_as_long_as_their_structures():
    settings = CALCULATIONS["force_errors"].settings()
    data = StoredDataset(file="a/b", sha256="0", n_structures=100, n_atoms=800)
    few = replace(data, n_structures=50, n_atoms=400)
    own = CALCULATIONS["force_errors"].own_seconds
    took = [seconds(asked("force_errors", settings, subject=one)) - own for one in (data, few)]
    assert took[0] == pytest.approx(2 * took[1])


def test_a_kind_that_is_not_known_takes_something():
    assert seconds(replace(asked("passport", PassportSettings()), kind="toys")) == OVERHEAD


def test_corrections_cost_what_they_average():
    corrections = Corrections(rotations="octahedral", inversion=True)
    assert orientations(corrections) == 48
    assert orientations(Corrections(rotations="random-frame")) == 1
    corrected = replace(DIRECT, corrections=corrections)
    assert usual_pace(corrected).atom == pytest.approx(48 * usual_pace(DIRECT).atom)


def test_every_model_has_a_usual_pace():
    for item in catalogue():
        for forces in item.forces:
            pace = usual_pace(Configuration(model=item.name, forces=forces))
            assert 0 < pace.atom < 1


def test_a_machine_three_times_slower_is_noticed():
    tasks = [asked("conservation", ConservationSettings(), member) for member in (DIRECT, CHGNET)]
    took = [(task, 3 * (seconds(task) + LOADING / 2)) for task in tasks]
    known = learned(took)
    assert known[DIRECT.code].atom == pytest.approx(3 * usual_pace(DIRECT).atom)
    other = Configuration(model="sevennet-0")
    assert pace_of(other, known).atom == pytest.approx(3 * usual_pace(other).atom)
    assert learned([]) == {}


def test_a_measured_speed_is_taken_as_it_is():
    timings = tuple(SimpleNamespace(n_atoms=n, wall=0.01 + 0.002 * n) for n in (8, 1000))
    pace = pace_of_speed(SimpleNamespace(one_by_one=timings))
    assert pace.atom == pytest.approx(0.002, rel=0.01)
    assert pace.call == pytest.approx(0.01, rel=0.01)
    assert learned([], {DIRECT.code: pace}) == {DIRECT.code: pace}
    assert pace_of_speed(SimpleNamespace(one_by_one=())) is None


def test_workers_share_what_does_not_measure_time():
    tasks = [asked("conservation", ConservationSettings(), member) for member in (DIRECT, CHGNET)] * 2
    alone = asked("speed", SpeedSettings(seconds=5.0))
    one, two = (together(tasks, workers) for workers in (1, 2))
    assert one == pytest.approx(2 * two)
    assert together([*tasks, alone], 2) == pytest.approx(two + seconds(alone))
    assert together([], 2) == 0


@pytest.mark.parametrize(
    ("estimate", "words"),
    [(0.2, "about 1 s"), (14, "about 14 s"), (47, "about 50 s"), (170, "about 3 min"), (9000, "about 2.5 h")],
)
def test_an_estimate_in_words(estimate, words):
    assert in_words(estimate) == words
