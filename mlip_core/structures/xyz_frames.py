"""XYZ and extended XYZ: the frames of a file, one after the other, for structures and for data sets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties
from ase.calculators.singlepoint import SinglePointCalculator
from ase.stress import full_3x3_to_voigt_6_stress

from mlip_core.errors import StructureError
from mlip_core.structures.words import integer, shown, too_many
from mlip_core.structures.xyz_rows import atoms_of

MOST_ATOMS = 100_000
LONGEST_LINE = 1_000_000
"""Characters."""
_COUNT = re.compile(r"\s*\d{1,15}\s*", re.ASCII)
_SHAPES: dict[str, tuple[tuple[int, ...], ...]] = {"stress": ((6,), (3, 3)), "dipole": ((3,),), "magmom": ((), (3,))}
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class XyzFrame:
    """One frame: the structure, or why it is none."""

    number: int
    """Counted from 0."""
    line: int
    """Line of the file that has the number of atoms, counted from 1."""
    atoms: Atoms | None
    """With every column in ``arrays`` and every key in ``info``, as they are spelled; None where ``error`` is not."""
    notes: tuple[str, ...]
    """What was understood otherwise than it is written, or left out, in words."""
    error: StructureError | None
    """Why this frame cannot be read; the message names the line."""

    def whole(self) -> Atoms:
        """Return the structure, or raise the error."""
        if self.atoms is None:
            raise self.error or StructureError(f"line {self.line}: there is no structure.")
        return self.atoms


class FrameLines(NamedTuple):
    """The lines of one frame, or why they are none."""

    line: int
    """Line of the number of atoms."""
    comment: str
    """Second line of the frame: text, or the keys of extended XYZ."""
    rows: list[str]
    """One line for each atom."""
    error: StructureError | None
    """Why these lines are no frame; None if they are one."""


def frames(file: TextIO, *, max_atoms: int = MOST_ATOMS) -> Iterator[XyzFrame]:
    """Read every frame of XYZ or extended XYZ, one in memory at a time.

    Keys are understood without regard to case: ``Lattice`` (nine numbers, three, or
    nested lists; ``cell`` where it is not there), ``pbc`` (``T T F``, ``1 1 0``, lists)
    and ``Properties``. Without ``pbc`` a frame with a lattice is periodic in three
    directions. The cell in a comment of i-PI is read in the unit that stands beside it.
    A frame that cannot be read has an error instead of a structure, and reading goes on
    with the next.

    Parameters
    ----------
    file : text file
        Open for reading, such as :func:`open_xyz` opens it; not sought in.
    max_atoms : int
        Frames with more have an error.

    Yields
    ------
    XyzFrame
        Columns keep their names in ``arrays`` (R: float, I: int, L: bool, S: object),
        all but the element and the position; ``move_mask`` becomes constraints. Of a
        plain XYZ no column after the fourth is kept.
    """
    for number, block in enumerate(blocks(file, max_atoms)):
        yield _frame(number, block)


def _frame(number: int, block: FrameLines) -> XyzFrame:
    if block.error is not None:
        return XyzFrame(number, block.line, None, (), block.error)
    try:
        atoms, notes = atoms_of(block.comment, block.rows, block.line + 1)
    except StructureError as error:
        return XyzFrame(number, block.line, None, (), error)
    return XyzFrame(number, block.line, atoms, tuple(notes), None)


def attach_results(atoms: Atoms) -> None:
    """Move what ASE knows as results of a calculation (energy, forces, stress, ...) from info and arrays to ``atoms.calc``.

    Only names spelled as ASE spells them, with numbers of the right shape, are moved; a
    full stress becomes one of six components. This is what ASE's own reader does.
    """
    results = {name: atoms.arrays.pop(name) for name in set(all_properties) & set(atoms.arrays)}
    for name in set(all_properties) & set(atoms.info):
        found = np.asarray(atoms.info[name])
        if found.dtype.kind in "if" and found.shape in _SHAPES.get(name, ((),)):
            results[name] = atoms.info.pop(name)
            if found.shape == (3, 3):
                results[name] = full_3x3_to_voigt_6_stress(found)
    if results:
        atoms.calc = SinglePointCalculator(atoms, **results)


def open_xyz(path: Path) -> TextIO:
    """Open a file as text: UTF-8, or what its first bytes mark; other bytes become a replacement character."""
    with path.open("rb") as file:
        start = file.read(4)
    encoding = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "utf-8")
    return path.open(encoding=encoding, errors="replace")


def blocks(file: TextIO, max_atoms: int) -> Iterator[FrameLines]:
    """Split a file into its frames, without a look at what is in them.

    Where the number of atoms is not right, the rest is searched for the next line that
    is a number of atoms with a frame below it.
    """
    lines = _Lines(file)
    while (first := lines.take()) is not None:
        if not first.strip():
            continue
        block = _block(lines, first, max_atoms)
        yield block
        if block.error is not None:
            _skip(lines, block.rows)


def _block(lines: "_Lines", first: str, max_atoms: int) -> FrameLines:
    line, lines.cut = lines.number, False
    try:
        n_atoms = _count(first, line, max_atoms)
    except StructureError as error:
        return FrameLines(line, "", [], error)
    comment = lines.take()
    rows: list[str] = []
    while len(rows) < n_atoms and (row := lines.take()) is not None:
        rows.append(row)
    if lines.cut:
        problem: str | None = f"line {line}: a line of this frame has more than {LONGEST_LINE:,} characters."
    else:
        problem = _amiss(rows, n_atoms, line, lines.peek())
    return FrameLines(line, comment or "", rows, None if problem is None else StructureError(problem))


def _count(first: str, line: int, max_atoms: int) -> int:
    n_atoms = integer(first.strip(), f"line {line}", "the number of atoms of a frame")
    if n_atoms < 1:
        raise StructureError(f"line {line}: expected at least one atom, but found {n_atoms}.")
    if n_atoms > max_atoms:
        raise too_many(n_atoms, max_atoms, f"line {line}")
    return n_atoms


def _amiss(rows: list[str], n_atoms: int, line: int, below: str | None) -> str | None:
    """Say whether there are fewer or more rows of atoms than announced."""
    end = next((k for k, row in enumerate(rows) if not row.strip() or _COUNT.fullmatch(row)), len(rows))
    if end < n_atoms:
        return f"line {line}: {n_atoms} atoms are announced, but only {end} lines of atoms follow."
    if below is not None and not _COUNT.fullmatch(below) and len(below.split()) >= 4:
        return (
            f"line {line + 2 + n_atoms}: expected the number of atoms of the next frame, but found {shown(below.strip())}: "
            f"one more atom than the {n_atoms} that line {line} announces?"
        )
    return None


def _skip(lines: "_Lines", rows: list[str]) -> None:
    """Go on to the next line that begins a frame, in the rows that were taken or after them."""
    lines.give_back(rows)
    while (row := lines.take()) is not None:
        if _COUNT.fullmatch(row):
            below = [text for text in (lines.take(), lines.take()) if text is not None]
            lines.give_back(below)
            if _begins_a_frame(below):
                lines.give_back([row])
                return


def _begins_a_frame(below: list[str]) -> bool:
    return len(below) == 2 and ("=" in below[0] or len(below[1].split()) >= 4) and not _COUNT.fullmatch(below[1])


class _Lines:
    """The lines of a file with their numbers; lines can be given back."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._back = file, list[str]()
        self.number, self.ended, self.cut = 0, False, False

    def take(self) -> str | None:
        """Return the next line without its end, None after the last one; of a line too long only its beginning."""
        if self._back:
            self.number += 1
            return self._back.pop()
        line = self._file.readline(LONGEST_LINE)
        if not line:
            self.ended = True
            return None
        self.number += 1
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            self.cut = True
            while (more := self._file.readline(LONGEST_LINE)) and not more.endswith("\n"):
                pass
        return line.rstrip("\r\n")

    def peek(self) -> str | None:
        """Return the next line and leave it there."""
        line = self.take()
        if line is not None:
            self.give_back([line])
        return line

    def give_back(self, lines: list[str]) -> None:
        """Put lines before what comes next."""
        self._back += reversed(lines)
        self.number -= len(lines)
