"""What the package asks to be installed, held against what it imports."""

import ast
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_BY_NAME: dict[str, str] = {}
"""Dependencies that no line imports, and why they are needed."""
BROUGHT_ALONG = {
    "distributed": "dask[distributed]",
    "omegaconf": "metatrain",
    "sphericart": "metatrain[soap-bpnn]",
    "torch_geometric": "sevenn",
}
"""Imported packages that are an extra of a dependency, or that it loads and that are mended meanwhile."""
SHARED = {"metatensor.torch": "metatensor-torch", "metatomic.torch": "metatomic-torch"}
"""Modules below a name that several distributions share."""


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def modules(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.fixture(scope="module")
def imported():
    """Distributions by the package that imports of ours need; a package may come from any of them."""
    known = packages_distributions()
    paths = [path for folder in ("mlip_core", "dashboard") for path in (ROOT / folder).rglob("*.py")]
    names = {name for path in paths for name in modules(path)}
    found = {}
    for name in names:
        top = name.partition(".")[0]
        shared = {distribution for module, distribution in SHARED.items() if f"{name}.".startswith(f"{module}.")}
        if top in known and top not in ("mlip_core", "dashboard"):
            found[name if shared else top] = shared or {normal(distribution) for distribution in known[top]}
    return found


@pytest.fixture(scope="module")
def declared():
    return {normal(Requirement(line).name) for line in PROJECT["dependencies"]}


def test_every_dependency_is_used(imported, declared):
    assert declared - set().union(*imported.values()) == set(NOT_BY_NAME)


def test_everything_imported_is_asked_for(imported, declared):
    missing = {package for package, distributions in imported.items() if not distributions & declared}
    assert missing == set(BROUGHT_ALONG)
