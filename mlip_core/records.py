"""Save and load any result record: a frozen dataclass of arrays, numbers, text and structures.

A record is one ``.npz`` file: the arrays under numbered names, everything else
as one JSON tree that refers to them. Nothing is pickled, so that reading a
file never runs code from it. In files a record has a name of its own, given
by :func:`record`, so that its class may move and change its name.
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from ase import Atoms

from mlip_core.errors import RecordError

_TREE = "tree"
_CONSTRAINTS = ("FixAtoms", "FixCartesian", "FixScaled")
"""ASE's constraints that are kept with a structure: those that a file can ask for."""
Fields = dict[str, Any]
Record = TypeVar("Record")
_kinds: dict[str, type] = {}
_names: dict[type, str] = {}
_builders: dict[str, Callable[[Fields], Any]] = {}


def record(name: str, *, upgrade: Callable[[Fields], Fields] | None = None) -> Callable[[type[Record]], type[Record]]:
    """Let a dataclass be stored, under a name that outlives moves and renamings of the class.

    Parameters
    ----------
    name : str
        Its name in files; once given, it stays.
    upgrade : callable, optional
        Turns the fields that an earlier version stored into those of now.

    Returns
    -------
    callable
        Decorator of the dataclass.
    """

    def known(kind: type[Record]) -> type[Record]:
        former(name)(lambda fields: kind(**(upgrade(fields) if upgrade else fields)))
        _kinds[name], _names[kind] = kind, name
        return kind

    return known


def former(name: str) -> Callable[[Callable[[Fields], Any]], Callable[[Fields], Any]]:
    """Say what becomes of a stored record whose class is no more: the decorated function builds it from its fields.

    Parameters
    ----------
    name : str
        Its name in files.
    """

    def known(build: Callable[[Fields], Any]) -> Callable[[Fields], Any]:
        if name in _builders:
            raise RecordError(f"two records cannot both be called {name} in files")
        _builders[name] = build
        return build

    return known


def record_name(kind: type) -> str | None:
    """Return the name of a class in files; None where it cannot be stored."""
    return _names.get(kind)


def save(record: Any, path: str | Path) -> None:
    """Write a record to ``path``, replacing what was there in one step.

    Parameters
    ----------
    record : dataclass instance
        Fields may be numbers, text, ``None``, numpy arrays, `ase.Atoms`,
        pandas frames, other records, and lists, tuples or dicts of these.
    path : path
        File to write.

    Raises
    ------
    RecordError
        If a field holds something else.
    """
    arrays: dict[str, np.ndarray] = {}
    tree = _encode(record, arrays)
    path = Path(path)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.savez_compressed(file, **{_TREE: np.array(json.dumps(tree))}, **arrays)  # type: ignore[arg-type]
    part.replace(path)


def load(path: str | Path) -> Any:
    """Read a record written by :func:`save`.

    Parameters
    ----------
    path : path
        File to read.

    Returns
    -------
    dataclass instance
        A record of the type that was saved.

    Raises
    ------
    RecordError
        If the file is damaged or was written for another version of the record.
    """
    try:
        with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        tree = json.loads(str(arrays.pop(_TREE)))
    except FileNotFoundError:
        raise
    except Exception as error:
        raise RecordError(f"{path} is not a readable result file: {error}") from error
    return _decode(tree, arrays)


def _encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if value is None or isinstance(value, bool | str | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"$array": name}
    if isinstance(value, Atoms):
        return {"$atoms": _encode(_atoms_parts(value), arrays)}
    if isinstance(value, pd.DataFrame):
        columns = {str(name): _encode(_column(column), arrays) for name, column in value.items()}
        return {"$frame": columns}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _encode(getattr(value, f.name), arrays) for f in dataclasses.fields(value) if f.init}
        if type(value) not in _names:
            raise RecordError(f"a {type(value).__name__} cannot be stored in a result: it has no name of its own")
        return {"$record": _names[type(value)], "fields": fields}
    if isinstance(value, tuple):
        return {"$tuple": [_encode(item, arrays) for item in value]}
    if isinstance(value, list):
        return [_encode(item, arrays) for item in value]
    if isinstance(value, dict):
        return {"$dict": [[_encode(key, arrays), _encode(item, arrays)] for key, item in value.items()]}
    raise RecordError(f"a {type(value).__name__} cannot be stored in a result")


def _column(column: pd.Series) -> np.ndarray | list:
    array = column.to_numpy()
    return array.tolist() if array.dtype == object else array


def _decode(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(tree, list):
        return [_decode(item, arrays) for item in tree]
    if not isinstance(tree, dict):
        return tree
    match next(iter(tree), None):
        case "$array":
            return arrays[tree["$array"]]
        case "$atoms":
            return _atoms(_decode(tree["$atoms"], arrays))
        case "$frame":
            return pd.DataFrame({name: _decode(column, arrays) for name, column in tree["$frame"].items()})
        case "$tuple":
            return tuple(_decode(item, arrays) for item in tree["$tuple"])
        case "$dict":
            return {_decode(key, arrays): _decode(item, arrays) for key, item in tree["$dict"]}
        case "$record":
            fields = {name: _decode(item, arrays) for name, item in tree["fields"].items()}
            return _record(tree["$record"], fields)
    raise RecordError(f"unknown entry {sorted(tree)} in a result file")


def _record(name: str, fields: Fields) -> Any:
    build = _builders.get(name) or _builders.get(name.partition(":")[2])  # files of 0.1.0 name module:class
    if build is None:
        raise RecordError(f"this version has no record {name}; compute the result again")
    try:
        return build(fields)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise RecordError(f"{name} was stored by another version ({error}); compute the result again") from error


def _atoms_parts(atoms: Atoms) -> dict[str, Any]:
    arrays = {name: array for name, array in atoms.arrays.items() if array.dtype != object}
    info = {
        key: value
        for key, value in atoms.info.items()
        if isinstance(value, bool | str | int | float | np.ndarray | np.generic)
    }
    constraints = [constraint.todict() for constraint in atoms.constraints if type(constraint).__name__ in _CONSTRAINTS]
    return {"arrays": arrays, "cell": atoms.cell.array, "pbc": atoms.pbc, "info": info, "constraints": constraints}


def _atoms(parts: dict[str, Any]) -> Atoms:
    arrays = dict(parts["arrays"])
    atoms = Atoms(
        numbers=arrays.pop("numbers"),
        positions=arrays.pop("positions"),
        cell=parts["cell"],
        pbc=parts["pbc"],
        info=parts["info"],
    )
    for name, array in arrays.items():
        atoms.set_array(name, array)
    atoms.set_constraint([_constraint(item) for item in parts.get("constraints", ())])
    return atoms


def _constraint(item: dict[str, Any]) -> Any:
    from ase import constraints

    if item["name"] not in _CONSTRAINTS:
        raise RecordError(f"{item['name']} is not a constraint that is stored")
    return getattr(constraints, item["name"])(**item["kwargs"])
