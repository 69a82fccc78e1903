"""What decides whether an answer may be reused: the question in one spelling, and the code that answers it."""

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mlip_core.errors import SettingsError

_ROOT = Path(__file__).parent
_ATTEMPTS = 10
"""Python 3.11 counts the depth of all trees that are built at a time together, and gives up on one that another
interrupts (SystemError, CPython issue 106905)."""


def digest(question: Any) -> str:
    """SHA-256 of data in one canonical spelling: order of fields and 1 against 1.0 make no difference.

    Parameters
    ----------
    question
        Records, dicts, lists, tuples, arrays, text, numbers, None.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    SettingsError
        If it holds something else.
    """
    return hashlib.sha256(json.dumps(_plain(question), sort_keys=True, ensure_ascii=True).encode()).hexdigest()


@lru_cache
def package_version(package: str) -> str:
    """Version of an installed distribution."""
    return version(package)


@cache
def code_digest(module: str, root: Path = _ROOT) -> str:
    """SHA-256 of the code that a module of this package runs: its own and that of all it imports from the package.

    Comments, docstrings, type-checking imports and layout do not count, so that only
    a change that may change an answer changes the digest. What other packages do is
    told by their versions.

    Parameters
    ----------
    module : str
        Dotted name; one outside the package counts with nothing but its name.
    root : path
        Folder of the package.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return digest({name: file_digest(path) for name, path in modules_behind(module, root).items()} or module)


def modules_behind(module: str, root: Path = _ROOT) -> dict[str, Path]:
    """Files of a module and of everything that it imports from its package, directly or not.

    Parameters
    ----------
    module : str
        Dotted name.
    root : path
        Folder of the package.

    Returns
    -------
    dict
        Dotted name to file, the package's own ``__init__`` left out: it only gathers public names.
    """
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file_of(name, root)
        if path is not None and name not in found and name != root.name:
            found[name] = path
            waiting += _imports(path)
    return dict(sorted(found.items()))


def _file_of(module: str, root: Path) -> Path | None:
    parts = module.split(".")
    if parts[0] != root.name:
        return None
    path = root.joinpath(*parts[1:])
    candidates = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


@cache
def _tree(path: Path) -> ast.Module:
    source = path.read_text(encoding="utf-8")
    for _ in range(_ATTEMPTS - 1):
        with suppress(SystemError):
            return ast.parse(source)
    return ast.parse(source)


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Names that may be modules: ``from a import b`` names a and a.b."""
    found: list[str] = []
    for node in _running(_tree(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes below, without what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _running(child)


@cache
def file_digest(path: Path) -> str:
    """SHA-256 of the code in one file, as :func:`code_digest` counts it."""
    return hashlib.sha256("\n".join(_spelled(_tree(path))).encode()).hexdigest()


def _spelled(node: ast.AST) -> Iterator[str]:
    """Names and values of a syntax tree in order; fields that are empty are left out, as Python versions differ there."""
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                if not _is_text_alone(item):
                    yield from _spelled(item)
            elif item is not None and name not in ("type_comment", "kind"):
                yield f"{name}={item!r}"


def _is_text_alone(node: ast.AST) -> bool:
    """Whether a node is a docstring: text that nothing takes."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        members = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        return {"record": type(value).__qualname__, **members}
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise SettingsError(f"a {type(value).__name__} cannot be part of a task")
