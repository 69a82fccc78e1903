"""Runs are listed as people asked for them: a question to a line-up is one row."""

from dataclasses import replace
from itertools import count

from ase.build import bulk
from sqlalchemy import create_engine, text

from mlip_core.calculations.conservation.calculation import ConservationSettings
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.comparisons import NEARBY, comparisons
from mlip_core.jobs.runs import Run, RunsTable
from mlip_core.jobs.task import Task

NUMBERS = count()


def run(label, *, question="q", submitted=0.0, status="done", kind="relaxation", **others):
    number = f"{next(NUMBERS):016x}"
    return Run(
        id=number, key=number * 4, kind=kind, label=label, subject_name="silicon", fingerprint="f" * 32,
        formula="Si", status=status, submitted=submitted, question=question, **others,
    )  # fmt: skip


def test_runs_of_one_question_are_one_comparison_in_the_order_asked():
    found = comparisons([run("b", submitted=2.0), run("a", submitted=1.0), run("c", question="other", submitted=3.0)])
    assert [one.labels for one in found] == [("c",), ("a", "b")]
    assert found[1].submitted == 2.0
    assert found[1].subject == "silicon Si"


def test_the_newest_run_of_a_configuration_counts():
    failed, again = run("a", submitted=1.0, status="failed"), run("a", submitted=5.0)
    (found,) = comparisons([again, failed, run("b", submitted=2.0)])
    assert found.labels == ("a", "b")
    assert found.runs[0] is again


def test_runs_without_a_question_belong_together_when_asked_together():
    first = [run("a", question=None, submitted=0.0), run("b", question=None, submitted=1.0)]
    later = [run("a", question=None, submitted=2 * NEARBY)]
    again = [run("b", question=None, submitted=2 * NEARBY + 1), run("b", question=None, submitted=2 * NEARBY + 2)]
    found = comparisons([*first, *later, *again, run("c", kind="phonons", question=None, submitted=1.5)])
    assert sorted(one.labels for one in found) == [("a", "b"), ("a", "b"), ("b",), ("c",)]


def test_progress_and_time_are_those_of_all_runs():
    (found,) = comparisons(
        [run("a", started=10.0, finished=14.0), run("b", status="failed", started=10.0, finished=11.0, done=1, total=4)]
    )
    assert found.progress == (1 + 0.25) / 2
    assert found.seconds == 5.0
    assert not found.active


def test_a_question_does_not_depend_on_who_answers_but_on_all_else():
    task = Task(
        kind="relaxation",
        subject=bulk("Si"),
        configuration=Configuration(model="chgnet"),
        settings=RelaxationSettings(),
    )
    assert task.question() == replace(task, configuration=Configuration(model="sevennet-0")).question()
    others = [
        replace(task, settings=RelaxationSettings(steps=7)),
        replace(task, subject=bulk("Ge")),
        replace(task, kind="phonons"),
        replace(task, before={"relaxation": task}),
        replace(task, other=Configuration(model="chgnet")),
        replace(task, reference=bulk("Si")),
    ]
    assert len({one.question() for one in [task, *others]}) == 1 + len(others)


def test_the_other_head_of_a_model_belongs_to_who_answers():
    members = [Configuration(model="pet-demo", forces="direct"), Configuration(model="chgnet")]
    asked = [
        Task(
            kind="conservation",
            subject=bulk("Si"),
            configuration=member,
            settings=ConservationSettings(),
            other=member.other_head,
        )
        for member in members
    ]
    assert asked[0].other is not None
    assert len({task.question() for task in asked}) == 1


def test_a_table_of_an_earlier_version_gets_the_new_column(tmp_path):
    table = RunsTable(tmp_path)
    table.add(run("a"))
    table.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'runs-1.sqlite'}")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE runs DROP COLUMN question"))
    engine.dispose()
    table = RunsTable(tmp_path)
    assert [one.question for one in table.list(limit=None)] == [None]
    table.add(run("b"))
    assert {one.question for one in table.list(limit=None)} == {None, "q"}
    table.close()
