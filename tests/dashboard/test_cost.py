"""What a step costs is quoted from stored measurements: of the chosen structure or the nearest, and said where from."""

from dataclasses import replace

import pytest
from ase import Atoms
from ase.build import bulk, molecule

from dashboard import service
from dashboard.views import page_of
from dashboard.widgets.cost import NONE, costs, digits, unlikeness
from mlip_core.calculations.speed import SpeedSettings
from mlip_core.calculations.speed.record import Timing
from mlip_core.configuration import Configuration
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.task import Task
from mlip_core.structures import library_structure

DIRECT = Configuration(model="pet-demo", forces="direct")
CONSERVATIVE = Configuration(model="pet-demo", forces="conservative")


def timing(n_atoms, n_structures, us_per_atom):
    wall = 1e-6 * us_per_atom * n_atoms
    return Timing(
        n_atoms=n_atoms, n_structures=n_structures, n_calls=5, wall=wall, wall_range=(wall, wall), processor=wall / 3
    )


@pytest.fixture
def measure(visitor, answer):
    """Keep a measurement as the Speed page does: 8 atoms cost twice as much as 64, batches a tenth."""

    def keep(structure, member, us_per_atom, name="", **others):
        task = Task(kind="speed", subject=structure, configuration=member, settings=SpeedSettings())
        sizes = ((8, 2.0), (64, 1.0))
        timings = [timing(n, k, us_per_atom * f / (10 if k > 1 else 1)) for n, f in sizes for k in (1, 4)]
        record = replace(answer("speed"), **{"timings": tuple(timings), "disturbed": False, "threads": 1} | others)
        service.jobs().store.put(service.jobs().key(task), record)
        return service.jobs().submit(task, subject_name=name)

    return keep


def test_the_size_nearest_to_the_structure_is_quoted_with_where_it_is_from(measure):
    si = bulk("Si")
    measure(si, DIRECT, 123.4, "silicon")
    small, large = (costs(si, n, [DIRECT, CONSERVATIVE]) for n in (2, 100))
    assert list(small) == list(large) == [DIRECT]
    assert small[DIRECT].step == "247 μs/atom, 1.97 ms a step"
    assert large[DIRECT].step == "123 μs/atom, 7.9 ms a step"
    assert large[DIRECT].whence == "alone on the machine, 64 atoms of silicon, one by one"


def test_what_a_reader_must_know_is_said(measure):
    measure(bulk("Si"), DIRECT, 100, disturbed=True, threads=2)
    said = costs(bulk("Ge"), 64, [DIRECT])[DIRECT].whence
    assert said.startswith("disturbed by other programs, 64 atoms of Si₂, one by one, 2 threads")
    assert said.endswith("the chosen structure was not measured")
    assert not costs(None, 64, [DIRECT])[DIRECT].elsewhere, "no structure is chosen"


def test_the_chosen_structure_goes_before_others_and_the_nearest_before_the_rest(measure):
    chosen = bulk("Si")
    denser = bulk("Si", a=5.0)
    denser_still = bulk("Si", a=4.5)
    for k, structure in enumerate((molecule("H2O"), denser, denser_still, bulk("Al")), 1):
        measure(structure, DIRECT, 100.0 * k, str(k))
    assert costs(chosen, 64, [DIRECT])[DIRECT].of == "2"
    measure(chosen, DIRECT, 900, "chosen")
    found = costs(chosen, 64, [DIRECT])[DIRECT]
    assert (found.of, found.elsewhere, found.us_per_atom) == ("chosen", False, "900")
    assert costs(None, 64, [DIRECT])[DIRECT].of == "chosen", "the newest"


def test_unlikeness_counts_directions_then_elements_then_density():
    chosen = bulk("Si")
    slab = chosen.copy()
    slab.pbc = [True, True, False]
    order = [chosen, bulk("Si", a=5.0), bulk("Al"), slab, molecule("H2O")]
    mixed = [order[place] for place in (3, 1, 4, 0, 2)]
    assert sorted(mixed, key=lambda atoms: unlikeness(atoms, chosen)) == order
    assert unlikeness(bulk("Si", a=5.43 / 2), bulk("Si", a=5.43))[2] == pytest.approx(2.0794415)  # ln 8
    assert unlikeness(Atoms("H"), molecule("H2O")) == (0, True, 0.0)


def test_what_was_deleted_is_not_quoted_and_what_was_measured_anew_is(measure):
    run = measure(bulk("Si"), DIRECT, 100)
    assert costs(bulk("Si"), 64, [DIRECT])[DIRECT].us_per_atom == "100"
    service.jobs().delete(run.id)
    assert costs(bulk("Si"), 64, [DIRECT]) == {}
    measure(bulk("Si"), DIRECT, 300)
    assert costs(bulk("Si"), 64, [DIRECT])[DIRECT].us_per_atom == "300"


def test_a_measurement_of_another_version_of_the_model_is_not_quoted(measure, monkeypatch):
    measure(bulk("Si"), DIRECT, 100)
    monkeypatch.setattr(Jobs, "key", lambda self, task: "ab" * 32)
    assert costs(bulk("Si"), 64, [DIRECT]) == {}


def test_asking_again_reads_no_file_of_the_store(measure, monkeypatch):
    for a in (5.3, 5.4, 5.5):
        for member in (DIRECT, CONSERVATIVE):
            measure(bulk("Si", a=a), member, 100)
    first = costs(bulk("Si"), 64, [DIRECT, CONSERVATIVE])

    def nothing(*_):
        raise AssertionError("a file was read again")

    monkeypatch.setattr(Jobs, "task", nothing)
    monkeypatch.setattr(Jobs, "result", nothing)
    assert costs(bulk("Si"), 64, [DIRECT, CONSERVATIVE]) == first


@pytest.mark.parametrize(
    ("value", "text"), [(1664, "1,660"), (221.4, "221"), (99.96, "100"), (7.896, "7.9"), (0.01234, "0.0123")]
)
def test_three_digits_without_an_exponent(value, text):
    assert digits(value) == text


def test_the_line_up_shows_what_a_step_costs_or_the_way_to_measure_it(visitor, measure):
    address = {"structure": "si", "lineup": "pet-demo:direct,pet-demo:conservative"}
    app = visitor.open("lineup", **address)
    assert [text for text in captions(app) if text.startswith("**Cost**")] == ["**Cost** not measured yet"] * 2
    assert "Measure the cost that is missing" in links(app)
    for member, us_per_atom in ((DIRECT, 200), (CONSERVATIVE, 440)):
        measure(library_structure("si"), member, us_per_atom, "Silicon")
    shown = [text for text in captions(visitor.run(app)) if text.startswith("**Cost**")]
    assert [text.split(" (")[0] for text in shown] == [
        "**Cost** 400 μs/atom, 3.2 ms a step",
        "**Cost** 880 μs/atom, 7.04 ms a step",
    ]
    assert all("alone on the machine, 8 atoms of Silicon, one by one" in text for text in shown)
    assert "Measure the cost that is missing" not in links(app)


@pytest.mark.parametrize("kind", ["rotational_variance", "force_errors"])
def test_tables_have_a_column_of_costs(visitor, measure, answer, labelled_file, kind):
    data = service.shelf().bring(labelled_file, "labelled.extxyz")
    app = visitor.open(page_of(kind), structure="al", data=data, lineup="pet-demo:direct,pet-demo:conservative")
    for run in visitor.start(app):
        if run.kind == kind:
            visitor.answer(run, answer(kind))
    assert column(visitor.run(app)) == [NONE, NONE]
    assert "Measure the cost that is missing (–)" in links(app)
    measure(library_structure("al"), CONSERVATIVE, 440, "Aluminium")
    assert column(visitor.run(app)) == [NONE, "880"]
    said = "Cost of PET demo · conservative: alone on the machine, 8 atoms of Aluminium, one by one."
    assert said in captions(app)


def column(app):
    """Costs in a table of the page, whichever kind of table it is."""
    names = ("cost", "Cost (μs/atom)")
    frames = [item.value for item in (*app.dataframe, *app.table)]
    return next(list(frame[name]) for frame in frames for name in names if name in frame)


def captions(app):
    return [item.value.replace("\\", "") for item in app.caption]


def links(app):
    return [item.proto.label for item in app.get("page_link")]
