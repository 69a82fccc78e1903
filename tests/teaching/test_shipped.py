"""Results that come with the program answer the questions that they were computed for, whatever has changed since."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from mlip_core import records
from mlip_core.calculations.distillation.publishing import at_hand, install
from mlip_core.calculations.passport import PassportSettings
from mlip_core.calculations.relaxation import RelaxationSettings, relax
from mlip_core.configuration import Configuration
from mlip_core.errors import CalculationError
from mlip_core.jobs.store import Store
from mlip_core.jobs.task import Task
from mlip_core.models import load_model
from mlip_core.structures import library_structure
from mlip_core.summary.questions import questions
from mlip_core.teaching import __main__ as command
from mlip_core.teaching.__main__ import LIMIT
from mlip_core.teaching.examples import example_tasks, examples
from mlip_core.teaching.lessons import lessons
from mlip_core.teaching.shipped import RESULT, TASK, current, pack, shipped, shipped_folder

MEMBER = Configuration(model="pet-demo")


@pytest.fixture(scope="module")
def finished():
    structure = bulk("Si")
    task = Task(kind="relaxation", subject=structure, configuration=MEMBER, settings=RelaxationSettings(steps=1))
    return task, relax(structure, load_model("pet-demo"), task.settings)


def test_what_was_packed_is_found_by_the_question(finished, tmp_path):
    task, result = finished
    store = Store(tmp_path / "home")
    store.put(task.key(), result)
    size = pack([task], store, tmp_path / "shipped")
    found = shipped(tmp_path / "shipped")
    assert list(found) == [task.key()]
    assert np.array_equal(records.load(found[task.key()]).energies, result.energies)
    assert size == sum(path.stat().st_size for path in (tmp_path / "shipped").iterdir()) > 0


def test_a_result_of_older_code_still_answers_and_is_known_to_be_older(finished, tmp_path):
    task, result = finished
    for ending, record in ((TASK, task), (RESULT, result)):
        records.save(record, tmp_path / f"{'0' * 64}{ending}")
    ((key, path),) = shipped(tmp_path).items()
    assert key == task.key() != path.stem
    assert current(tmp_path) == {}


def test_a_question_to_a_model_that_is_gone_is_left_out(finished, tmp_path):
    gone = Task(
        kind="passport", subject=bulk("Si"), configuration=Configuration(model="gone.pt"), settings=PassportSettings()
    )
    records.save(gone, tmp_path / f"{'1' * 64}{TASK}")
    assert shipped(tmp_path) == {}


def test_only_what_is_not_there_is_computed(finished, tmp_path, monkeypatch):
    task, result = finished
    other = replace(task, settings=replace(task.settings, steps=2))
    old = replace(task, settings=replace(task.settings, steps=3))
    folder, asked = tmp_path / "shipped", []
    store = Store(tmp_path / "home")
    for known in (task, old):
        store.put(known.key(), result)
    pack([task, old], store, folder)
    before = (folder / f"{task.key()}{RESULT}").stat()

    monkeypatch.setenv("MLIP_DASHBOARD_HOME", str(tmp_path / "mine"))  # the command sets it: put back afterwards
    monkeypatch.setattr(command, "example_tasks", lambda: [task, other])
    monkeypatch.setattr(command, "lessons", tuple)
    monkeypatch.setattr(command, "shipped_folder", lambda: folder)
    monkeypatch.setattr(command, "current", lambda: current(folder))
    monkeypatch.setattr(Task, "run", lambda self, **given: asked.append(self.settings.steps) or result)
    monkeypatch.setattr(sys, "argv", ["teaching", "--folder", str(tmp_path / "between")])
    command.main()
    assert asked == [2]
    assert set(current(folder)) == {task.key(), other.key()}, "what nobody asks for any more is taken away"
    after = (folder / f"{task.key()}{RESULT}").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns), "left as it was"
    assert not (tmp_path / "mine").exists(), "nothing is left in a person's own folder"


def test_a_student_stays_here_when_its_result_travels(answer, home, tmp_path):
    student, store = answer("distillation"), Store(tmp_path / "between")
    task = Task(
        kind="distillation", subject=bulk("Al"), configuration=Configuration(model="chgnet"), settings=student.settings
    )
    store.put(task.key(), student)
    size = pack([task], store, tmp_path / "shipped")
    assert size < 100_000 < len(student.weights)
    travelled = records.load(shipped(tmp_path / "shipped")[task.key()])
    assert np.array_equal(travelled.history.direct, student.history.direct)
    assert travelled.direct == student.direct
    assert len(store.get(task.key()).weights) == len(student.weights)

    assert at_hand(student)
    assert not at_hand(travelled)
    with pytest.raises(CalculationError, match="Learn the structure here"):
        install(travelled)
    assert not list((home / "models").glob("*"))
    install(student)
    assert at_hand(travelled), "it has been learned here"
    (home / "models" / f"{student.model}.pt").unlink()
    assert not at_hand(travelled), "a card alone is no model"


def test_every_example_and_lesson_has_its_answers():
    asked = {task.key() for task in example_tasks()}
    asked |= {task.key() for lesson in lessons() for step in lesson.steps for task in step.tasks}
    assert asked == set(shipped())
    assert sum(path.stat().st_size for path in shipped_folder().iterdir()) <= LIMIT


def test_the_numbers_of_the_lessons_are_those_that_came_with_the_program():
    answers = shipped()
    for lesson in lessons():
        for step in lesson.steps:
            for one in step.expected:
                value = one.found(step.kind, records.load(answers[one.task.key()]))
                assert value is not None
                assert one.holds(value), f"{lesson.id}, {one.name}: {value:.3g} {one.unit}"


def test_an_answer_that_came_with_the_program_is_the_one_computed_here():
    """A cheap one of silicon's, computed again."""
    members = [MEMBER]
    task = questions(library_structure("si"), members)["relaxation"][MEMBER]
    known = next(records.load(path) for key, path in shipped().items() if key == _of_direct(task).key())
    again = _of_direct(task).run()
    assert again.n_steps == known.n_steps
    assert np.allclose(again.energies, known.energies, atol=1e-4)


def _of_direct(task):
    return replace(task, configuration=Configuration(model="pet-demo", forces="direct"))


def test_the_examples_open_pages_that_are_there():
    assert len(examples()) == 3
    assert {example.page for example in examples()}
