"""What runs inside a Dask worker: one task, start to end, told in files."""

import traceback
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from mlip_core import records
from mlip_core.configuration import Configuration
from mlip_core.errors import CalculationError, Cancelled, MlipError
from mlip_core.jobs.files import ProgressFile, RunFolder
from mlip_core.jobs.runs import Status
from mlip_core.jobs.store import Store
from mlip_core.jobs.task import Kind, Load, Task, digest, named, resolve
from mlip_core.models.model import Model

KEPT_MODELS = 3
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
    """Where in the program a failure arose, as Python tells it."""


def execute(home: str, run_id: str, kinds: Mapping[str, Kind]) -> Outcome:
    """Compute the task of one run and keep its record.

    Parameters
    ----------
    home : str
        Folder of this person's data, as the worker sees it.
    run_id : str
        Which run.
    kinds : mapping
        What each kind of task means.

    Returns
    -------
    Outcome
        Whatever the task raises is told here; only the death of the process is not.
    """
    try:
        _answer(home, run_id, kinds)
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


def _answer(home: str, run_id: str, kinds: Mapping[str, Kind]) -> None:
    """Answer from the store, or compute; the key is final only once the model's weights are here."""
    folder, store = RunFolder(home, run_id), Store(home)
    task = _task(folder)
    load = kept(named(task.kind, kinds))
    with ProgressFile(folder) as progress:
        progress.stop_if_asked()
        key = _noted(task, kinds, folder)
        if store.has(key):
            return
        load(task.configuration)
        progress.stop_if_asked()
        key = _noted(task, kinds, folder)
        if not store.has(key):
            store.put(key, task.run(progress=progress, store=store, kinds=kinds, load=load))


def _task(folder: RunFolder) -> Task:
    try:
        return records.load(folder.task)
    except FileNotFoundError as error:
        raise CalculationError(
            f"The worker cannot see {folder.task}. Workers elsewhere need the folder of "
            "MLIP_DASHBOARD_HOME shared, under the same path."
        ) from error


def _noted(task: Task, kinds: Mapping[str, Kind], folder: RunFolder) -> str:
    key = task.key(kinds)
    folder.note_key(key)
    return key


def kept(kind: Kind) -> Load:
    """Load as the kind says, and keep the models used last.

    Parameters
    ----------
    kind : Kind
        Says what makes a model of a configuration.

    Returns
    -------
    callable
        The same model for the same predictions, while it is among the last :data:`KEPT_MODELS`.
    """
    make: Load = resolve(kind.load)

    def load(configuration: Configuration) -> Model:
        mark = _mark(kind, configuration)
        if mark not in _models:
            while len(_models) >= KEPT_MODELS:
                _models.popitem(last=False)
            model = make(configuration)
            mark = _mark(kind, configuration)
            _models[mark] = model
        _models.move_to_end(mark)
        return _models[mark]

    return load


def _mark(kind: Kind, configuration: Configuration) -> str:
    return digest({"load": kind.load, "identity": configuration.identity()})
