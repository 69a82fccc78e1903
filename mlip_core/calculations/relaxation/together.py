"""Relaxations of many structures by one model, side by side: it is asked about all of them in one batch a step."""

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

    Every relaxation has a thread of its own, and they go on one after another: what Python and spglib keep for the
    whole process (warning filters, say) is never touched by two. The model is asked in the caller's thread. One that
    is done leaves, and the batches of the others get smaller.

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
    table = _Table(model)
    steps, forces = [0] * len(structures), [0.0] * len(structures)

    def alone(place: int) -> RelaxationResult:
        def count(done: int, total: int | None, **values: Any) -> None:
            steps[place], forces[place] = done, values["generalized_fmax"]

        try:
            return relax(structures[place], _Seat(model, table), settings, progress=count)
        finally:
            table.leave()

    with ThreadPoolExecutor(len(structures)) as pool:
        running = []
        try:
            for place in range(len(structures)):
                running.append(pool.submit(alone, place))
                table.take()
            for moving in table.serve():
                progress(sum(steps), len(steps) * settings.steps, moving=moving, fmax=max(forces))
        except BaseException:
            table.close()
            raise
    return [one.result() for one in running]


class _Question(NamedTuple):
    """What one relaxation waits for."""

    structures: list[Atoms]
    """What it asks about."""
    answer: "Future[list[Prediction]]"
    """What it is woken with."""


class _Table:
    """Where relaxations put their questions; the model is asked about all of them once each has asked or left."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._asked: SimpleQueue[_Question | None] = SimpleQueue()
        self._waiting: list[_Question] = []
        self._closed = False

    def ask(self, structures: list[Atoms]) -> list[Prediction]:
        """Wait for the answer, in the thread of a relaxation."""
        if self._closed:
            raise Cancelled
        question = _Question(structures, Future())
        self._asked.put(question)
        return question.answer.result()

    def leave(self) -> None:
        """Say that one relaxation asks no more."""
        self._asked.put(None)

    def take(self) -> None:
        """Wait until the relaxation that goes on asks or leaves."""
        question = self._asked.get()
        if question is not None:
            self._waiting.append(question)

    def serve(self) -> Iterator[int]:
        """Answer round by round until all have left; give how many moved in each."""
        while moving := len(self._waiting):
            self._wake(self._outcomes())
            yield moving

    def close(self) -> None:
        """Let all who wait stop, and nobody ask any more."""
        self._closed = True
        self._wake([Cancelled() for _ in self._waiting])

    def _outcomes(self) -> list[list[Prediction] | Exception]:
        """Ask about all in one batch; where that fails, one by one: one that cannot be answered spoils no other."""
        together = [atoms for question in self._waiting for atoms in question.structures]
        try:
            answers = iter(self._model.predict(together))
        except ModelError as error:
            return [error] if len(self._waiting) == 1 else [self._alone(question) for question in self._waiting]
        return [[next(answers) for _ in question.structures] for question in self._waiting]

    def _alone(self, question: _Question) -> list[Prediction] | Exception:
        try:
            return self._model.predict(question.structures)
        except ModelError as error:
            return error

    def _wake(self, outcomes: Sequence[list[Prediction] | Exception]) -> None:
        """Let those who wait go on, one at a time and in the order of the structures."""
        woken, self._waiting = self._waiting, []
        for question, outcome in zip(woken, outcomes, strict=True):
            if isinstance(outcome, Exception):
                question.answer.set_exception(outcome)
            else:
                question.answer.set_result(outcome)
            self.take()


class _Seat(Model):
    """The model as one of the relaxations sees it."""

    def __init__(self, model: Model, table: _Table) -> None:
        for name in (*Model.__annotations__,):
            setattr(self, name, getattr(model, name))
        self._table = table

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        return self._table.ask(structures)
