"""What a step costs each configuration, quoted from what the Speed page measured, and where from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

import streamlit as st
from ase import Atoms

from dashboard.service import jobs, result, task_of
from dashboard.widgets.frame import plain
from dashboard.widgets.navigation import link
from mlip_core.calculations.speed.record import Speed, Timing
from mlip_core.configuration import Configuration
from mlip_core.errors import MlipError
from mlip_core.jobs.runs import Run
from mlip_core.jobs.task import Task
from mlip_core.structures import fingerprint

MOST_RUNS = 200
"""Measurements that are looked through, the newest."""
NONE = "–"
"""Stands where nothing was measured."""
COLUMN = st.column_config.TextColumn(
    "cost (μs/atom)",
    alignment="right",
    help="Wall time of a step (energy and forces) over the number of atoms, as the Speed page measured it.",
)


@dataclass(frozen=True)
class Cost:
    """What one step costs one configuration."""

    timing: Timing
    """Of one structure a call, at the size nearest to the one asked about."""
    speed: Speed
    """The measurement that it belongs to."""
    of: str
    """Name of the structure that was measured."""
    elsewhere: bool
    """Whether another structure is chosen."""

    @property
    def us_per_atom(self) -> str:
        """Wall time over the number of atoms, μs, with three digits."""
        return digits(self.timing.us_per_atom)

    @property
    def step(self) -> str:
        """Cost of an atom and of a step in words."""
        return f"{self.us_per_atom} μs/atom, {digits(1e3 * self.timing.wall)} ms a step"

    @property
    def whence(self) -> str:
        """Say how and on what it was measured."""
        threads = self.speed.threads or 1
        return (
            ("disturbed by other programs" if self.speed.disturbed else "alone on the machine")
            + f", {self.timing.n_atoms:,} atoms of {self.of}, one by one"
            + f", {threads} threads" * (threads > 1)
            + "; the chosen structure was not measured" * self.elsewhere
        )


def costs(structure: Atoms | None, n_atoms: float, members: Iterable[Configuration]) -> dict[Configuration, Cost]:
    """Find what was measured of each configuration, without asking for anything.

    Parameters
    ----------
    structure : Atoms or None
        Measurements of it go before those of others; among others, those of the nearest: as many periodic directions,
        the same elements, the most similar number of atoms a volume, the newest. None takes the newest.
    n_atoms : float
        The measured size nearest to this number of atoms is quoted.
    members : iterable of Configuration

    Returns
    -------
    dict of Configuration to Cost
        Without those of which nothing is stored, or only what another version of program or model gave.
    """
    asked = [(run, task) for run in _measurements() if (task := task_of(run.id)) is not None]
    mark = None if structure is None else fingerprint(structure)
    found = {}
    for member in members:
        its = [(run, task) for run, task in asked if task.configuration == member]
        same = [(run, task) for run, task in its if run.fingerprint == mark]
        others = [(run, task) for run, task in its if run.fingerprint != mark]
        if structure is not None:
            others.sort(key=lambda pair: unlikeness(pair[1].subject, structure))
        quoted = next(filter(None, (_quoted(run, task, mark, n_atoms) for run, task in [*same, *others])), None)
        if quoted is not None:
            found[member] = quoted
    return found


def unlikeness(measured: Atoms, chosen: Atoms) -> tuple[int, bool, float]:
    """Return how far one structure's cost may be from another's: the smaller, the nearer."""
    density = [len(atoms) / atoms.cell.volume if atoms.pbc.all() else 1.0 for atoms in (measured, chosen)]
    return (
        abs(int(measured.pbc.sum()) - int(chosen.pbc.sum())),
        set(measured.numbers) != set(chosen.numbers),
        abs(log(density[0] / density[1])),
    )


def digits(value: float) -> str:
    """Write a positive number with three digits, and none of them as an exponent."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:.3g}"


def say_whence(found: dict[Configuration, Cost], members: Sequence[Configuration]) -> None:
    """Say under a table where its costs are from; where one is missing, lead to the page that measures it."""
    sources: dict[str, list[str]] = {}
    for member in members:
        if member in found:
            sources.setdefault(found[member].whence, []).append(member.label)
    for whence, labels in sources.items():
        whose = "" if len(labels) == len(members) else f" of {plain(', '.join(labels))}"
        st.caption(f"Cost{whose}: {plain(whence)}.")
    if any(member not in found for member in members):
        link("speed", "Measure the cost that is missing (–)")


def _measurements() -> list[Run]:
    return jobs().runs(limit=MOST_RUNS, status="done", kind="speed")


def _quoted(run: Run, task: Task, mark: str | None, n_atoms: float) -> Cost | None:
    """Return what a run measured at the nearest size; None where it is gone, or of another version."""
    try:
        if jobs().key(task) != run.key:
            return None
    except MlipError:  # its weights are gone
        return None
    speed = result(run.key)
    if speed is None or not speed.one_by_one:
        return None
    nearest = min(speed.one_by_one, key=lambda timing: abs(log(timing.n_atoms / n_atoms)))
    return Cost(nearest, speed, run.subject_name or run.formula, mark not in (None, run.fingerprint))
