"""The cell and the periodic directions that the second line of a frame of XYZ states."""

import re

import numpy as np
from ase.cell import Cell
from ase.units import Bohr

from mlip_core.errors import StructureError
from mlip_core.structures.words import number, shown
from mlip_core.structures.xyz_header import TRUTH, Header, HeaderEntry, words_of

_YES_OR_NO = {**TRUTH, "1": True, "0": False}
_IPI = re.compile(r"CELL[(\[{](abcABC|H)[)\]}]:((?:\s+[-+.\deE]+)+)")
_UNIT = re.compile(r"\b(cell|\w+)\{(\w+)\}")
_LENGTHS = {"angstrom": 1.0, "atomic_unit": Bohr, "automatic": Bohr}


def cell_and_pbc(said: Header, comment: str, where: str) -> tuple[np.ndarray | None, list[bool], float, list[str]]:
    """Read them.

    Parameters
    ----------
    said : Header
        Keys and values of the line.
    comment : str
        The line.
    where : str
        How it is called in messages.

    Returns
    -------
    cell : (3, 3) array or None
        Vectors in rows, Å.
    pbc : list of bool
        What the line says; else true where there is a lattice.
    scale : float
        What positions are multiplied with to be in Å.
    notes : list of str

    Raises
    ------
    StructureError
        Saying what was expected.
    """
    scale, notes = 1.0, []
    lattice, other = said.get("lattice"), said.get("cell")
    cell = None
    if lattice is not None:
        cell = _lattice(lattice, where)
    elif match := _IPI.search(comment):
        cell, scale = _of_ipi(match[1], match[2].split(), comment, where)
        notes.append("the cell is that of the comment, in i-PI's manner")
    elif other is not None and len(words_of(other)) in (3, 9):
        cell = _lattice(other, where)
        notes.append("the key “cell” is read as the lattice")
    pbc = said.get("pbc")
    return cell, [cell is not None] * 3 if pbc is None else _pbc(pbc, where), scale, notes


def _lattice(entry: HeaderEntry, where: str) -> np.ndarray:
    words = words_of(entry)
    if len(words) == 3:
        return np.diag(
            [number(w, f"{where}: Lattice", f"the length along {x}") for w, x in zip(words, "xyz", strict=True)]
        )
    if len(words) != 9:
        raise StructureError(
            f"{where}: Lattice: expected nine numbers (x y z of a, b and c) or three (a box), but found {len(words)}."
        )
    axes = [f"{axis} of lattice vector {vector}" for vector in "abc" for axis in "xyz"]
    return np.array([number(w, f"{where}: Lattice", axis) for w, axis in zip(words, axes, strict=True)]).reshape(3, 3)


def _pbc(entry: HeaderEntry, where: str) -> list[bool]:
    words = [word.lower() for word in words_of(entry)]
    if len(words) not in (1, 3) or not set(words) <= set(_YES_OR_NO):
        raise StructureError(
            f"{where}: pbc: expected T or F for each of the three directions, but found {shown(entry.text)}."
        )
    return [_YES_OR_NO[word] for word in words] * (3 // len(words))


def _of_ipi(kind: str, words: list[str], comment: str, where: str) -> tuple[np.ndarray, float]:
    """Cell in Å and the unit of the positions: i-PI names both, such as positions{angstrom} cell{atomic_unit}."""
    units = {what: unit for what, unit in _UNIT.findall(comment) if what != "CELL"}
    for_cell, what = units.pop("cell", "automatic"), next(iter(units), "positions")
    if what not in ("positions", "x_centroid", "position"):
        raise StructureError(f"{where}: expected positions, but this file of i-PI holds {shown(what)}.")
    for unit in (for_cell, units.get(what, "automatic")):
        if unit not in _LENGTHS:
            raise StructureError(f"{where}: expected angstrom or atomic_unit as the unit, but found {shown(unit)}.")
    count = 6 if kind == "abcABC" else 9
    if len(words) < count:
        raise StructureError(f"{where}: CELL({kind}): expected {count} numbers, but found {len(words)}.")
    values = np.array([number(word, f"{where}: CELL({kind})", "a length or angle") for word in words[:count]])
    if kind == "H":
        cell = values.reshape(3, 3).T
    elif (values[:3] <= 0).any() or (values[3:] <= 0).any() or (values[3:] >= 180).any():
        raise StructureError(f"{where}: CELL({kind}): expected lengths above 0 and angles between 0 and 180°.")
    else:
        a, b, c = np.cos(np.radians(values[3:]))
        if 1 - a * a - b * b - c * c + 2 * a * b * c <= 1e-9:
            raise StructureError(f"{where}: CELL({kind}): the three angles span no cell.")
        cell = Cell.fromcellpar(values).array
    return cell * _LENGTHS[for_cell], _LENGTHS[units.get(what, "automatic")]
