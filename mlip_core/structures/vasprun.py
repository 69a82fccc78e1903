"""vasprun.xml: the last structure that is whole."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.structures.frozen import constrain
from mlip_core.structures.species import Named, element_of, isotope_note
from mlip_core.structures.words import Parsed, number, too_many

_TYPOS = {"r": "Zr", "X": "Xe"}
"""Symbols as some versions of VASP write them."""
_BYTES_AN_ATOM = 1000
"""More than any element of the file needs for an atom; what is longer is not parsed."""
_BYTES_BESIDE = 100_000


def read_vasprun(data: bytes, max_atoms: int) -> Parsed:
    """Read the last structure, also of a file that breaks off.

    Parameters
    ----------
    data : bytes
        The file. Only the list of atoms and the last structure in it are parsed.
    max_atoms : int
        More are refused.

    Returns
    -------
    Parsed
        Periodic in three directions; what selective dynamics holds is fixed by constraints.

    Raises
    ------
    StructureError
        Saying what is missing.
    """
    if b"<modeling" not in data[:4096]:
        raise StructureError("Expected the XML that VASP writes, which begins with modeling.")
    named = _elements(data, max_atoms)
    structure = _last_structure(data, max_atoms)
    cell = _rows(structure, "basis", "the lattice vectors", 3)
    places = _rows(structure, "positions", "the positions", len(named))
    atoms = Atoms([name.z for name in named], positions=places @ cell, cell=cell, pbc=True)
    notes = [isotope_note()] if any(name.isotope for name in named) else []
    fixed = _fixed(data, max_atoms)
    if fixed is not None and len(fixed) == len(atoms):
        notes += [f"selective dynamics: {note}" for note in constrain(atoms, scaled=fixed)]
    if not data.rstrip().endswith(b"</modeling>"):
        notes.append("the file breaks off; the last structure that is whole is read")
    return Parsed(atoms, [f"atom {i + 1} of vasprun.xml" for i in range(len(atoms))], notes)


def _elements(data: bytes, max_atoms: int) -> list[Named]:
    """Elements in the order of the atoms."""
    info = next(_pieces(data, "atominfo", max_atoms), None)
    array = None if info is None else info.find("array[@name='atoms']")
    symbols = [] if array is None else [(row.findtext("c") or "").strip() for row in array.iter("rc")]
    if not symbols:
        raise StructureError("This vasprun.xml does not list its atoms: expected a whole element atominfo.")
    if len(symbols) > max_atoms:
        raise too_many(len(symbols), max_atoms, "vasprun.xml")
    return [element_of(_TYPOS.get(symbol, symbol), f"atom {i + 1}") for i, symbol in enumerate(symbols)]


def _last_structure(data: bytes, max_atoms: int) -> ElementTree.Element:
    for piece in _pieces(data, "structure", max_atoms):
        if piece.get("name") != "primitive_cell":  # VASP 6 shows it beside the structure that it computes
            return piece
    raise StructureError("This vasprun.xml has no whole structure: the calculation had not begun.")


def _fixed(data: bytes, max_atoms: int) -> np.ndarray | None:
    """(n, 3): which lattice directions are fixed; only the first and the last structure have the flags."""
    for piece in _pieces(data, "varray", max_atoms, b' name="selective"'):
        rows = [(row.text or "").split() for row in piece.iter("v")]
        if rows and all(len(row) == 3 for row in rows):
            return np.array([[word.strip(".").upper()[:1] == "F" for word in row] for row in rows])
    return None


def _pieces(data: bytes, tag: str, max_atoms: int, rest: bytes = b"") -> Iterator[ElementTree.Element]:
    """Parse the whole elements of a kind, from the last to the first, each by itself."""
    start, end, at = re.compile(rb"<%s(?=[\s>])%s" % (tag.encode(), rest)), f"</{tag}>".encode(), len(data)
    longest = _BYTES_AN_ATOM * max_atoms + _BYTES_BESIDE
    while (close := data.rfind(end, 0, at)) >= 0:
        at = data.rfind(f"<{tag}".encode(), 0, close)
        if at < 0:
            return
        if start.match(data, at) is None:
            continue
        if close - at > longest:
            raise StructureError(
                f"This vasprun.xml has more than the {max_atoms:,} atoms that are accepted, or is damaged."
            )
        try:
            yield ElementTree.fromstring(data[at : close + len(end)].decode("latin-1"))
        except ElementTree.ParseError as error:
            line = data.count(b"\n", 0, at) + error.position[0]
            raise StructureError(f"line {line}: expected the XML that VASP writes. The file is damaged.") from error


def _rows(structure: ElementTree.Element, name: str, what: str, count: int) -> np.ndarray:
    array = next((one for one in structure.iter("varray") if one.get("name") == name), None)
    rows = [] if array is None else [(row.text or "").split() for row in array.iter("v")]
    if len(rows) != count or any(len(row) != 3 for row in rows):
        raise StructureError(f"vasprun.xml, {what} of the last structure: expected {count} rows of three numbers.")
    return np.array([[number(word, f"row {k + 1}", what) for word in row] for k, row in enumerate(rows)])
