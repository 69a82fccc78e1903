"""vasprun.xml: the last structure that is whole."""

from typing import Any
from xml.parsers import expat

import numpy as np
from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.structures.frozen import constrain
from mlip_core.structures.species import element_of, isotope_note
from mlip_core.structures.words import Parsed, number, too_many

_DEEPEST = 50
_TYPOS = {"r": "Zr", "X": "Xe"}
"""Symbols as some versions of VASP write them."""
_WANTED = ("basis", "positions", "selective")


def read_vasprun(data: bytes, max_atoms: int) -> Parsed:
    """Read the last structure, also of a file that breaks off.

    Parameters
    ----------
    data : bytes
        The file. Only elements, lattices, positions and what selective dynamics holds are kept.
    max_atoms : int
        More are refused.

    Returns
    -------
    Parsed
        Periodic in three directions.

    Raises
    ------
    StructureError
        Saying what is missing.
    """
    reading = _Reading(max_atoms)
    damage = reading.parse(data)
    if not reading.symbols:
        raise StructureError(f"This vasprun.xml does not list its atoms{damage or ': expected atominfo'}.")
    if reading.last is None:
        raise StructureError(f"This vasprun.xml has no whole structure{damage}.")
    named = [element_of(_TYPOS.get(symbol, symbol), f"atom {i + 1}") for i, symbol in enumerate(reading.symbols)]
    cell = _rows(reading.last["basis"], "the lattice vectors", 3)
    places = _rows(reading.last["positions"], "the positions", len(named))
    atoms = Atoms([name.z for name in named], positions=places @ cell, cell=cell, pbc=True)
    notes = [isotope_note()] if any(name.isotope for name in named) else []
    if flags := reading.flags:
        fixed = np.array(
            [[word.strip(".").upper()[:1] == "F" for word in row.split()[:3]] for row in flags if len(row.split()) >= 3]
        )
        if fixed.shape == (len(named), 3):
            notes += [f"selective dynamics: {note}" for note in constrain(atoms, scaled=fixed)]
    if damage:
        notes.append("the file breaks off; the last structure that is whole is read")
    return Parsed(atoms, [f"atom {i + 1} of vasprun.xml" for i in range(len(named))], notes)


def _rows(texts: list[str], what: str, count: int) -> np.ndarray:
    rows = [text.split() for text in texts]
    if len(rows) != count or any(len(row) != 3 for row in rows):
        raise StructureError(f"vasprun.xml, {what} of the last structure: expected {count} rows of three numbers.")
    return np.array([[number(word, f"row {k + 1}", f"{what}") for word in row] for k, row in enumerate(rows)])


class _Reading:
    """What is kept while the file goes by."""

    def __init__(self, max_atoms: int) -> None:
        self.symbols: list[str] = []
        self.last: dict[str, list[str]] | None = None
        self.flags: list[str] = []
        self._max_atoms = max_atoms
        self._open: list[tuple[str, str]] = []
        self._arrays: dict[str, list[str]] = {}
        self._row: list[str] | None = None
        self._text: list[str] | None = None

    def parse(self, data: bytes) -> str:
        """Go through the file; return where it breaks off, or nothing."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            return f": it breaks off, or is no XML, in line {error.lineno}"
        except StructureError:
            raise
        except (LookupError, ValueError):
            return ": its first line names an encoding that is not known"
        return ""

    def _refuse(self, *_: Any) -> None:
        raise StructureError("This XML declares a document type, which no vasprun.xml does.")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open and tag != "modeling":
            raise StructureError("Expected the XML that VASP writes, which begins with modeling.")
        if len(self._open) > _DEEPEST:
            raise StructureError("This XML is nested too deeply to be a vasprun.xml.")
        self._open.append((tag, attributes.get("name", "")))
        if tag == "structure":
            self._arrays = {}
        elif tag == "varray" and self._within("structure") and attributes.get("name") in _WANTED:
            self._arrays[attributes["name"]] = []
        elif (tag == "v" and self._open[-2][1] in self._arrays) or (tag == "c" and self._within_atoms()):
            self._text = []
        elif tag == "rc" and self._within_atoms():
            self._row = []

    def _within(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._open)

    def _within_atoms(self) -> bool:
        return ("array", "atoms") in self._open

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        text, self._text = "".join(self._text or [])[:1000].strip(), None
        if tag == "v" and (rows := self._arrays.get(self._open[-2][1])) is not None and self._within("structure"):
            rows.append(text)
            self._bound(len(rows))
        elif tag == "c" and self._row is not None:
            self._row.append(text)
        elif tag == "rc" and self._row:
            self.symbols.append(self._row[0])
            self._row = None
            self._bound(len(self.symbols))
        elif tag == "structure":
            primitive = self._open[-1][1] == "primitive_cell"  # VASP 6 shows it beside the structure that it computes
            if "basis" in self._arrays and "positions" in self._arrays and not primitive:
                self.last = {name: self._arrays[name] for name in ("basis", "positions")}
            self.flags = self._arrays.get("selective", self.flags)
            self._arrays = {}
        self._open.pop()

    def _bound(self, count: int) -> None:
        if count > self._max_atoms:
            raise too_many(count, self._max_atoms, "vasprun.xml")
