"""The page that learns a structure: what it says before, what it refuses, and what one click does at the end."""

import math
import re
from dataclasses import replace

import pytest
from ase.build import bulk

from dashboard import service
from dashboard.views.distillation import price
from dashboard.views.distillation.declaration import figures
from dashboard.views.distillation.figures import Course, learning_figure
from dashboard.views.distillation.page import verdict
from dashboard.widgets import work
from dashboard.widgets.theme import style
from mlip_core import records
from mlip_core.calculations.distillation.costs import LABEL_SECONDS, LEARNING_SECONDS
from mlip_core.configuration import Configuration
from mlip_core.jobs.runs import RunsTable
from mlip_core.jobs.task import Task
from mlip_core.models import entry
from mlip_core.teaching.shipped import light

ADDRESS = {"structure": "gaas", "lineup": "chgnet,pet-demo:conservative"}


def said(app):
    return " ".join(item.value for item in (*app.markdown, *app.caption)).replace("\\", "")


def finished(visitor, answer, **address):
    """Open the page, ask, and give it the answer."""
    app = visitor.open("distillation", **ADDRESS | address)
    for run in visitor.start(app):
        visitor.answer(run, answer("distillation"))
    return visitor.run(app)


def test_before_it_starts_it_says_what_it_takes(visitor):
    app = visitor.open("distillation", **ADDRESS, learn_structures="100", learn_epochs="10")
    assert "124 variants with about" in said(app)
    assert "10 epochs to learn" in said(app)
    assert "on one core of an ordinary machine" in said(app)
    both = visitor.open("distillation", **ADDRESS, learn_unturned="true")
    assert "for each of 2 students" in said(both)
    assert [run.kind for run in visitor.start(both)] == ["distillation"] * 2


def test_what_was_measured_here_tells_the_price(visitor, answer, monkeypatch):
    teacher, record = Configuration(model="sevennet-0"), answer("distillation")
    settings = record.settings
    task = Task(kind="distillation", subject=record.structure, configuration=teacher, settings=settings)
    assert price.speeds(teacher) == (LABEL_SECONDS["sevennet-0"], LEARNING_SECONDS, False)
    monkeypatch.setattr(price, "_finished", lambda kind: [(task, record)] if kind == "distillation" else [])
    assert price.speeds(teacher) == (record.label_seconds_per_atom, record.learning_seconds_per_atom, True)
    other = price.speeds(Configuration(model="chgnet"))
    assert other == (LABEL_SECONDS["chgnet"], record.learning_seconds_per_atom, True)
    assert "as measured on this machine" in price.price(record.structure, [task], teacher)


def test_what_takes_minutes_says_so_once_and_asks_first(visitor, monkeypatch):
    monkeypatch.setattr(work, "LONG", 120.0)
    app = visitor.open("distillation", **ADDRESS, learn_structures="150", learn_epochs="24")
    times = re.findall(r"[Aa]bout \*{0,2}(\d+) min", said(app))
    assert len(times) == 2
    assert len(set(times)) == 1, "the price and the button say the same"
    app.button("learn").click().run()
    assert not service.jobs().runs(limit=None), "it asks first"
    assert f"**About {times[0]} min on this machine**, in the background" in said(app)


def test_two_students_under_way_are_told_apart(visitor):
    app = visitor.open("distillation", **ADDRESS, learn_unturned="true")
    visitor.start(app)
    names = [item.proto.body for item in app.get("html") if "Student" in item.proto.body]
    assert [name.partition("Student ")[2].partition("<")[0] for name in names] == ["turned in training", "never turned"]


def test_what_a_student_is_worth_is_said_in_words(visitor, answer):
    found = answer("distillation")
    good = replace(found.direct, relative=0.08, met=True)
    poor = replace(found.direct, relative=0.31, met=False)
    both, one, none = (
        verdict(replace(found, direct=first, conservative=second))
        for first, second in ((good, good), (poor, good), (poor, poor))
    )
    assert "**a good student**" in both
    assert "direct forces are 8 % off" in both
    assert "**a good student with its conservative forces only**" in one
    assert "**not yet a good student**" in none
    assert "conservative forces are 31 % off" in none


@pytest.mark.parametrize(("structure", "words"), [("large", "at most 200"), ("uranium", "does not know")])
def test_what_cannot_be_learned_is_refused_before_it_is_asked(visitor, structure, words):
    atoms = {"large": bulk("Cu") * (6, 6, 6), "uranium": bulk("Po", "sc", a=3.3)}[structure]
    if structure == "uranium":
        atoms.numbers[:] = 100
    mark = service.jobs().store.put_structure(atoms, "mine")
    app = visitor.open("distillation", structure=mark, lineup="chgnet")
    assert [item.value for item in app.subheader] == ["This structure cannot be learned"]
    assert words in said(app)
    assert not visitor.start(app)


def test_one_click_puts_both_heads_beside_the_teacher(visitor, answer):
    app = finished(visitor, answer)
    app.button("learn-lineup").click()
    visitor.run(app)
    found = answer("distillation")
    members = [Configuration.from_code(code) for code in app.session_state["lineup"].split(",")]
    assert [(member.model, member.forces) for member in members] == [
        ("chgnet", None),  # chosen by the visitor, and knows the structure; pet-demo does not
        ("sevennet-0", None),
        (found.model, None),
        (found.model, "conservative"),
    ]
    assert entry(found.model).default_forces == "direct"
    assert "Both heads are in the line-up" in said(app)


def test_longer_asks_for_more_epochs_of_the_same_student(visitor, answer):
    app = finished(visitor, answer, learn_epochs="10")
    app.button("learn-longer").click()
    visitor.run(app)
    assert app.number_input(key="learn_epochs").value == 25
    runs = service.jobs().runs(limit=None)
    settings = [service.jobs().task(run.id).settings for run in runs]
    assert settings[0] == replace(settings[1], epochs=25)


@pytest.fixture
def travelled(visitor, answer, monkeypatch, tmp_path):
    """Somebody whose only result has come with the program; gives what opens the page and the key of the result."""
    (run,) = visitor.start(visitor.open("distillation", **ADDRESS))
    service.jobs().cancel(run.id)
    path = tmp_path / f"{run.key}.npz"
    records.save(light(answer("distillation")), path)
    monkeypatch.setattr(service, "shipped", lambda: {run.key: path})
    service._shipped.clear()
    return lambda: visitor.open("distillation", **ADDRESS), run.key


def test_a_result_that_came_without_its_student_is_shown_and_says_how_to_get_it(visitor, answer, travelled):
    open_page, key = travelled
    app = open_page()
    assert answer("distillation").model in said(app)
    assert "All results are there" in said(app)
    assert "Learn it here to get the model" in said(app)
    names = {button.key for button in app.button}
    assert "learn-here" in names
    assert not names & {"learn-lineup", "learn-longer"}

    app.button("learn-here").click()
    visitor.run(app)
    (run,) = [run for run in service.jobs().runs(limit=None) if run.active]
    assert run.key == key
    assert "Running" in said(app)
    assert "All results are there" not in said(app), "what is learned here is watched"
    visitor.answer(run, answer("distillation"))
    assert "learn-lineup" in {button.key for button in visitor.run(app).button}


def test_what_cannot_be_learned_here_says_so_though_a_result_came_along(visitor, travelled):
    open_page, _ = travelled
    app = open_page()
    app.button("learn-here").click()
    visitor.run(app)
    (run,) = [run for run in service.jobs().runs(limit=None) if run.active]
    fail(run, "The teacher went home.")
    app.run()
    assert any("The teacher went home." in box.value for box in app.error)


def fail(run, reason):
    """Let a run fail as a worker reports it."""
    table = RunsTable(service.jobs().home)
    assert table.claim(run.id, owner=1, worker="nobody")
    assert table.finish(run.id, "failed", reason)
    table.close()


def test_the_figure_shows_both_heads_and_tells_both_students_apart(answer):
    history = {
        f"{head}{kind}": [0.4, 0.2, 0.1]
        for head in ("direct", "conservative")
        for kind in ("", "_turned", "_rotational")
    }
    turned = Course({"epochs": [0, 1, 2], **history}, 2.0, turned=True, teacher="SevenNet-0")
    figure = learning_figure([turned, replace(turned, turned=False)])
    lines = [trace for trace in figure.data if trace.x is not None and len(trace.x) == 3]
    assert len(lines) == 2 * 2 * 3
    errors = {tuple(trace.y) for trace in lines if trace.yaxis in (None, "y", "y2")}
    assert errors == {(20.0, 10.0, 5.0)}, "percent of the mean force"
    assert {tuple(trace.y) for trace in lines if trace.yaxis == "y3"} == {(40.0, 20.0, 10.0)}
    assert len({(trace.line.color, trace.line.dash) for trace in lines}) == 4
    assert figure.layout.yaxis.type == "log"
    assert {shape.y0 for shape in figure.layout.shapes} == {13, 10}, "a good student's"
    bars = {note.text: note.y for note in figure.layout.annotations if note.text.startswith("good")}
    assert bars == pytest.approx({"good: 13 %": math.log10(13), "good: 10 %": math.log10(10)})
    assert list(figures([(style(0, constrained=True, corrected=False, label="EMT"), answer("distillation"))])) == [
        "Learning"
    ]


def test_times_are_said_in_seconds_or_minutes():
    assert [price.duration(seconds) for seconds in (0.2, 40, 89, 240)] == ["1 s", "40 s", "89 s", "4 min"]
