"""The process that holds loaded models and answers on its standard input and output."""

import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from .potential import Asked, Potential, Refused
from .wire import Arrays, answers_to_arrays, message_to_structures, read, write

Message = tuple[dict[str, Any], Arrays]


def main(family: ModuleType, models: Path) -> None:
    """Serve until the other side is gone.

    Parameters
    ----------
    family : module
        Has ``load(asked) -> Potential``.
    models : path
        The only folder whose files are loaded.
    """
    requests, replies = _private_pipes()
    server = Server(family, models)
    waiting: queue.Queue[Message] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    while True:
        header, arrays = waiting.get()
        write(replies, *server.answer(header, arrays))


class Server:
    """Loaded models by number."""

    def __init__(self, family: ModuleType, models: Path) -> None:
        self._family = family
        self._folder = models.resolve()
        self._models: dict[int, Potential] = {}
        self._loaded = 0

    def answer(self, header: dict[str, Any], arrays: Arrays) -> Message:
        """Do what a message asks; whatever goes wrong is answered in words."""
        for number in header.get("forget", ()):
            self._models.pop(number, None)
        try:
            return {"load": self._load, "predict": self._predict}[header["do"]](header, arrays)
        except Refused as refused:
            return {"error": "refused", "message": str(refused), "trace": traceback.format_exc()}, {}
        except MemoryError:
            return {"error": "memory", "message": "", "trace": traceback.format_exc()}, {}
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            return {"error": "failed", "message": message, "trace": traceback.format_exc()}, {}

    def _load(self, header: dict[str, Any], _arrays: Arrays) -> Message:
        asked = Asked(**header["asked"])
        if header["own_file"] and Path(asked.file or "").parent.resolve() != self._folder:
            raise Refused(f"{asked.file} is not in the models folder. Put it into {self._folder}.")
        model = self._family.load(asked)
        self._loaded += 1
        self._models[self._loaded] = model
        elements = None if model.elements is None else [int(number) for number in model.elements]
        return {
            "model": self._loaded,
            "elements": elements,
            "cutoff": model.cutoff,
            "batch_structures": model.batch_structures,
            "batch_atoms": model.batch_atoms,
        }, {}

    def _predict(self, header: dict[str, Any], arrays: Arrays) -> Message:
        _compute_with(header["threads"])
        structures = message_to_structures(header, arrays)
        return {}, answers_to_arrays(self._models[header["model"]].predict(structures))


def _compute_with(threads: int | None) -> None:
    torch = sys.modules.get("torch")
    if torch is not None and threads is not None and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def _private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Keep both ends of the conversation; what packages print goes where errors go."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, replies


def _listen(requests: IO[bytes], waiting: "queue.Queue[Message]") -> None:
    """Hand on what comes in; where the other side is gone, end at once, in the middle of whatever is computed."""
    try:
        while True:
            waiting.put(read(requests))
    finally:
        os._exit(0)
