"""What ASE writes: ``.traj``, ``.json`` and ``.db``. Numbers are taken out, nothing that a file names is built.

ASE's own readers reserve whatever memory a file asks for and make whatever objects it
names. Files here come from anybody.
"""

import mmap
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.datasets.dataset import SetAside
from mlip_core.datasets.formats import Raw, attach
from mlip_core.errors import DatasetError, StructureError
from mlip_core.structures.ase_files import structure_of
from mlip_core.structures.ulm import count_items, parse_json, read_item, stored_array

RESULTS = ("energy", "free_energy", "forces", "stress")
_MOST_ATOMS = 1_000_000
_LONGEST_ROW = 500_000_000
_STEPS = 100_000_000
"""Steps of SQLite's machine for one file; a table of 200,000 rows takes a hundredth."""
_COLUMNS = (
    "id",
    "numbers",
    "positions",
    "cell",
    "pbc",
    "energy",
    "free_energy",
    "forces",
    "stress",
    "key_value_pairs",
    "data",
)


def read_traj_frames(path: Path, label: str) -> Iterator[Raw | SetAside]:
    """Read an ASE trajectory frame by frame; the old kind, which is pickled, is refused.

    Parameters
    ----------
    path : path
    label : str
        How the file is called in messages.

    Yields
    ------
    Raw or SetAside
    """
    if path.stat().st_size == 0:
        raise DatasetError(f"{label} is empty.")
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))  # goes when the last array of it does
    header: dict[str, Any] = {}
    for frame in range(count_items(data)):
        item = read_item(data, frame, f"frame {frame}")
        header = header or {key: item.get(key) for key in ("numbers", "pbc")}
        results, info = (
            value if isinstance(value, dict) else {} for value in (item.get("calculator"), item.get("info"))
        )
        yield _raw(header | item, f"{label}, frame {frame}", results, info)


def read_ase_json(path: Path, label: str) -> Iterator[Raw | SetAside]:
    """Read the rows of an ASE JSON database, or one structure that ASE wrote as JSON."""
    tree = parse_json(path.read_bytes(), label)
    if not isinstance(tree, dict):
        raise DatasetError(f"{label}: expected the JSON that ASE writes: an object with rows “1”, “2” and so on.")
    rows = {label: tree} if "numbers" in tree else _rows(tree, label)
    for frame, (name, row) in enumerate(rows.items()):
        where = label if name == label else f"{label}, row {name} (frame {frame})"
        if isinstance(row, dict):
            yield _row(row, where)
        else:
            yield SetAside(where, "there is no such row")


def _rows(tree: dict[str, Any], label: str) -> dict[str, Any]:
    ids = np.asarray(_plain(tree.get("ids", [])), dtype=object).ravel()
    names = [str(i) for i in ids] or [name for name in tree if name.isdecimal()]
    if not names:
        raise DatasetError(f"{label}: expected the JSON that ASE writes, with rows “1”, “2” and so on, and found none.")
    return {name: tree.get(name) for name in names}


def read_ase_db(path: Path, label: str) -> Iterator[Raw | SetAside]:
    """Read an ASE database (SQLite), from its own table only, within a bounded number of steps."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            _guard(database)
            yield from _database(database, label)
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise DatasetError(f"{label} is not an ASE database that can be read ({error}).") from error


def _guard(database: sqlite3.Connection) -> None:
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_ROW)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    left = [_STEPS // 100_000]

    def step() -> bool:
        left[0] -= 1
        return left[0] < 0

    database.set_progress_handler(step, 100_000)
    database.text_factory = lambda text: text.decode("utf-8", "replace")


def _database(database: sqlite3.Connection, label: str) -> Iterator[Raw | SetAside]:
    kind = database.execute("SELECT type FROM sqlite_master WHERE name = 'systems'").fetchone()
    if kind is None or kind[0] != "table":
        raise DatasetError(f"{label} is an SQLite file, but not an ASE database: it has no table “systems”.")
    there = [row[1] for row in database.execute("PRAGMA table_info(systems)")]
    columns = [name for name in _COLUMNS if name in there]
    if not {"id", "numbers", "positions", "cell", "pbc"} <= set(columns):
        raise DatasetError(f"{label}: the table “systems” is not that of an ASE database of today's format.")
    for frame, values in enumerate(database.execute(f"SELECT {', '.join(columns)} FROM systems ORDER BY id")):
        row = dict(zip(columns, values, strict=True))
        where = f"{label}, row {row['id']} (frame {frame})"
        try:
            yield _row(_unpacked(row, where), where)
        except StructureError as error:
            yield SetAside(where, _without(where, error))


def _unpacked(row: dict[str, Any], where: str) -> dict[str, Any]:
    """Turn the columns of a row into what the JSON database has."""
    fields = dict(row)
    for name, kind in (("numbers", "<i4"), ("positions", "<f8"), ("cell", "<f8"), ("forces", "<f8"), ("stress", "<f8")):
        if isinstance(row.get(name), bytes):
            fields[name] = _blob(row[name], kind, name in ("positions", "cell", "forces"), f"{where}, field {name}")
        elif row.get(name) is not None:
            raise StructureError(f"{where}, field {name}: expected numbers.")
    if isinstance(row["pbc"], int):
        fields["pbc"] = [bool(row["pbc"] & bit) for bit in (1, 2, 4)]
    pairs, data = row.get("key_value_pairs"), row.get("data")
    fields["key_value_pairs"] = parse_json(pairs.encode(), where) if isinstance(pairs, str) and pairs else {}
    fields["data"] = _data(data, where)
    return fields


def _blob(data: bytes, kind: str, vectors: bool, where: str) -> np.ndarray:
    size = np.dtype(kind).itemsize * (3 if vectors else 1)
    if len(data) % size:
        raise StructureError(f"{where}: {len(data)} bytes are no whole count of {'vectors' if vectors else 'numbers'}.")
    array = np.frombuffer(data, kind)
    return array.reshape(-1, 3) if vectors else array


def _without(where: str, error: StructureError) -> str:
    """Say the error without the place, which stands beside it."""
    return str(error).removeprefix(where).lstrip(":, ").rstrip(".")


def _data(data: Any, where: str) -> Any:
    """Return what a row keeps beside its results; arrays of databases since version 9 lie in one block of bytes."""
    if isinstance(data, str):
        return parse_json(data.encode(), where)
    if not isinstance(data, bytes) or len(data) < 8:
        return {}
    at = int(np.frombuffer(data, "<i8", 1)[0])
    tree = parse_json(data[at:], f"{where}, field data") if 8 <= at <= len(data) else {}
    found = {}
    for name, value in tree.items() if isinstance(tree, dict) else ():
        entry = value.get("__ndarray__") if isinstance(value, dict) else None
        found[name] = value if entry is None else stored_array(data, entry, "<", f"{where}, field {name}")
    return found


def _row(row: dict[str, Any], where: str) -> Raw | SetAside:
    """Make a structure of a row, with its pairs and data beside its results."""
    extra = {}
    for part in ("key_value_pairs", "data"):
        value = row.get(part)
        extra.update({str(k): _plain(v) for k, v in value.items()} if isinstance(value, dict) else {})
    return _raw(row, where, row, extra)


def _raw(fields: dict[str, Any], where: str, results: dict[str, Any], extra: dict[str, Any]) -> Raw | SetAside:
    try:
        atoms = structure_of(
            {name: fields.get(name) for name in ("numbers", "positions", "cell", "pbc")}, where, _MOST_ATOMS
        ).atoms
    except StructureError as error:
        return SetAside(where, _without(where, error))
    for name, value in extra.items():
        _put(atoms, name, value)
    values = {name: _plain(results.get(name)) for name in RESULTS}
    attach(atoms, {name: value for name, value in values.items() if _numeric(value)})
    return Raw(atoms, where)


def _plain(value: Any) -> Any:
    """Undo ASE's wrapping of an array in JSON."""
    entry = value.get("__ndarray__") if isinstance(value, dict) else None
    if not (isinstance(entry, list) and len(entry) == 3 and isinstance(entry[2], list)):
        return value
    try:
        array = np.array(entry[2])
        return array.reshape([int(n) for n in entry[0]]) if isinstance(entry[0], list) else array
    except (ValueError, TypeError, OverflowError):
        return None


def _numeric(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    try:
        return np.asarray(value).dtype.kind in "iuf"
    except (ValueError, OverflowError):
        return False


def _put(atoms: Atoms, name: str, value: Any) -> None:
    """Keep a value with the structure: one an atom among the arrays, else in ``info``; objects are left out."""
    if isinstance(value, str | bool | int | float):
        atoms.info.setdefault(name, value)
    elif isinstance(value, list | np.ndarray) and _numeric(value):
        array = np.asarray(value)
        if array.shape[:1] == (len(atoms),) and name not in atoms.arrays:
            atoms.set_array(name, array)
        else:
            atoms.info.setdefault(name, array)
