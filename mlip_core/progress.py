"""How long work tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Callable given to long functions as ``progress=``.

    It may raise (:class:`mlip_core.errors.Cancelled`) to stop the work.
    """

    def __call__(self, done: int, total: int | None, **values: object) -> None:
        """Report a step.

        Parameters
        ----------
        done, total : int
            Steps finished, and in all where that is known.
        **values
            What may be shown while the work runs: JSON-able numbers, strings
            or short lists, in the units of :mod:`mlip_core.units`.
        """


def silent(done: int, total: int | None, **values: object) -> None:
    """Report nothing."""


class Stages:
    """One progress report for work that is done in several parts.

    Parameters
    ----------
    progress : callable
        What the person sees.
    total : int
        Steps of all parts together.
    """

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._before = 0

    def part(self, stage: str, steps: int) -> Progress:
        """Progress for the next part.

        Parameters
        ----------
        stage : str
            Name of the part; every report carries it instead of a stage of its own.
        steps : int
            Steps that this part has.

        Returns
        -------
        callable
            What the part reports to; the person sees its steps added to those of the parts before.
        """
        start, self._before = self._before, self._before + steps

        def report(done: int, total: int | None, **values: object) -> None:
            self._progress(min(start + done, self._total), self._total, **values | {"stage": stage})

        return report
