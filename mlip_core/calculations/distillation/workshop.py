"""Where a student's labels and checkpoints lie while it learns, so that learning goes on after a stop."""

import io
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.calculations.distillation.settings import DistillationSettings
from mlip_core.errors import CalculationError
from mlip_core.home import home
from mlip_core.keys import code_digest, digest
from mlip_core.models.model import Model
from mlip_core.structures import fingerprint

FOLDER = "distillation"
"""Below the home folder; one folder for each question, whatever the number of epochs."""


class Workshop:
    """Folder of one student.

    Parameters
    ----------
    structure : Atoms
        As given.
    teacher : Model
        Gives the labels.
    settings : DistillationSettings
        All but ``epochs`` tell this student from others.
    """

    def __init__(self, structure: Atoms, teacher: Model, settings: DistillationSettings) -> None:
        question = asdict(settings)
        how = {name: question.pop(name) for name in ("epochs", "augmentation", "start")}
        asked: dict[str, Any] = {
            "structure": fingerprint(structure),
            "settings": question,
            "code": code_digest(__package__),
        }
        asked["teacher"] = teacher.identity or _answer_of(teacher, structure)
        key = digest({**asked, **how, "epochs": None})
        self.student = digest({"key": key, "epochs": how["epochs"]})
        """Tells the student apart from those that learned for longer or less long."""
        self.folder = home() / FOLDER / key[:32]
        self.labels = home() / FOLDER / f"labels-{digest(asked)[:32]}"
        """Labels serve the student that is turned in training and the one that is not."""
        for folder in (self.folder, self.labels):
            whole(folder.mkdir, folder, parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """File of that name, there or not."""
        return self.folder / name

    def checkpoint(self, most: int) -> dict[str, Any] | None:
        """Return the state after the latest epoch that is kept, ``most`` at most; None where there is none."""
        import torch

        for path in sorted(self.folder.glob("epoch-*.ckpt"), reverse=True):
            if _epoch(path) <= most:
                try:
                    return torch.load(path, weights_only=True)
                except (RuntimeError, EOFError, OSError, ValueError, KeyError):
                    path.unlink(missing_ok=True)  # cut short by whatever ended the machine
        return None

    def keep(self, state: dict[str, Any], epoch: int, *, last: bool) -> None:
        """Write the state after an epoch, and let go of the one before unless a student ended there.

        Raises
        ------
        CalculationError
            If it cannot be written; the one before stays.
        """
        import torch

        data = io.BytesIO()
        torch.save(state | {"last": last}, data)
        write(self.folder / f"epoch-{epoch:05d}.ckpt", data.getvalue())
        if last:
            self.path(f"ended-{epoch:05d}").touch()
        for path in self.folder.glob("epoch-*.ckpt"):
            if _epoch(path) < epoch and not self.path(f"ended-{_epoch(path):05d}").exists():
                path.unlink(missing_ok=True)


def write(path: Path, data: bytes) -> None:
    """Write a file that is whole or not there.

    Raises
    ------
    CalculationError
        If there is no room for it, or it cannot be written otherwise.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")

    def put() -> None:
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    whole(put, path)


def whole(action: Callable[..., Any], path: Path, **options: Any) -> Any:
    """Do something with a file, and say in words what went wrong with the disk."""
    try:
        return action(**options)
    except OSError as error:
        raise CalculationError(
            f"{path.name} could not be written: {error.strerror or error}. Make room on the disk of {path.parent}, "
            "then start again: what was done up to here is kept and not done again."
        ) from error


def _epoch(path: Path) -> int:
    return int(path.stem.removeprefix("epoch-"))


def _answer_of(teacher: Model, structure: Atoms) -> list[object]:
    """What tells a model apart that has no identity: its name and what it says of the structure."""
    found = teacher.predict([structure])[0]
    return [teacher.name, teacher.dtype, round(found.energy, 5), np.round(found.forces, 5)]
