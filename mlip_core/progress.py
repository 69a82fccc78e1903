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
