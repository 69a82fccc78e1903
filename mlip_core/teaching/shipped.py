"""Results that come with the program, so that an example or a lesson opens finished.

``assets/examples/results`` holds pairs of files: ``<key>.task.npz`` and ``<key>.npz``, where the key is that of the task when
it was computed. ``python -m mlip_core.teaching`` computes them.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlip_core import records
from mlip_core.assets import asset
from mlip_core.calculations.distillation import Distillation
from mlip_core.errors import MlipError
from mlip_core.jobs.task import Results, Task

TASK, RESULT = ".task.npz", ".npz"


def shipped_folder() -> Path:
    """Return the folder of the results that come with the program."""
    return asset("examples", "results")


def shipped(folder: Path | None = None) -> dict[str, Path]:
    """Return which questions have an answer that comes with the program.

    Parameters
    ----------
    folder : path, optional
        Where they are; :func:`shipped_folder` by default.

    Returns
    -------
    dict of str to path
        Content key of the question as it is asked today → file of the result. The file is called after the key
        that the question had when it was computed: another one means that code or packages have changed since.
        Questions to models that are not installed are left out.
    """
    found = {}
    for path in sorted((folder or shipped_folder()).glob(f"*{TASK}")):
        with suppress(MlipError):
            found[records.load(path).key()] = path.with_name(path.name.removesuffix(TASK) + RESULT)
    return found


def current(folder: Path | None = None) -> dict[str, Path]:
    """Return those of :func:`shipped` that the code and the packages of today would give again."""
    return {key: path for key, path in shipped(folder).items() if path.name.removesuffix(RESULT) == key}


def pack(tasks: Iterable[Task], store: Results, folder: Path) -> int:
    """Write finished tasks with their results into a folder, and take away what else is there.

    What a file holds already under the same key is left as it is.

    Parameters
    ----------
    tasks : iterable of Task
        Each must be finished, or lie in the folder.
    store : Results
        Where their results are.
    folder : path
        Made where it is missing.

    Returns
    -------
    int
        Bytes of all that is there then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_key = {task.key(): task for task in tasks}
    for old in folder.glob(f"*{RESULT}"):
        if old.name.partition(".")[0] not in by_key:
            old.unlink()
    for key, task in by_key.items():
        question, result = folder / f"{key}{TASK}", folder / f"{key}{RESULT}"
        if not (question.exists() and result.exists()):
            records.save(task, question)
            records.save(light(store.get(key)), result)
    return sum(path.stat().st_size for path in folder.glob(f"*{RESULT}"))


def light(result: Any) -> Any:
    """Return what travels of a result: all of it but the weights of a student."""
    return replace(result, weights=result.weights[:0]) if isinstance(result, Distillation) else result


def read(path: Path) -> Any:
    """Return a result that comes with the program."""
    return records.load(path)
