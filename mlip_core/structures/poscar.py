"""POSCAR and CONTCAR, VASP 5 and 4."""

import re
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from mlip_core.errors import StructureError
from mlip_core.structures.frozen import constrain
from mlip_core.structures.species import element_of, isotope_note
from mlip_core.structures.words import Parsed, integer, lines_of, number, shown, too_many

_POTENTIAL = re.compile(r"[_/.].*")


def read_poscar(text: str, max_atoms: int) -> Parsed:
    """Read a POSCAR; velocities and what follows them are left out.

    Parameters
    ----------
    text : str
        The file.
    max_atoms : int
        More are refused before their positions are read.

    Returns
    -------
    Parsed
        Periodic in three directions; what selective dynamics holds is fixed by constraints.

    Raises
    ------
    StructureError
        Naming the line and what was expected there.
    """
    lines = lines_of(text)
    head = read_head(lines, 1, max_atoms)
    k = head.next
    mode = _mode(lines, k)
    selective = mode == "s"
    if selective:
        k += 1
        mode = _mode(lines, k)
    if mode not in "dfck":
        raise StructureError(f"line {k}: expected Direct or Cartesian, but found {shown(lines[k - 1].strip())}.")
    first, n_atoms = k + 1, len(head.numbers)
    rows = read_positions(lines, first, n_atoms)
    check_end(lines, first + n_atoms, head)
    positions = rows * head.factors if mode in "ck" else rows @ head.cell
    atoms = Atoms(numbers=head.numbers, positions=positions, cell=head.cell, pbc=True)
    notes = head.notes
    if selective:
        fixed = np.array([_flags(lines[first - 1 + i]) for i in range(n_atoms)])
        notes = notes + [f"selective dynamics: {note}" for note in constrain(atoms, scaled=fixed)]
    return Parsed(atoms, [f"line {first + i}" for i in range(n_atoms)], notes)


class Head(NamedTuple):
    """What stands before the positions in a POSCAR, and in an XDATCAR."""

    cell: np.ndarray
    """(3, 3) Å, vectors in rows, scaled."""
    factors: np.ndarray
    """(3,) factors of Cartesian x, y and z."""
    numbers: np.ndarray
    """(n,) atomic numbers."""
    next: int
    """Line that follows, counted from 1."""
    without: str
    """Elements whose number of atoms is zero, and the line that says so; empty if there are none."""
    notes: list[str]
    """Sentences for the person about how the head was understood."""


def read_head(lines: list[str], start: int, max_atoms: int) -> Head:
    """Read title, scaling factor, lattice, elements and numbers of atoms.

    Parameters
    ----------
    lines : list of str
        The file.
    start : int
        Line of the title, counted from 1.
    max_atoms : int
        More are refused.

    Returns
    -------
    Head

    Raises
    ------
    StructureError
        Naming the line and what was expected there.
    """
    scale = _scale(_words(lines, start + 1, "the scaling factor"), start + 1)
    cell = np.array([_vector(lines, start + k, f"lattice vector {axis}") for k, axis in ((2, "a"), (3, "b"), (4, "c"))])
    factors = _factors(scale, cell, start)
    named, counts, after = _species(lines, start)
    each = [
        integer(count.text, f"line {count.line}", f"the number of {shown(name.text)} atoms")
        for name, count in zip(named, counts, strict=True)
    ]
    at = f"line {counts[0].line}"
    if min(each, default=0) < 0 or sum(each) < 1:
        raise StructureError(f"{at}: expected at least one atom of each element, but found {min(each, default=0)}.")
    if sum(each) > max_atoms:
        raise too_many(sum(each), max_atoms, at)
    found = [element_of(_POTENTIAL.sub("", name.text), f"line {name.line}") for name in named]
    without = ", ".join(shown(name.text) for name, n in zip(named, each, strict=True) if n == 0)
    notes = [isotope_note()] if any(name.isotope and n for name, n in zip(found, each, strict=True)) else []
    numbers = np.repeat([name.z for name in found], each)
    return Head(cell * factors, factors, numbers, after, without and f"{at} announces no atom of {without}", notes)


def read_positions(lines: list[str], first: int, n_atoms: int) -> np.ndarray:
    """(n, 3) numbers of the lines from ``first`` on; a :class:`StructureError` names the line that has none."""
    return np.array([_position(lines, first, i, n_atoms) for i in range(n_atoms)])


def _flags(line: str) -> list[bool]:
    """Which directions are fixed: F, .FALSE. and the like after the position."""
    words = [word.strip(".").lower()[:1] for word in line.split()[3:6]]
    return [word == "f" for word in words] + [False] * (3 - len(words))


def _words(lines: list[str], k: int, what: str) -> list[str]:
    if k > len(lines) or not lines[k - 1].strip():
        raise StructureError(
            f"line {k}: expected {what}, but the {'file ends' if k > len(lines) else 'line is empty'}."
        )
    return lines[k - 1].split()


def _vector(lines: list[str], k: int, what: str) -> list[float]:
    words = _words(lines, k, f"{what}, three numbers")
    if len(words) < 3:
        raise StructureError(f"line {k}: expected {what}, three numbers, but found {len(words)}.")
    return [number(word, f"line {k}", f"{axis} of {what}") for word, axis in zip(words, "xyz", strict=False)]


def _scale(words: list[str], k: int) -> list[float]:
    scale = [number(words[0], f"line {k}", "the scaling factor")]
    try:
        scale = [number(word, "", "") for word in words[:3]]
    except StructureError:
        scale = scale[:1]  # one factor with a remark after it
    if len(scale) == 2 or 0.0 in scale or (len(scale) == 3 and min(scale) < 0):
        raise StructureError(
            f"line {k}: expected one scaling factor that is not zero (negative: the volume), or three positive ones."
        )
    return scale


def _factors(scale: list[float], cell: np.ndarray, start: int) -> np.ndarray:
    """(3,) factors of x, y and z."""
    if scale[0] > 0:
        return np.ones(3) * scale
    with np.errstate(all="ignore"):
        volume = abs(np.linalg.det(cell))
        factor = np.cbrt(-scale[0] / volume) if volume > 0 else np.inf
    if not np.isfinite(factor):
        raise StructureError(
            f"lines {start + 2}–{start + 4}: the lattice vectors span no volume, so line {start + 1} cannot scale them to one."
        )
    return np.ones(3) * factor


class _Word(NamedTuple):
    text: str
    """The word as it stands in the file."""
    line: int
    """Line of the file, from 1."""


def _species(lines: list[str], start: int) -> tuple[list[_Word], list[_Word], int]:
    """Names and counts, one for each group of atoms, and the line that follows; VASP breaks both after 20 groups."""
    k = start + 5
    _words(lines, k, "the elements, such as Ga As")
    names: list[_Word] = []
    while not _counts_begin(lines, k):
        words = _words(lines, k, "the number of atoms of each element")
        names += [_Word(word, k) for word in words if word != "!"]
        if k > start + 5:
            _check_names(words, k)
        k += 1
    first, counts = k, list[_Word]()
    while k == first or (_only_counts(lines, k) and (not names or len(counts) < len(names))):
        counts += [_Word(word, k) for word in _counted(lines[k - 1].split())]
        k += 1
    if not names:
        names = _names_of_title(lines, start, len(counts))
    if len(names) != len(counts):
        raise StructureError(
            f"line {first}: expected {len(names)} numbers of atoms, one for each element in line {names[0].line}, but found {len(counts)}."
        )
    return names, counts, k


def _check_names(words: list[str], k: int) -> None:
    """Refuse a line that goes on with neither elements nor numbers of atoms."""
    for word in words:
        try:
            element_of(_POTENTIAL.sub("", word), "")
        except StructureError as error:
            raise StructureError(
                f"line {k}: expected the number of atoms of each element, a whole number, but found {shown(word)}."
            ) from error


def _names_of_title(lines: list[str], start: int, count: int) -> list[_Word]:
    """Elements in the title, where VASP 4 has them."""
    words = _words(lines, start, f"the elements (line {start + 5} has none)")
    named = [word for word in words if word.capitalize() in atomic_numbers]
    if len(named) < count:
        raise StructureError(
            f"line {start + 5}: expected the elements, such as Ga As, before the numbers of atoms; line {start} does not name them either."
        )
    return [_Word(word, start) for word in named[:count]]


def _counts_begin(lines: list[str], k: int) -> bool:
    """Whether a line begins with a digit, as names of elements never do."""
    return k <= len(lines) and lines[k - 1].strip().lstrip("+-")[:1].isdigit()


def _only_counts(lines: list[str], k: int) -> bool:
    words = _counted(lines[k - 1].split()) if k <= len(lines) else []
    return bool(words) and all(word.isdigit() for word in words)


def _counted(words: list[str]) -> list[str]:
    """Drop a remark that follows an exclamation mark."""
    remark = next((i for i, word in enumerate(words) if "!" in word), len(words))
    return words[:remark]


def _mode(lines: list[str], k: int) -> str:
    return _words(lines, k, "Direct or Cartesian")[0][0].lower()


def _position(lines: list[str], first: int, i: int, n_atoms: int) -> list[float]:
    k = first + i
    if k > len(lines) or not lines[k - 1].strip():
        raise StructureError(
            f"line {k}: expected the position of atom {i + 1} of {n_atoms}, but the positions end here."
        )
    return _vector(lines, k, f"the position of atom {i + 1}")


def check_end(lines: list[str], k: int, head: Head) -> None:
    """Refuse one more position in line ``k`` than were announced."""
    words = lines[k - 1].split() if k <= len(lines) else []
    if len(words) < 3:
        return
    try:
        [number(word, "", "") for word in words[:3]]
    except StructureError:
        return
    why = f": {head.without}, but at least one atom more is there" if head.without else ""
    raise StructureError(
        f"line {k}: one more position than the {len(head.numbers)} atoms that were announced. Correct the numbers of atoms{why}."
    )
