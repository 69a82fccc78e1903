"""One progress report for work that has several parts."""

from mlip_core.progress import Progress


class Stages:
    """Hands each part of a calculation a progress that counts on where the part before ended.

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
        """Progress of the next part, which has this many steps; reports carry ``stage``, not that of parts within."""
        start, self._before = self._before, self._before + steps

        def report(done: int, total: int | None, **values: object) -> None:
            self._progress(min(start + done, self._total), self._total, **values | {"stage": stage})

        return report
