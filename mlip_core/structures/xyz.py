"""XYZ and extended XYZ; of several frames the last."""

import re
from typing import NamedTuple

import numpy as np
from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.structures.words import (
    HYDROGEN_ISOTOPES,
    Parsed,
    element,
    element_by_number,
    integer,
    lines_of,
    number,
    shown,
    too_many,
)

_VALUE = r"\s*=\s*(\"[^\"]*\"|'[^']*'|\{[^}]*\}|\[[^\]]*\]|\S*)"
_KEYS = {key: re.compile(rf"(?<![\w-]){key}{_VALUE}", re.IGNORECASE) for key in ("lattice", "properties", "pbc")}
_TRUTH = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}
_MOST_COLUMNS = 1000


class _Columns(NamedTuple):
    species: int
    by_number: bool
    position: int
    total: int


def read_xyz(text: str, max_atoms: int) -> Parsed:
    """Read the last frame.

    Parameters
    ----------
    text : str
        The file. ``Lattice``, ``pbc`` and ``Properties`` of the comment lines are
        understood; everything else in them, and every other column, is left out.
    max_atoms : int
        More in any frame are refused before they are read.

    Returns
    -------
    Parsed
        Periodic where the file says so; without a ``Lattice`` not at all.

    Raises
    ------
    StructureError
        Naming the line and what was expected there.
    """
    lines = lines_of(text)
    start, n_atoms = _last_frame(lines, max_atoms)
    keys = _keys(lines[start])
    comment = f"line {start + 1}"
    columns = _columns(keys["properties"], comment) if "properties" in keys else _Columns(0, False, 1, 4)
    cell = _lattice(keys["lattice"], comment) if "lattice" in keys else None
    pbc = _pbc(keys["pbc"], comment) if "pbc" in keys else [cell is not None] * 3
    rows = [_row(lines[start + 1 + i], start + 2 + i, columns) for i in range(n_atoms)]
    atoms = Atoms(numbers=[z for z, _, _ in rows], positions=[r for _, r, _ in rows], cell=cell, pbc=pbc)
    isotopes = any(isotope for _, _, isotope in rows)
    notes = ["deuterium and tritium are read as hydrogen of natural mass"] if isotopes else []
    return Parsed(atoms, [f"line {start + 2 + i}" for i in range(n_atoms)], notes)


def _last_frame(lines: list[str], max_atoms: int) -> tuple[int, int]:
    """Index of the last frame's comment line, and its number of atoms."""
    k, found = 0, None
    while k < len(lines):
        if not lines[k].strip():
            k += 1
            continue
        n_atoms = integer(lines[k].strip(), f"line {k + 1}", "the number of atoms of a frame")
        if n_atoms < 1:
            raise StructureError(f"line {k + 1}: expected at least one atom, but found {n_atoms}.")
        if n_atoms > max_atoms:
            raise too_many(n_atoms, max_atoms, f"line {k + 1}")
        there = sum(1 for line in lines[k + 2 : k + 2 + n_atoms] if line.strip())
        if there < n_atoms:
            raise StructureError(
                f"line {k + 1}: {n_atoms} atoms are announced, but only {there} lines of atoms follow."
            )
        found = k + 1, n_atoms
        k += 2 + n_atoms
    if found is None:
        raise StructureError("line 1: expected the number of atoms, but the file is empty.")
    return found


def _keys(comment: str) -> dict[str, str]:
    """Return the values of the keys that are understood; of a key that is there twice the first."""
    found = {key: pattern.search(comment) for key, pattern in _KEYS.items()}
    return {key: match[1].strip("\"'{}[]") for key, match in found.items() if match}


def _lattice(value: str, where: str) -> np.ndarray:
    words = re.split(r"[\s,]+", value.strip(" ,"))
    if len(words) != 9:
        raise StructureError(
            f"{where}: Lattice: expected nine numbers (x y z of a, b and c), but found {len(words) if words != [''] else 0}."
        )
    axes = [f"{axis} of lattice vector {vector}" for vector in "abc" for axis in "xyz"]
    return np.array([number(w, f"{where}: Lattice", axis) for w, axis in zip(words, axes, strict=True)]).reshape(3, 3)


def _pbc(value: str, where: str) -> list[bool]:
    words = [word.lower() for word in re.split(r"[\s,]+", value.strip(" ,"))]
    if len(words) not in (1, 3) or not set(words) <= set(_TRUTH):
        raise StructureError(
            f"{where}: pbc: expected T or F for each of the three directions, but found {shown(value)}."
        )
    return [_TRUTH[word] for word in words] * (3 // len(words))


def _columns(value: str, where: str) -> _Columns:
    parts = value.split(":")
    if len(parts) % 3:
        raise StructureError(
            f"{where}: Properties: expected triples name:type:columns, such as species:S:1:pos:R:3, but found {shown(value)}."
        )
    at, starts = 0, {}
    for name, kind, count in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        width = integer(count, f"{where}: Properties", f"the number of columns of {shown(name)}")
        if kind not in ("R", "I", "S", "L") or not 1 <= width <= _MOST_COLUMNS:
            raise StructureError(
                f"{where}: Properties: {shown(name)} has type {shown(kind)} and {width} columns; expected R, I, S or L and 1 to {_MOST_COLUMNS}."
            )
        starts[name.lower(), kind, width] = at
        at += width
    species = next((starts[key] for key in (("species", "S", 1), ("symbols", "S", 1)) if key in starts), None)
    by_number = next((starts[key] for key in (("z", "I", 1), ("numbers", "I", 1)) if key in starts), None)
    position = next((starts[key] for key in (("pos", "R", 3), ("positions", "R", 3)) if key in starts), None)
    if position is None or (species is None and by_number is None):
        raise StructureError(
            f"{where}: Properties: expected species:S:1 (or Z:I:1) and pos:R:3 among them, but found {shown(value)}."
        )
    if species is not None:
        return _Columns(species, False, position, at)
    return _Columns(by_number or 0, True, position, at)


def _row(line: str, k: int, columns: _Columns) -> tuple[int, list[float], bool]:
    """Atomic number, position, and whether it is a hydrogen isotope."""
    words, where = line.split(), f"line {k}"
    if len(words) < columns.total:
        raise StructureError(
            f"{where}: expected {columns.total} columns (an element and x, y, z among them), but found {len(words)}."
        )
    symbol = words[columns.species]
    if columns.by_number or symbol.isdecimal():
        z = element_by_number(integer(symbol, where, "an atomic number"), where)
    else:
        z = element(symbol, where)
    place = words[columns.position : columns.position + 3]
    return (
        z,
        [number(word, where, axis) for word, axis in zip(place, "xyz", strict=True)],
        symbol.upper() in HYDROGEN_ISOTOPES,
    )
