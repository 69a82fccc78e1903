"""Save and load any result record: a frozen dataclass of arrays, numbers, text and structures.

A record is one ``.npz`` file: the arrays under numbered names, everything else
as one JSON tree that refers to them. Nothing is pickled, so that reading a
file never runs code from it.
"""

import dataclasses
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms

from mlip_core.errors import RecordError

_PACKAGE = __name__.partition(".")[0]
_TREE = "tree"


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
        return {"$record": f"{type(value).__module__}:{type(value).__qualname__}", "fields": fields}
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


def _record(name: str, fields: dict[str, Any]) -> Any:
    module, _, qualname = name.partition(":")
    if module.partition(".")[0] != _PACKAGE:
        raise RecordError(f"{name} is not a record of {_PACKAGE}")
    try:
        kind = getattr(importlib.import_module(module), qualname)
    except (ImportError, AttributeError) as error:
        raise RecordError(f"this version has no record {name}; compute the result again") from error
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise RecordError(f"{name} is not a record")
    try:
        return kind(**fields)
    except (TypeError, ValueError) as error:
        raise RecordError(f"{name} was stored by another version ({error}); compute the result again") from error


def _atoms_parts(atoms: Atoms) -> dict[str, Any]:
    arrays = {name: array for name, array in atoms.arrays.items() if array.dtype != object}
    info = {
        key: value
        for key, value in atoms.info.items()
        if isinstance(value, bool | str | int | float | np.ndarray | np.generic)
    }
    return {"arrays": arrays, "cell": atoms.cell.array, "pbc": atoms.pbc, "info": info}


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
    return atoms
