"""Runs as people asked for them: one question to a whole line-up."""

from collections.abc import Iterable
from dataclasses import dataclass

from mlip_core.jobs.runs import Run

NEARBY = 60.0
"""Seconds within which runs of an earlier version, which noted no question, count as asked for together."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One question, and the newest run of each configuration that it was put to."""

    runs: tuple[Run, ...]
    """At least one; in the order in which the configurations were asked first."""

    @property
    def kind(self) -> str:
        """Name of the calculation."""
        return self.runs[0].kind

    @property
    def subject(self) -> str:
        """What the person called the structure or data set, and its formula or size."""
        newest = max(self.runs, key=lambda run: run.submitted)
        return f"{newest.subject_name} {newest.formula}".strip()

    @property
    def labels(self) -> tuple[str, ...]:
        """The configurations, as shown to people."""
        return tuple(run.label for run in self.runs)

    @property
    def submitted(self) -> float:
        """When it was asked for last, s since 1970."""
        return max(run.submitted for run in self.runs)

    @property
    def active(self) -> bool:
        """Whether one of its runs waits or runs."""
        return any(run.active for run in self.runs)

    @property
    def seconds(self) -> float | None:
        """Time it was computed for so far, over all runs, s; None before the first has started."""
        times = [run.seconds for run in self.runs if run.seconds is not None]
        return sum(times) if times else None

    @property
    def progress(self) -> float:
        """How much of it is done, 0 to 1, each run with the same weight."""
        return sum(_share(run) for run in self.runs) / len(self.runs)


def comparisons(runs: Iterable[Run]) -> list[Comparison]:
    """Put runs of the same question together.

    Parameters
    ----------
    runs : iterable of Run
        In any order.

    Returns
    -------
    list of Comparison
        The one that was asked for last comes first.
    """
    groups: list[list[Run]] = []
    by_question: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.submitted):
        if run.question is not None:
            if run.question not in by_question:
                groups.append(by_question.setdefault(run.question, []))
            by_question[run.question].append(run)
        elif together := next((group for group in reversed(groups) if _belongs(run, group)), None):
            together.append(run)
        else:
            groups.append([run])
    found = [Comparison(runs=_newest_of_each(group)) for group in groups]
    return sorted(found, key=lambda one: one.submitted, reverse=True)


def _belongs(run: Run, group: list[Run]) -> bool:
    """Whether a run without a question was asked for with those of a group."""
    last = group[-1]
    same = (last.question, last.kind, last.fingerprint) == (None, run.kind, run.fingerprint)
    return same and run.submitted - last.submitted < NEARBY and run.label not in [one.label for one in group]


def _newest_of_each(group: list[Run]) -> tuple[Run, ...]:
    newest = {run.label: run for run in group}
    return tuple(newest.values())


def _share(run: Run) -> float:
    if run.status == "done":
        return 1.0
    return min((run.done or 0) / run.total, 1.0) if run.total else 0.0
