"""Make and remove environments: a virtual environment, the family's packages, and a look whether it starts."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mlip_core.errors import ModelError, SettingsError
from mlip_core.models.environments.environment import Environment
from mlip_core.models.environments.recipes import RECIPES, Recipe

VERSION = "import sys; print(*sys.version_info[:2])"
PLACES = "import json, sysconfig; print(json.dumps(sorted({sysconfig.get_path(p) for p in ('purelib', 'platlib')})))"


def add(name: str, *, python: str | None = None) -> Environment:
    """Make the environment of a family, anew where it is here; what the installer says goes to the terminal.

    Parameters
    ----------
    name : str
        Name of its recipe.
    python : str, optional
        Interpreter to take: a path, or a name on the search path; this one's by default.

    Returns
    -------
    Environment

    Raises
    ------
    SettingsError
        If there is no such recipe, or the interpreter is not there or too old.
    ModelError
        If it cannot be made, or another process makes it right now; what was here before stays.
    """
    recipe = named(name)
    uv = shutil.which("uv")
    interpreter = _interpreter(recipe, python, uv)
    with _alone(environment := Environment(recipe)):
        _make(environment, recipe, interpreter, uv)
    return Environment(recipe)


def _make(environment: Environment, recipe: Recipe, interpreter: str, uv: str | None) -> None:
    """Make an environment beside the one that is here, and put it in its place once it starts."""
    environment.folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="venv-", dir=environment.folder))
    try:
        made = _install(recipe, interpreter, place, uv)
        places = json.loads(_told(made, PLACES))
        _told(made, f"import {recipe.package}")
        _note(environment, {"python": str(made), "places": places})
    except subprocess.CalledProcessError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise ModelError(_failed(recipe, error)) from error
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    for other in environment.folder.glob("venv-*"):
        if other != place:
            shutil.rmtree(other, ignore_errors=True)


@contextmanager
def _alone(environment: Environment) -> Iterator[None]:
    """Keep other processes from making or removing the same environment, which would take its files from under this one."""
    folder = environment.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ModelError(
            f"Another process is making or removing the environment of {environment.recipe.title} right now. Wait until it has done so."
        ) from error
    try:
        yield
    finally:
        lock.release()


def remove(name: str) -> None:
    """Remove the environment of a family, and what was left of one that could not be made.

    Raises
    ------
    SettingsError
        If there is no such recipe, or nothing of it is here.
    ModelError
        If another process makes or removes it right now.
    """
    environment = Environment(recipe := named(name))
    if not environment.folder.is_dir():
        raise SettingsError(f"There is no environment of {recipe.title} here.")
    with _alone(environment):
        environment.manifest.unlink(missing_ok=True)
        shutil.rmtree(environment.folder)


def named(name: str) -> Recipe:
    """Return a recipe by name.

    Raises
    ------
    SettingsError
        If there is none of that name.
    """
    if name not in RECIPES:
        raise SettingsError(f"No family is called {name!r}; there are {', '.join(RECIPES)}.")
    return RECIPES[name]


def _interpreter(recipe: Recipe, python: str | None, uv: str | None) -> str:
    """Return what is new enough: the one asked for, this one, or what uv finds by version."""
    oldest = ".".join(map(str, recipe.python))
    if python is None and sys.version_info[:2] < recipe.python and uv:
        return oldest
    asked = python or sys.executable
    try:
        told = _told(Path(shutil.which(asked) or asked), VERSION)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SettingsError(f"{asked} is not a Python that can be started: {error}.") from error
    version = tuple(int(number) for number in told.split())
    if version < recipe.python:
        raise SettingsError(
            f"{recipe.title} needs Python {oldest} or newer, and {asked} is {'.'.join(map(str, version))}. "
            f"Give it one: mlip-dashboard models add {recipe.name} --python /path/to/python{oldest}"
        )
    return asked


def _install(recipe: Recipe, interpreter: str, place: Path, uv: str | None) -> Path:
    """Make a virtual environment and install into it; return its interpreter."""
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if uv:
        _run([uv, "venv", "--allow-existing", "--python", interpreter, str(place)])
        _run([uv, "pip", "install", "--python", str(python), *recipe.requirements])
    else:
        _run([interpreter, "-m", "venv", str(place)])
        _run([str(python), "-m", "pip", "install", *recipe.requirements])
    return python


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _told(python: Path, code: str) -> str:
    done = subprocess.run([python, "-I", "-c", code], check=True, capture_output=True, text=True)
    return done.stdout


def _note(environment: Environment, made: dict[str, object]) -> None:
    """Write the manifest at once or not at all."""
    beside = environment.manifest.with_suffix(".new")
    beside.write_text(json.dumps(made), encoding="utf-8")
    beside.replace(environment.manifest)


def _failed(recipe: Recipe, error: subprocess.CalledProcessError) -> str:
    said = [line for line in (error.stderr or "").splitlines() if line.strip()]
    why = said[-1] if said else "what the installer said stands above"
    return f"The environment of {recipe.title} could not be made, and nothing was changed: {why}."
