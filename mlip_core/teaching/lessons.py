"""Lessons: a question, steps with real calculations, what to expect, what to conclude. Data, not code.

A lesson is a YAML file under ``assets/lessons``. Each step asks one calculation of a structure and a line-up;
what it expects is read off the calculation's own summary, so that the numbers of a lesson are those that a person takes
along as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml
from ase import Atoms

from mlip_core.assets import asset
from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.conservation import Loop
from mlip_core.configuration import Configuration
from mlip_core.errors import SettingsError
from mlip_core.jobs.task import Task
from mlip_core.structures import library_structure, standardise
from mlip_core.symmetry.moving import large_enough

NESTED = {"loop": Loop}
"""Settings that are records themselves."""
SUBJECTS = {"as it is": lambda atoms: atoms, "repeated": large_enough, "standard": standardise}
"""What a step does with the library's structure before it asks."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One number that a lesson wants looked at, and where it should lie."""

    task: Task
    """Whose result: one of the step's."""
    value: str
    """Name of the number in the summary of the calculation."""
    times: float
    """Factor from the summary's unit to :attr:`unit`."""
    unit: str
    """Unit in which it is shown; "" without one."""
    low: float
    """Least that is expected, in :attr:`unit`."""
    high: float
    """Most that is expected, in :attr:`unit`."""
    name: str
    """What it is, in a few words."""

    @property
    def member(self) -> Configuration:
        """With what it is computed."""
        return self.task.configuration

    def found(self, kind: str, result: Any) -> float | None:
        """Return the number of a result in :attr:`unit`, without its sign; None where it was not measured."""
        value = CALCULATIONS[kind].summary(result)[self.value]
        return None if value is None else abs(float(value)) * self.times  # type: ignore[arg-type]

    def holds(self, value: float) -> bool:
        """Whether a number lies where it should."""
        return self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Step:
    """One calculation with the whole line-up of the lesson, and what to see in it."""

    do: str
    """What to do, Markdown."""
    look: str
    """What to look at, Markdown."""
    structure: str
    """Name of the structure in the library."""
    tasks: tuple[Task, ...]
    """What is asked: one a member, or several that differ in their settings."""
    expected: tuple[Expected, ...]
    """What should come out."""
    view: Mapping[str, Any] = field(default_factory=dict)
    """How its page shows the results: name of a choice there → what is chosen."""
    again: bool = False
    """Whether it looks once more at what the step before asked."""

    @property
    def kind(self) -> str:
        """Name of the calculation."""
        return self.tasks[0].kind

    @property
    def members(self) -> tuple[Configuration, ...]:
        """The line-up."""
        return tuple(dict.fromkeys(task.configuration for task in self.tasks))


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One question, and the way to its answer."""

    id: str
    """Name of its file and in addresses."""
    title: str
    """The question."""
    why: str
    """Why one should ask it, Markdown."""
    steps: tuple[Step, ...]
    """In order."""
    conclude: str
    """What follows, Markdown."""
    asks: str
    """A question back to the reader, Markdown."""
    answer: str
    """Its answer, Markdown."""


@lru_cache(maxsize=1)
def lessons() -> tuple[Lesson, ...]:
    """Return the lessons, in the order of their files' names."""
    return tuple(read_lesson(path.stem) for path in sorted(asset("lessons").glob("*.yaml")))


def read_lesson(id: str) -> Lesson:
    """Return one lesson.

    Parameters
    ----------
    id : str
        Name of its file without ending.

    Raises
    ------
    SettingsError
        If it names a configuration that does not exist, or something that a calculation does not take.
    """
    data = yaml.safe_load(asset("lessons", f"{id}.yaml").read_text(encoding="utf-8"))
    common = {name: data.pop(name) for name in ("structure", "lineup")}
    steps: list[Step] = []
    for row in data.pop("steps"):
        steps.append(_step({**common, **row}, steps[-1].tasks if "ask" not in row else None))
    return Lesson(id=id, steps=tuple(steps), **data)


def _step(data: Mapping[str, Any], before: tuple[Task, ...] | None) -> Step:
    tasks = before or _tasks(data["ask"], data["structure"], [_member(code) for code in data["lineup"]])
    return Step(
        do=data["do"],
        look=data["look"],
        structure=data["structure"],
        tasks=tasks,
        view=data.get("view", {}),
        again=before is not None,
        expected=tuple(_expected(row, tasks) for row in data.get("expect", ())),
    )


def _tasks(ask: Mapping[str, Any], structure: str, members: Sequence[Configuration]) -> tuple[Task, ...]:
    """Ask every member; where ``each`` lists settings, once with each of them."""
    atoms = SUBJECTS[ask.get("of", "as it is")](library_structure(structure))
    return tuple(
        _task(ask, atoms, member, {**ask.get("settings", {}), **own})
        for member in members
        for own in ask.get("each", ({},))
    )


def _task(ask: Mapping[str, Any], atoms: Atoms, member: Configuration, settings: Mapping[str, Any]) -> Task:
    return Task(
        kind=ask["kind"],
        subject=atoms,
        configuration=member,
        settings=_settings(ask["kind"], settings),
        before={
            keyword: Task(kind=keyword, subject=atoms, configuration=member, settings=_settings(keyword, earlier))
            for keyword, earlier in ask.get("before", {}).items()
        },
        reference=atoms if CALCULATIONS[ask["kind"]].reference else None,
        other=member.other_head if ask.get("other") == "head" else None,
    )


def _settings(kind: str, values: Mapping[str, Any]) -> Any:
    """Make the settings record of a calculation of plain data."""
    known = {name: NESTED[name](**_plain(value)) if name in NESTED else value for name, value in values.items()}
    return CALCULATIONS[kind].settings(**_plain(known))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
        for name, value in values.items()
    }


def _expected(row: Mapping[str, Any], tasks: Sequence[Task]) -> Expected:
    low, high = row["between"]
    return Expected(
        task=_whose(row, tasks),
        value=row["value"],
        times=float(row.get("times", 1)),
        unit=row.get("unit", ""),
        low=float(low),
        high=float(high),
        name=row["name"],
    )


def _whose(row: Mapping[str, Any], tasks: Sequence[Task]) -> Task:
    """Find the task that an expectation is about: by its member, and by the settings that ``with`` names."""
    member, own = _member(row["of"]), row.get("with", {})
    found = [
        task
        for task in tasks
        if task.configuration == member and all(getattr(task.settings, name) == value for name, value in own.items())
    ]
    if len(found) != 1:
        raise SettingsError(f"a lesson expects {row['name']!r} of one of its tasks; {len(found)} are of that kind")
    return found[0]


def _member(code: str) -> Configuration:
    member = Configuration.from_code(code)
    if member is None:
        raise SettingsError(f"a lesson names {code!r}, which is no configuration of the catalogue")
    return member
