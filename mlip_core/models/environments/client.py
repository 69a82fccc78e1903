"""The adapter of every family that lives in an environment of its own."""

import sys
import weakref
from dataclasses import asdict
from typing import Any

from ase import Atoms

from mlip_core.errors import ModelError
from mlip_core.models.catalogue import Entry
from mlip_core.models.environments.process import Process, warm
from mlip_core.models.environments.served.potential import Asked
from mlip_core.models.environments.served.wire import arrays_to_answers, structures_to_message
from mlip_core.models.model import Forces, Model, Prediction


class EnvironmentModel(Model):
    """A model that a process in another environment holds; a batch goes there and its answers come back."""

    def __init__(self, item: Entry, *, forces: Forces, dtype: str, device: str) -> None:
        environment, path = item.environment, item.path()
        if environment is None or not environment.here or (path is None and item.weights != "cache"):
            raise ModelError(item.missing())
        self._environment = environment
        file = None if path is None else str(path)
        asked = Asked(name=item.name, file=file, forces=forces, dtype=dtype, device=device)
        self._question = {"do": "load", "asked": asdict(asked), "own_file": item.weights == "folder"}
        self._process: Process | None = None
        told = self._load()
        self.name, self.forces, self.dtype, self.device = item.title, forces, dtype, device
        self.claims, self.versions = item.claims(forces), item.packages()
        self.elements = None if told["elements"] is None else frozenset(told["elements"])
        self.cutoff = told["cutoff"]
        self.batch_structures, self.batch_atoms = told["batch_structures"], told["batch_atoms"]

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        if self._process is not warm(self._environment):
            self._load()
        assert self._process is not None
        header, arrays = structures_to_message(structures)
        question = {"do": "predict", "model": self._number, "threads": _threads(), **header}
        _, found = self._process.ask(question, arrays)
        return [Prediction(*answer) for answer in arrays_to_answers(found)]

    def _load(self) -> dict[str, Any]:
        """Have the model loaded by the process that lives now, and let go there when this one is let go of here."""
        process = warm(self._environment)
        told, _ = process.ask(self._question)
        self._process, self._number = process, told["model"]
        weakref.finalize(self, process.forget, self._number)
        return told


def _threads() -> int | None:
    """How many threads torch computes with here, for the process to do the same; None where it is not told."""
    torch = sys.modules.get("torch")
    return None if torch is None else torch.get_num_threads()
