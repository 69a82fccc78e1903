"""The process that answers in an environment: one for each environment and worker, kept warm, gone with the worker."""

import atexit
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

import numpy as np

from mlip_core.errors import ModelError
from mlip_core.home import models_folder
from mlip_core.models.environments.environment import Environment
from mlip_core.models.environments.recipes import SERVED
from mlip_core.models.environments.served import wire

LAST_WORDS = 12
"""Lines of what the process printed that are told when it dies."""
_warm: dict[str, "Process"] = {}


def warm(environment: Environment) -> "Process":
    """Return the process of an environment, started where none lives.

    Raises
    ------
    ModelError
        If the environment is not here, or its Python cannot be started.
    """
    process = _warm.get(environment.recipe.name)
    if process is None or not process.serves(environment):
        if process is not None:
            process.stop()
        process = _warm[environment.recipe.name] = Process(environment)
    return process


@atexit.register
def stop_all() -> None:
    """End all processes; this one's end does so too, and less tidily."""
    while _warm:
        _warm.popitem()[1].stop()


class Process:
    """A conversation over two pipes.

    It ends when its standard input is closed, which the end of this process does, however it comes.
    """

    def __init__(self, environment: Environment) -> None:
        if environment.python is None:
            raise ModelError(environment.missing(environment.recipe.title))
        self._title = environment.recipe.title
        self._what = _what(environment)
        self._lock = threading.Lock()
        self._forgotten: list[int] = []
        try:
            self._child = subprocess.Popen(
                [*self._what, str(models_folder())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # an interrupt at the terminal is for this process to handle
            )
        except OSError as error:
            raise ModelError(
                f"The environment of {self._title} cannot be started: {error}. {_anew(environment)}"
            ) from error
        assert self._child.stderr is not None
        self._said: deque[str] = deque(maxlen=LAST_WORDS)
        self._hearing = threading.Thread(target=_hear, args=(self._child.stderr, self._said), daemon=True)
        self._hearing.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._child.pid

    def serves(self, environment: Environment) -> bool:
        """Whether it lives and is what would be started now."""
        return self._child.poll() is None and self._what == _what(environment)

    def forget(self, number: int) -> None:
        """Let go of a model, with the next message; this may be called in the middle of one."""
        self._forgotten.append(number)

    def ask(
        self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None
    ) -> tuple[dict[str, Any], wire.Arrays]:
        """Ask, and wait for the answer.

        Whatever interrupts this ends the process, which would answer the next question with this one's answer.

        Raises
        ------
        ModelError
            What went wrong there, in words, with the traceback as a note.
        MemoryError
            If the memory ran out there.
        """
        with self._lock:
            forget, self._forgotten = self._forgotten, []
            try:
                assert self._child.stdin is not None
                assert self._child.stdout is not None
                wire.write(self._child.stdin, {**header, "forget": forget}, arrays)
                answer, found = wire.read(self._child.stdout)
            except (OSError, EOFError, ValueError) as error:
                self.stop()
                raise ModelError(self._last_words()) from error
            except BaseException:
                self.stop()
                raise
        if "error" in answer:
            raise _error(self._title, answer)
        return answer, found

    def stop(self) -> None:
        """End it, in the middle of whatever it computes."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _last_words(self) -> str:
        self._hearing.join(1.0)
        said = next((line for line in reversed(self._said) if line.strip()), "it said nothing")
        return (
            f"The process of {self._title} ended in the middle of its work ({said.strip()}); most likely the memory "
            "ran out. Take a smaller structure, or run fewer calculations at a time (MLIP_DASHBOARD_WORKERS=1)."
        )


def _what(environment: Environment) -> list[str]:
    """Which interpreter runs which family, as a command."""
    return [str(environment.python), "-I", str(SERVED / "boot.py"), str(environment.recipe.serves)]


def _hear(stream: IO[bytes], said: "deque[str]") -> None:
    with stream:
        for line in stream:
            said.append(line.decode(errors="replace"))


def _error(title: str, answer: Mapping[str, Any]) -> Exception:
    message = answer["message"]
    if answer["error"] == "memory":
        error: Exception = MemoryError(f"in the process of {title}")
    else:
        error = ModelError(message if answer["error"] == "refused" else f"{title} stopped at {message}")
    error.add_note(f"In the environment of {title}:\n{answer['trace']}")
    return error


def _anew(environment: Environment) -> str:
    return f"`mlip-dashboard models add {environment.recipe.name}` makes it anew."
