"""POSCAR and CONTCAR, VASP 5 and 4."""

import re

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from mlip_core.errors import StructureError
from mlip_core.structures.words import Parsed, element, integer, lines_of, number, shown, too_many

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
        Periodic in three directions.

    Raises
    ------
    StructureError
        Naming the line and what was expected there.
    """
    lines = lines_of(text)
    scale = _scale(_words(lines, 2, "the scaling factor"))
    cell = np.array([_vector(lines, k, f"lattice vector {axis}") for k, axis in ((3, "a"), (4, "b"), (5, "c"))])
    factors = _factors(scale, cell)
    numbers, k = _species(lines, max_atoms)
    mode, notes = _mode(lines, k), []
    if mode == "s":
        notes.append("selective dynamics is not taken over: every atom may move")
        k += 1
        mode = _mode(lines, k)
    if mode not in "dfck":
        raise StructureError(f"line {k}: expected Direct or Cartesian, but found {shown(lines[k - 1].strip())}.")
    first = k + 1
    rows = np.array([_position(lines, first, i, len(numbers)) for i in range(len(numbers))])
    _nothing_more(lines, first + len(numbers), len(numbers))
    positions = rows * factors if mode in "ck" else rows @ (cell * factors)
    atoms = Atoms(numbers=numbers, positions=positions, cell=cell * factors, pbc=True)
    return Parsed(atoms, [f"line {first + i}" for i in range(len(numbers))], notes)


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


def _scale(words: list[str]) -> list[float]:
    scale = [number(words[0], "line 2", "the scaling factor")]
    try:
        scale = [number(word, "line 2", "") for word in words[:3]]
    except StructureError:
        scale = scale[:1]  # one factor with a remark after it
    if len(scale) == 2 or 0.0 in scale or (len(scale) == 3 and min(scale) < 0):
        raise StructureError(
            "line 2: expected one scaling factor that is not zero (negative: the volume), or three positive ones."
        )
    return scale


def _factors(scale: list[float], cell: np.ndarray) -> np.ndarray:
    """(3,) factors of x, y and z."""
    if scale[0] > 0:
        return np.ones(3) * scale
    with np.errstate(all="ignore"):
        volume = abs(np.linalg.det(cell))
        factor = np.cbrt(-scale[0] / volume) if volume > 0 else np.inf
    if not np.isfinite(factor):
        raise StructureError("lines 3–5: the lattice vectors span no volume, so line 2 cannot scale them to one.")
    return np.ones(3) * factor


def _species(lines: list[str], max_atoms: int) -> tuple[np.ndarray, int]:
    """Atomic numbers, and the line that follows the counts."""
    words, k = _words(lines, 6, "the elements, such as Ga As"), 7
    if words[0].lstrip("+-").isdigit():
        symbols, counts, k = _words(lines, 1, "the elements (line 6 has none)"), words, 6
        named = [word for word in symbols if word.capitalize() in atomic_numbers]
        if len(named) < len(_counted(counts)):
            raise StructureError(
                "line 6: expected the elements, such as Ga As, before the numbers of atoms; line 1 does not name them either."
            )
        symbols = named[: len(_counted(counts))]
    else:
        symbols, counts = (
            [word for word in words if word != "!"],
            _words(lines, 7, "the number of atoms of each element"),
        )
    counts = _counted(counts)
    if len(symbols) != len(counts):
        raise StructureError(
            f"line {k}: expected {len(symbols)} numbers of atoms, one for each element in line 6, but found {len(counts)}."
        )
    each = [
        integer(count, f"line {k}", f"the number of {shown(symbol)} atoms")
        for symbol, count in zip(symbols, counts, strict=True)
    ]
    if min(each, default=0) < 1:
        raise StructureError(f"line {k}: expected at least one atom of each element, but found {min(each, default=0)}.")
    if sum(each) > max_atoms:
        raise too_many(sum(each), max_atoms, f"line {k}")
    return np.repeat(
        [element(_POTENTIAL.sub("", symbol), "line 6" if k == 7 else "line 1") for symbol in symbols], each
    ), k + 1


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


def _nothing_more(lines: list[str], k: int, n_atoms: int) -> None:
    words = lines[k - 1].split() if k <= len(lines) else []
    if len(words) < 3:
        return
    try:
        [number(word, "", "") for word in words[:3]]
    except StructureError:
        return
    raise StructureError(
        f"line {k}: one more position than the {n_atoms} atoms that were announced. Correct the numbers of atoms."
    )
