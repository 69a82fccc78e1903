"""An environment on this machine: whether it is here, which Python runs in it, and what is installed there."""

import json
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from mlip_core.home import home
from mlip_core.keys import file_digest
from mlip_core.models.environments.recipes import RECIPES, SERVED, Recipe


def environments_folder() -> Path:
    """Folder below :func:`mlip_core.home.home` that has a folder for each environment."""
    return home() / "environments"


@dataclass(frozen=True)
class Environment:
    """What is known of an environment without starting anything in it."""

    recipe: Recipe
    """How it is made."""

    @property
    def folder(self) -> Path:
        """Where it is, or would be."""
        return environments_folder() / self.recipe.name

    @property
    def manifest(self) -> Path:
        """File that is written last: an environment without it is not here."""
        return self.folder / "environment.json"

    @cached_property
    def _made(self) -> dict[str, Any] | None:
        try:
            made = json.loads(self.manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return made if Path(made["python"]).is_file() else None

    @property
    def here(self) -> bool:
        """Whether it is made and its Python is there."""
        return self._made is not None

    @property
    def python(self) -> Path | None:
        """Its interpreter; None where it is not here."""
        return None if self._made is None else Path(self._made["python"])

    def module(self, name: str) -> Path | None:
        """Folder of an installed module; None where it is not installed."""
        places = [] if self._made is None else self._made["places"]
        return next((folder for place in places if (folder := Path(place, name)).is_dir()), None)

    def version(self, distribution: str) -> str:
        """Version of an installed distribution, read where it is installed; "" where it is not."""
        places = [] if self._made is None else self._made["places"]
        return next((found.version for found in distributions(name=distribution, path=places)), "")

    def code(self) -> dict[str, str]:
        """Digest of each file that runs in it, which no import from here leads to."""
        files = {*SERVED.glob("*.py")} - {recipe.serves for recipe in RECIPES.values()} | {self.recipe.serves}
        return {path.name: file_digest(path) for path in sorted(files)}

    def missing(self, title: str) -> str:
        """Say what to do before a model can be loaded; "" where it is here."""
        if self.here:
            return ""
        oldest = ".".join(map(str, self.recipe.python))
        python = f" --python <of {oldest} or newer>" if sys.version_info[:2] < self.recipe.python else ""
        return (
            f"{title} needs `mlip-dashboard models add {self.recipe.name}{python}`: "
            "its packages live in an environment of their own."
        )
