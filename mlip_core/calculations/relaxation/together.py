"""Relaxations of many structures by one model, side by side: it is asked about all of them in one batch a step."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, NamedTuple

from ase import Atoms

from mlip_core.calculations.relaxation.calculation import RelaxationResult, RelaxationSettings, relax
from mlip_core.errors import Cancelled, ModelError
from mlip_core.models.model import Model, Prediction
from mlip_core.progress import Progress, silent
from mlip_core.symmetry.corrections import refuse_random_frame


def relax_together(
    structures: Sequence[Atoms],
    model: Model,
    settings: RelaxationSettings | None = None,
    *,
    progress: Progress = silent,
) -> list[RelaxationResult]:
    """Relax each structure as :func:`~mlip_core.calculations.relaxation.calculation.relax` does, all in step.

    Every relaxation has a thread of its own, which only waits: the model is asked in the caller's. One that is
    done leaves, and the batches of the others get smaller.

    Parameters
    ----------
    structures : sequence of Atoms
        Where each begins; they are not changed.
    model : Model
        Asked about all that still move in one call a step.
    settings : RelaxationSettings, optional
        The same for all.
    progress : callable, optional
        Called after every batch as ``progress(done, total, moving=, fmax=)``: steps of all together, the most that
        there can be, how many still moved, and the longest force that any had when last heard of, eV/Å.

    Returns
    -------
    list of RelaxationResult
        In the order given. `seconds` and `model_seconds` of each contain the time in which others were computed.

    Raises
    ------
    SettingsError, ModelError
        Where the first structure that cannot be relaxed would raise it alone.
    """
    settings = settings or RelaxationSettings()
    if not structures:
        return []
    if settings.optimizer != "FIRE":
        refuse_random_frame(model, f"the optimizer {settings.optimizer}")
    table = _Table(model, len(structures))
    steps, forces = [0] * len(structures), [0.0] * len(structures)

    def alone(place: int) -> RelaxationResult:
        def count(done: int, total: int | None, **values: Any) -> None:
            steps[place], forces[place] = done, values["generalized_fmax"]

        try:
            return relax(structures[place], _Seat(model, table, place), settings, progress=count)
        finally:
            table.leave()

    with ThreadPoolExecutor(len(structures)) as pool:
        running = [pool.submit(alone, place) for place in range(len(structures))]
        try:
            for moving in table.serve():
                progress(sum(steps), len(steps) * settings.steps, moving=moving, fmax=max(forces))
        except BaseException:
            table.close()
            raise
    return [one.result() for one in running]


class _Question(NamedTuple):
    """What one relaxation waits for."""

    place: int
    """Which relaxation asks."""
    structures: list[Atoms]
    """What it asks about."""
    answer: "Future[list[Prediction]]"
    """What it is woken with."""


class _Table:
    """Where relaxations put their questions; the model is asked about all of them once each has asked or left."""

    def __init__(self, model: Model, n_moving: int) -> None:
        self._model = model
        self._moving = n_moving
        self._asked: SimpleQueue[_Question | None] = SimpleQueue()
        self._waiting: list[_Question] = []
        self._closed = threading.Event()

    def ask(self, place: int, structures: list[Atoms]) -> list[Prediction]:
        """Wait for the answer, in the thread of a relaxation."""
        question = _Question(place, structures, Future())
        self._asked.put(question)
        if self._closed.is_set():
            raise Cancelled
        return question.answer.result()

    def leave(self) -> None:
        """Say that one relaxation asks no more."""
        self._asked.put(None)

    def serve(self) -> Iterator[int]:
        """Answer round by round until all have left; give how many moved in each."""
        while self._moving:
            while len(self._waiting) < self._moving:
                self._take()
            if self._waiting:
                self._answer()
                yield self._moving

    def close(self) -> None:
        """Wake all who wait, and let nobody wait any more."""
        self._closed.set()
        while self._moving:
            self._dismiss(Cancelled())
            self._take()

    def _take(self) -> None:
        question = self._asked.get()
        if question is None:
            self._moving -= 1
        else:
            self._waiting.append(question)

    def _answer(self) -> None:
        """Ask in the order of the structures, so that no rounding depends on which thread was first."""
        self._waiting.sort(key=lambda question: question.place)
        together = [atoms for question in self._waiting for atoms in question.structures]
        try:
            answers = iter(self._model.predict(together))
        except ModelError as error:
            self._dismiss(error) if len(self._waiting) == 1 else self._answer_alone()
            return
        for question in self._waiting:
            question.answer.set_result([next(answers) for _ in question.structures])
        self._waiting = []

    def _answer_alone(self) -> None:
        """Find out whose structure cannot be answered: the others go on."""
        for question in self._waiting:
            try:
                question.answer.set_result(self._model.predict(question.structures))
            except ModelError as error:
                question.answer.set_exception(error)
        self._waiting = []

    def _dismiss(self, error: Exception) -> None:
        for question in self._waiting:
            question.answer.set_exception(error)
        self._waiting = []


class _Seat(Model):
    """The model as one of the relaxations sees it."""

    def __init__(self, model: Model, table: _Table, place: int) -> None:
        for name in (*Model.__annotations__,):
            setattr(self, name, getattr(model, name))
        self._table, self._place = table, place

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        return self._table.ask(self._place, structures)
