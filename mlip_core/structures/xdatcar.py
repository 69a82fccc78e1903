"""XDATCAR, of VASP 5 and 6: the last whole frame, with a fixed or a changing cell."""

import re

from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.structures.poscar import Head, check_end, read_head, read_positions
from mlip_core.structures.words import Parsed, lines_of, shown

FRAME = re.compile(r"^[ \t]*(direct|cartesian)[ \t]+configuration", re.IGNORECASE | re.MULTILINE)


def read_xdatcar(text: str, max_atoms: int) -> Parsed:
    """Read the last frame that is whole.

    Parameters
    ----------
    text : str
        The file. Where the cell changes, elements and lattice stand before every frame.
    max_atoms : int
        More are refused.

    Returns
    -------
    Parsed
        Periodic in three directions.

    Raises
    ------
    StructureError
        Naming the line and what was expected there.
    """
    lines = lines_of(text)
    head = read_head(lines, 1, max_atoms)
    starts = [k for k, line in enumerate(lines, start=1) if FRAME.match(line)]
    if not starts:
        raise StructureError(f"line {head.next}: expected Direct configuration= 1 and the positions of a frame.")
    whole, notes = starts[-1], list[str]()
    if not _is_whole(lines, whole, len(head.numbers)):
        if len(starts) == 1:
            read_positions(lines, whole + 1, len(head.numbers))
            raise StructureError(f"line {len(lines)}: the only frame is not whole.")
        whole = starts[-2]
        notes.append("the last frame is not whole; the one before it is read")
    head = _head_of(lines, head, starts, whole, max_atoms)
    first, n_atoms = whole + 1, len(head.numbers)
    rows = read_positions(lines, first, n_atoms)
    check_end(lines, first + n_atoms, head)
    cartesian = lines[whole - 1].strip()[0] in "cC"
    positions = rows * head.factors if cartesian else rows @ head.cell
    atoms = Atoms(numbers=head.numbers, positions=positions, cell=head.cell, pbc=True)
    return Parsed(atoms, [f"line {first + i}" for i in range(n_atoms)], head.notes + notes)


def _is_whole(lines: list[str], start: int, n_atoms: int) -> bool:
    """Whether all positions of a frame are there, the last one up to its end."""
    rows = lines[start : start + n_atoms]
    if len(rows) < n_atoms or not rows[-1].strip():
        return False
    cut = len(lines) == start + n_atoms and len(rows[-1].rstrip()) < len(rows[0].rstrip())
    return not cut


def _head_of(lines: list[str], head: Head, starts: list[int], start: int, max_atoms: int) -> Head:
    """Lattice of a frame: the lines right above it where they are there, else those of the file."""
    before = next((k for k in reversed(starts) if k < start), None)
    if before is None:
        return head
    title = before + len(head.numbers) + 1
    if start - title < head.next - 1:
        if any(line.strip() for line in lines[title - 1 : start - 1]):
            raise StructureError(
                f"line {title}: expected the next frame, or its lattice, but found {shown(lines[title - 1].strip())}."
            )
        return head
    own = read_head(lines, start - head.next + 1, max_atoms)
    if own.next != start or len(own.numbers) != len(head.numbers):
        raise StructureError(f"line {start}: the lattice and elements before this frame are not those of the first.")
    return own
