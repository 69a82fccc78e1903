"""One frame of XYZ or extended XYZ: from its lines to a structure with all columns and keys."""

import re
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.structures.frozen import constrain
from mlip_core.structures.species import Named, element_of, isotope_note
from mlip_core.structures.words import element_by_number, integer, is_number, number, shown
from mlip_core.structures.xyz_cell import cell_and_pbc
from mlip_core.structures.xyz_header import TRUTH, Header, header, value

_PROPERTY = re.compile(r"(.+?):([RISL]):(\d+)(?::|$)", re.IGNORECASE)
_MOST_COLUMNS = 1000
_SPECIES = ("species", "symbols", "symbol", "elements", "element")
_NUMBERS = ("z", "numbers", "atomic_numbers", "atomic_number")
_POSITIONS = ("pos", "positions", "position", "coordinates", "coords")
_STRUCTURE = {*_SPECIES, *_NUMBERS, *_POSITIONS, "move_mask"}
_SPECIAL = {"lattice", "properties", "pbc"}


class XyzColumn(NamedTuple):
    """One property of the atoms."""

    name: str
    """Name of the property, in lower case."""
    kind: str
    """R, I, S or L."""
    first: int
    """Its first word in a row."""
    width: int
    """Number of words that it takes in a row."""


_PLAIN = [XyzColumn("species", "S", 0, 1), XyzColumn("pos", "R", 1, 3)]


def atoms_of(comment: str, rows: list[str], line: int, *, whole: bool = True) -> tuple[Atoms, list[str]]:
    """Read one frame.

    Parameters
    ----------
    comment : str
        Its second line.
    rows : list of str
        Its atoms.
    line : int
        Number of the second line in the file.
    whole : bool
        False reads what makes the structure and leaves other columns and keys alone.

    Returns
    -------
    Atoms
        With the columns in ``arrays`` and the keys in ``info``.
    list of str
        Notes.

    Raises
    ------
    StructureError
        Naming the line.
    """
    said = header(comment)
    where = f"line {line}"
    properties = said.get("properties")
    columns = _columns(properties.text, where) if properties else _PLAIN
    words = _split(rows, columns, line + 1)
    cell, pbc, scale, notes = cell_and_pbc(said, comment, where)
    wanted = [column for column in columns if whole or column.name.lower() in _STRUCTURE]
    arrays = {column.name: _array(words, column, line + 1) for column in wanted}
    places = arrays.pop(_one(columns, _POSITIONS, "R", 3, where).name)
    numbers, more = _elements(arrays, columns, line + 1)
    atoms = Atoms(numbers=numbers, positions=_finite(places, words, columns, line + 1) * scale, cell=cell, pbc=pbc)
    notes += more + _constrain(atoms, arrays)
    for name, array in arrays.items():
        if name not in ("numbers", "positions"):
            atoms.arrays[name] = array
    atoms.info.update(_info(said) if whole else {})
    if properties is None and max(map(len, words)) > 4:
        notes.append("the columns after the fourth are left out: the second line does not say what they are")
    return atoms, notes


def _columns(text: str, where: str) -> list[XyzColumn]:
    found: dict[str, XyzColumn] = {}
    at = first = 0
    while at < len(text):
        match = _PROPERTY.match(text, at)
        if match is None:
            raise _not_properties(text, at, where)
        name, kind, width = match[1], match[2].upper(), int(match[3][:6])
        if not 1 <= width <= _MOST_COLUMNS or first > _MOST_COLUMNS:
            raise StructureError(
                f"{where}: Properties: {shown(name)} has {shown(match[3])} columns; expected 1 to {_MOST_COLUMNS}."
            )
        found.setdefault(name, XyzColumn(name, kind, first, width))
        first, at = first + width, match.end()
    columns = list(found.values())
    _one(columns, _POSITIONS, "R", 3, where)
    if not any(_is(column, _SPECIES, "SI", 1) or _is(column, _NUMBERS, "I", 1) for column in columns):
        raise _missing(columns, where)
    return columns


def _not_properties(text: str, at: int, where: str) -> StructureError:
    parts = text[at:].split(":")
    if len(parts) >= 3:
        return StructureError(
            f"{where}: Properties: {shown(parts[0])} has type {shown(parts[1])} and {shown(parts[2])} columns; "
            f"expected R, I, S or L and 1 to {_MOST_COLUMNS}."
        )
    return StructureError(
        f"{where}: Properties: expected triples name:type:columns, such as species:S:1:pos:R:3, but found {shown(text)}."
    )


def _is(column: XyzColumn, names: tuple[str, ...], kinds: str, width: int) -> bool:
    return column.name.lower() in names and column.kind in kinds and column.width == width


def _one(columns: list[XyzColumn], names: tuple[str, ...], kind: str, width: int, where: str) -> XyzColumn:
    for name in names:
        for column in columns:
            if _is(column, (name,), kind, width):
                return column
    raise _missing(columns, where)


def _missing(columns: list[XyzColumn], where: str) -> StructureError:
    said = ":".join(f"{column.name}:{column.kind}:{column.width}" for column in columns)
    return StructureError(
        f"{where}: Properties: expected species:S:1 (or Z:I:1) and pos:R:3 among them, but found {shown(said)}."
    )


def _split(rows: list[str], columns: list[XyzColumn], line: int) -> list[list[str]]:
    total = max(column.first + column.width for column in columns)
    words = [row.split() for row in rows]
    short = next((k for k, row in enumerate(words) if len(row) < total), None)
    if short is not None:
        raise StructureError(
            f"line {line + short}: expected {total} columns (an element and x, y, z among them), but found {len(words[short])}."
        )
    return words


def _array(words: list[list[str]], column: XyzColumn, line: int) -> np.ndarray:
    """(n,) or (n, width) values of a column, checked word by word where the quick way stumbles."""
    last = column.first + column.width
    cells = [word for row in words for word in row[column.first : last]]
    if column.kind == "S":
        array = np.array(cells, dtype=object)
    elif column.kind == "L":
        array = np.array([_truth(cell, line + k // column.width, column.name) for k, cell in enumerate(cells)])
    else:
        array = _numbers(cells, column, line)
    return array if column.width == 1 else array.reshape(-1, column.width)


def _numbers(cells: list[str], column: XyzColumn, line: int) -> np.ndarray:
    joined = "".join(cells)
    kind: Any = float if column.kind == "R" else int
    if joined.isascii() and "_" not in joined:
        try:
            return np.array([kind(cell) for cell in cells], dtype=kind)
        except (ValueError, OverflowError):
            pass
    what = f"a value of {shown(column.name)}"
    if column.name.lower() in _POSITIONS:
        what = "xyz"
    return np.array([_slow(cell, column, f"line {line + k // column.width}", what, k) for k, cell in enumerate(cells)])


def _slow(cell: str, column: XyzColumn, where: str, what: str, k: int) -> float:
    what = what[k % 3] if what == "xyz" else what
    if column.kind == "I":
        return integer(cell, where, what)
    if not is_number(cell) and cell.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return float(cell)
    return number(cell, where, what)


def _truth(word: str, line: int, name: str) -> bool:
    if (found := {**TRUTH, "1": True, "0": False}.get(word.lower())) is None:
        raise StructureError(f"line {line}: {shown(name)}: expected T or F, but found {shown(word)}.")
    return found


def _finite(places: np.ndarray, words: list[list[str]], columns: list[XyzColumn], line: int) -> np.ndarray:
    """Return the positions, or name the first that is not finite."""
    bad = np.argwhere(~np.isfinite(places))
    if len(bad):
        row, axis = bad[0]
        column = _one(columns, _POSITIONS, "R", 3, "")
        number(words[row][column.first + axis], f"line {line + row}", "xyz"[axis])
        raise StructureError(f"line {line + row}: expected {'xyz'[axis]}, a finite number.")
    return places


def _elements(arrays: dict[str, np.ndarray], columns: list[XyzColumn], line: int) -> tuple[np.ndarray, list[str]]:
    """(n,) atomic numbers, taken out of the arrays, and notes."""
    by_name = {name: c.name for name in _SPECIES for c in columns if _is(c, (name,), "SI", 1)}
    by_number = {name: c.name for name in _NUMBERS for c in columns if _is(c, (name,), "I", 1)}
    labels = arrays.pop(next(iter(by_name.values()))) if by_name else None
    numbers = arrays.pop(next(iter(by_number.values()))) if by_number else None
    if numbers is not None:
        for z, k in _first_of(numbers).items():
            element_by_number(int(z), f"line {line + k}")
    if labels is None or (numbers is not None and all(str(label).isdecimal() for label in set(labels))):
        return np.asarray(numbers), []
    named = {label: element_of(str(label), f"line {line + k}") for label, k in _first_of(labels).items()}
    found = np.array([named[label].z for label in labels])
    notes = _notes(named)
    if numbers is not None and (found != numbers).any():
        k = int(np.argmax(found != numbers))
        notes.append(f"line {line + k}: the column of symbols and that of atomic numbers differ; the symbols are taken")
    return found, notes


def _first_of(values: np.ndarray) -> dict[Any, int]:
    """Each value with the row where it is first."""
    found: dict[Any, int] = {}
    for k, one in enumerate(values.tolist()):
        found.setdefault(one, k)
    return found


def _notes(named: dict[Any, Named]) -> list[str]:
    return [isotope_note()] if any(name.isotope for name in named.values()) else []


def _constrain(atoms: Atoms, arrays: dict[str, np.ndarray]) -> list[str]:
    """Make constraints of the column move_mask, in which true means that an atom may move."""
    name = next((name for name in arrays if name.lower() == "move_mask"), None)
    if name is None or arrays[name].dtype.kind not in "bi" or arrays[name].shape[1:] not in ((), (3,)):
        return []
    fixed = ~arrays.pop(name).astype(bool)
    return constrain(atoms, cartesian=fixed if fixed.ndim == 2 else np.repeat(fixed[:, None], 3, axis=1))


def _info(said: Header) -> dict[str, Any]:
    found = {key: value(entry) for key, entry in said.entries.items() if key.lower() not in _SPECIAL}
    for key, array in found.items():
        if key.lower() in ("virial", "stress") and np.shape(array) == (9,):
            found[key] = array.reshape(3, 3, order="F")  # as ASE writes them
    if said.get("properties", "lattice"):
        found |= {flag: True for flag in said.flags if flag not in found}
    return found
