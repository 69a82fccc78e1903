"""What runs inside a Dask worker: one task, start to end, told in files."""

import time
import traceback
from collections import OrderedDict
from math import ceil
from typing import NamedTuple

from mlip_core import records
from mlip_core.calculations.declaration import Calculation, named
from mlip_core.configuration import Configuration
from mlip_core.errors import CalculationError, Cancelled, MlipError
from mlip_core.jobs import warm
from mlip_core.jobs.files import ProgressFile, RunFolder
from mlip_core.jobs.runs import Status
from mlip_core.jobs.store import Store
from mlip_core.jobs.task import Calculations, Load, Task
from mlip_core.keys import digest
from mlip_core.models.catalogue import entry
from mlip_core.models.download import bring
from mlip_core.models.model import Model
from mlip_core.progress import Progress

KEPT_MODELS = 6
_models: OrderedDict[str, Model] = OrderedDict()

OUT_OF_MEMORY = (
    "The computer had not enough memory for this calculation. Take a smaller structure or supercell, "
    "or run fewer calculations at a time (MLIP_DASHBOARD_WORKERS=1)."
)


class Outcome(NamedTuple):
    """How a run ended."""

    status: Status
    """done, failed, cancelled or interrupted."""
    reason: str | None = None
    """For a person."""
    detail: str | None = None
    """The traceback, for the person who looks for the cause."""


def execute(home: str, run_id: str, calculations: Calculations) -> Outcome:
    """Compute the task of one run and keep its record.

    Parameters
    ----------
    home : str
        Folder of this person's data, as the worker sees it.
    run_id : str
        Which run.
    calculations : mapping
        What each kind of task means.

    Returns
    -------
    Outcome
        Whatever the task raises is told here; only the death of the process is not.
    """
    warm.wait()
    try:
        _answer(home, run_id, calculations)
    except Cancelled:
        return Outcome("cancelled")
    except MlipError as error:
        return Outcome("failed", str(error), traceback.format_exc())
    except MemoryError:
        return Outcome("failed", OUT_OF_MEMORY, traceback.format_exc())
    except Exception as error:
        reason = f"The calculation stopped at something unforeseen ({type(error).__name__}: {error})."
        return Outcome("failed", reason, traceback.format_exc())
    return Outcome("done")


def _answer(home: str, run_id: str, calculations: Calculations) -> None:
    """Answer from the store, or compute; the key is final only once the model's weights are here."""
    folder, store = RunFolder(home, run_id), Store(home)
    task = _task(folder)
    load = kept(named(task.kind, calculations))
    with ProgressFile(folder) as progress:
        progress.stop_if_asked()
        key = _noted(task, calculations, folder)
        if store.has(key):
            return
        _bring(task, progress)
        load(task.configuration)
        progress.stop_if_asked()
        key = _noted(task, calculations, folder)
        if not store.has(key):
            answer = task.run(progress=progress, store=store, calculations=calculations, load=load, home=home)
            store.put(key, answer)


def _bring(task: Task, progress: Progress) -> None:
    """Download the weights that only the hub has: the task's, and those of the tasks before it."""
    for configuration in filter(None, (task.configuration, task.other)):
        item = entry(configuration.model)
        if item.weights == "hub":
            bring(item, progress=_in_megabytes(progress, f"download of {item.title} (MB)"))
    for first in task.before.values():
        _bring(first, progress)


def _in_megabytes(progress: Progress, stage: str) -> Progress:
    """Report bytes as whole megabytes, rounded up: every new one, and the same ones once a second."""
    last = (-1, 0.0)

    def report(done: int, total: int | None, **_: object) -> None:
        nonlocal last
        size, now = ceil(done / 1e6), time.monotonic()
        if size != last[0] or now - last[1] >= 1.0:
            last = (size, now)
            progress(size, ceil((total or 0) / 1e6), stage=stage)

    return report


def _task(folder: RunFolder) -> Task:
    try:
        return records.load(folder.task)
    except FileNotFoundError as error:
        raise CalculationError(
            f"The worker cannot see {folder.task}. Workers elsewhere need the folder of "
            "MLIP_DASHBOARD_HOME shared, under the same path."
        ) from error


def _noted(task: Task, calculations: Calculations, folder: RunFolder) -> str:
    key = task.key(calculations)
    folder.note_key(key)
    return key


def kept(calculation: Calculation) -> Load:
    """Load as the calculation says, and keep the models used last.

    Parameters
    ----------
    calculation : Calculation
        Says what makes a model of a configuration.

    Returns
    -------
    callable
        The same model for the same predictions, while it is among the last :data:`KEPT_MODELS`.
    """
    make: Load = calculation.load or Configuration.load

    def load(configuration: Configuration) -> Model:
        mark = _mark(make, configuration)
        if mark not in _models:
            while len(_models) >= KEPT_MODELS:
                _models.popitem(last=False)
            model = make(configuration)
            mark = _mark(make, configuration)
            _models[mark] = model
        _models.move_to_end(mark)
        return _models[mark]

    return load


def _mark(make: Load, configuration: Configuration) -> str:
    return digest({"load": f"{make.__module__}:{make.__qualname__}", "identity": configuration.identity()})
