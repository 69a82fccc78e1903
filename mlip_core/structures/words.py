"""What every reader shares: its answer, and how tokens become numbers and elements."""

import math
import re
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from mlip_core.errors import StructureError

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eEdD][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_ACTIVE = frozenset("<>[]`$|!\\")
_LONGEST = 40
_BLOCK = 1 << 20


class Parsed(NamedTuple):
    """What a reader found, before it is validated."""

    atoms: Atoms
    """Elements, positions, cell and periodicity."""
    where: list[str]
    """For each atom where the file has it, such as "line 9"."""
    notes: list[str]
    """What was understood but not taken over, in words."""


def shown(token: str) -> str:
    """Quote a token of the input so that it is safe on a page: short, printable, without markup."""
    clean = "".join("·" if c in _ACTIVE or not c.isprintable() else c for c in token[: _LONGEST + 1])
    return f"‘{clean}’" if len(token) <= _LONGEST else f"‘{clean[:_LONGEST]}…’"


def lines_of(text: str) -> list[str]:
    """Split into lines as an editor numbers them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def depth_of(text: str | bytes) -> int:
    """Count how many brackets of JSON are open at a time: beyond a limit, parsing it may end the process."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    deepest = depth = 0
    for start in range(0, len(data), _BLOCK):
        letters = np.frombuffer(data[start : start + _BLOCK], np.uint8)
        opens, closes = (np.isin(letters, np.frombuffer(some, np.uint8)) for some in (b"[{", b"]}"))
        depths = depth + (opens.astype(np.int32) - closes).cumsum()
        deepest, depth = max(deepest, int(depths.max())), int(depths[-1])
    return deepest


def is_number(token: str) -> bool:
    """Whether :func:`number` understands the token (it may still be too large)."""
    return _NUMBER.fullmatch(token) is not None


def number(token: str, where: str, what: str) -> float:
    """Read one finite number, Fortran's 1.0D-3 included.

    Raises
    ------
    StructureError
        Naming ``where`` and ``what`` was expected.
    """
    value = float(token.replace("d", "e").replace("D", "e")) if is_number(token) else math.nan
    if not math.isfinite(value):
        raise StructureError(f"{where}: expected {what}, a finite number, but found {shown(token)}.")
    return value


def integer(token: str, where: str, what: str) -> int:
    """Read one whole number; raise a :class:`StructureError` naming ``where`` and ``what``."""
    if not _INTEGER.fullmatch(token):
        raise StructureError(f"{where}: expected {what}, a whole number, but found {shown(token)}.")
    return int(token)


def element_by_number(z: int, where: str) -> int:
    """Check an atomic number."""
    if not 1 <= z < len(chemical_symbols):
        raise StructureError(
            f"{where}: expected an atomic number from 1 to {len(chemical_symbols) - 1}, but found {z}."
        )
    return z


def too_many(n_atoms: int, max_atoms: int, where: str) -> StructureError:
    """Return the error for a structure that is larger than can be computed."""
    return StructureError(f"{where}: {n_atoms:,} atoms, but at most {max_atoms:,} are accepted. Take a smaller cell.")
