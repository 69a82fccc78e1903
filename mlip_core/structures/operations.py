"""Symmetry operations as CIF files state them: written out, or by the name of a space group."""

import re
from collections import defaultdict
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import spglib

from mlip_core.errors import StructureError
from mlip_core.structures.spglib_calls import quietly
from mlip_core.structures.words import shown

_N_HALL = 530
_TERM = re.compile(r"([+-]?)(?:(\d+)/(\d+)|(\d*\.\d+|\d+\.?)|([xyz]))", re.ASCII)
_METRIC_TOLERANCE = 0.01
_CHOICE = re.compile(r"\s*(?::\s*([12shrz])|\s([shrz]))$", re.IGNORECASE)
_MOST_OPERATIONS = 384
_LONGEST = 200


class Operations(NamedTuple):
    """Operations x → W x + w on fractional coordinates."""

    rotations: np.ndarray
    """(n, 3, 3), integers; the identity first."""
    translations: np.ndarray
    """(n, 3), in [0, 1)."""


class _Setting(NamedTuple):
    hall_number: int
    """Number of this setting in spglib's list of 530, from 1."""
    number: int
    """Number of the space group in the International Tables, 1 to 230."""
    choice: str
    """Choice of origin, axes or cell, such as "2" or "H"; empty where there is only one."""
    hall: str
    """Hall symbol, as text to compare with."""
    names: frozenset[str]
    """Hermann–Mauguin symbols of this setting, as text to compare with."""


def identity() -> Operations:
    """P 1."""
    return Operations(np.eye(3, dtype=int)[None], np.zeros((1, 3)))


def from_text(operations: list[tuple[str, str]]) -> Operations:
    """Read operations written as ``-y, x-y, z+1/3``.

    Parameters
    ----------
    operations : list of (text, where)
        Each with the place it has in the file.

    Returns
    -------
    Operations

    Raises
    ------
    StructureError
        Naming the operation that cannot be read, or if together they are no group.
    """
    if len(operations) > _MOST_OPERATIONS:
        raise StructureError(
            f"{operations[-1][1]}: expected at most {_MOST_OPERATIONS} symmetry operations, but found {len(operations)}."
        )
    read = [_operation(text, where) for text, where in operations]
    rotations = np.array([w for w, _ in read])
    translations = np.array([t for _, t in read])
    codes = np.unique(_codes(rotations, translations), axis=0)
    products = np.einsum("aij,bjk->abik", rotations, rotations).reshape(-1, 3, 3)
    shifts = (np.einsum("aij,bj->abi", rotations, translations) + translations[:, None]).reshape(-1, 3)
    if len(np.unique(np.concatenate([codes, _codes(products, shifts)]), axis=0)) != len(codes):
        raise StructureError(
            f"{operations[0][1]}: the {len(operations)} symmetry operations from here on are no group. Are some of them missing?"
        )
    _, first = np.unique(_codes(rotations, translations), axis=0, return_index=True)
    plain = (rotations == np.eye(3)).all(axis=(1, 2)) & (_wrapped(translations) < 1e-6).all(axis=1)
    order = sorted(first, key=lambda k: (not plain[k], k))
    return Operations(rotations[order], _wrapped(translations[order]))


def from_name(name: str | None, number: int | None, hall: str | None, metric: np.ndarray, where: str) -> Operations:
    """Look the operations up in spglib's table of 530 settings.

    Parameters
    ----------
    name, number, hall
        Hermann–Mauguin symbol, number and Hall symbol, as far as the file has them.
    metric : (3, 3) array
        a_i · a_j of the cell, Å²; settings that do not fit it are left out.
    where : str
        Place in the file.

    Returns
    -------
    Operations

    Raises
    ------
    StructureError
        If the group is unknown, contradicts its number or the cell, or if the file leaves open
        which of two origins is meant.
    """
    candidates = _candidates(name, number, hall, where)
    fitting = [s for s in candidates if misfit(_database(s.hall_number), metric) is None]
    if not fitting:
        raise StructureError(
            f"{where}: the cell does not have the symmetry of space group {shown(name or str(candidates[0].number))}."
        )
    origins = {s.choice[:1] for s in fitting if s.choice[:1] in ("1", "2")}
    if len(origins) > 1:
        raise StructureError(
            f"{where}: space group {shown(name or str(number))} has two choices of origin, and the file does not say which. "
            "Expected a list of symmetry operations, or :1 or :2 after the name."
        )
    return _database(fitting[0].hall_number)


def misfit(operations: Operations, metric: np.ndarray) -> int | None:
    """Index of the first operation that would change lengths or angles of the cell by over 1 %."""
    scale = np.sqrt(np.outer(np.diag(metric), np.diag(metric)))
    turned = np.einsum("nki,kl,nlj->nij", operations.rotations, metric, operations.rotations)
    wrong = (np.abs(turned - metric) > 2 * _METRIC_TOLERANCE * scale).any(axis=(1, 2))
    return int(np.argmax(wrong)) if wrong.any() else None


def _candidates(name: str | None, number: int | None, hall: str | None, where: str) -> list[_Setting]:
    if number is not None and not 1 <= number <= 230:
        raise StructureError(f"{where}: expected the number of a space group from 1 to 230, but found {number}.")
    if hall:
        found = [s for s in _settings() if s.hall == _hall(hall)]
    elif name:
        found = _by_name(name, number, where)
    else:
        found = [s for s in _settings() if s.number == number]
    if not found:
        raise StructureError(
            f"{where}: expected a Hall symbol of the International Tables, but found {shown(hall or '')}. Give the symmetry operations."
        )
    if number is not None and all(s.number != number for s in found):
        raise StructureError(
            f"{where}: the name of the space group belongs to number {found[0].number}, but the file says {number}."
        )
    return [s for s in found if number in (None, s.number)]


def _by_name(name: str, number: int | None, where: str) -> list[_Setting]:
    choice = _CHOICE.search(name[:_LONGEST].strip())
    letter = (choice[1] or choice[2]).lower() if choice else ""
    wanted = {"s": "1", "z": "2"}.get(letter, letter.upper())
    stem = _plain(name.strip()[: choice.start()] if choice else name)
    found = [s for s in _table().get(stem, []) if s.choice.startswith(wanted)]
    if not found:
        raise StructureError(
            f"{where}: expected the name of a space group of the International Tables, such as F m -3 m, but found {shown(name)}. "
            "Give the list of symmetry operations."
        )
    return [s for s in found if s.number == number] or found


def _plain(name: str) -> str:
    return re.sub(r"[\s_]", "", name).lower()


def _hall(symbol: str) -> str:
    return " ".join(symbol.replace("_", " ").lower().split())


@lru_cache(maxsize=1)
def _settings() -> tuple[_Setting, ...]:
    types = [quietly(spglib.get_spacegroup_type, k) for k in range(1, _N_HALL + 1)]
    return tuple(
        _Setting(t.hall_number, t.number, t.choice, _hall(t.hall_symbol), _names(t.international, t.number))
        for t in types
    )


def _names(international: str, number: int) -> frozenset[str]:
    """Names of one setting; of "C 2/c = A 1 2/n 1" those that no other choice of cell shares."""
    parts = international.split("=")
    own = parts[1:] or parts
    names = {_plain(part) for part in own}
    if 3 <= number <= 15:
        names |= {_plain(" ".join(word for word in part.split() if word != "1")) for part in own}
    if number >= 195:
        names |= {name.replace("-3", "3") for name in names}
    if number < 75:
        names |= {name.replace("e", letter) for name in names for letter in "abc"}
    return frozenset(names)


@lru_cache(maxsize=1)
def _table() -> dict[str, list[_Setting]]:
    table = defaultdict(list)
    for setting in _settings():
        for name in setting.names:
            table[name].append(setting)
    return table


@lru_cache(maxsize=16)
def _database(hall_number: int) -> Operations:
    found = quietly(spglib.get_symmetry_from_database, hall_number)
    return Operations(found["rotations"].astype(int), found["translations"] % 1.0)


def _operation(text: str, where: str) -> tuple[np.ndarray, np.ndarray]:
    parts = text.lower().replace(" ", "").split(",") if len(text) < _LONGEST else []
    rows = [_component(part) for part in parts]
    if len(rows) == 3 and None not in rows:
        rotation = np.array([row[0] for row in rows if row])
        if round(abs(np.linalg.det(rotation))) == 1:
            return rotation, np.array([row[1] for row in rows if row])
    raise StructureError(f"{where}: expected a symmetry operation such as -y, x-y, z+1/3, but found {shown(text)}.")


def _component(text: str) -> tuple[list[int], float] | None:
    """Read one of the three components: coefficients of x, y, z, and the translation."""
    row, shift, at = [0, 0, 0], 0.0, 0
    while at < len(text):
        term = _TERM.match(text, at)
        if term is None or (at and not term[1]):
            return None
        sign = -1 if term[1] == "-" else 1
        if term[5]:
            row["xyz".index(term[5])] += sign
        elif term[2]:
            if int(term[3]) == 0:
                return None
            shift += sign * float(Fraction(int(term[2]), int(term[3])))
        else:
            shift += sign * float(term[4])
        at = term.end()
    if not any(row) or max(map(abs, row)) > 1 or not abs(shift) < 100:
        return None
    return row, _snapped(shift)


def _snapped(shift: float) -> float:
    """Take 0.333 for 1/3: every translation of a space group is a multiple of 1/24."""
    near = round(shift * 24) / 24
    return near if abs(near - shift) < 2e-3 else shift


def _wrapped(translations: np.ndarray) -> np.ndarray:
    wrapped = translations % 1.0
    return np.where(wrapped > 1 - 1e-9, 0.0, wrapped)


def _codes(rotations: np.ndarray, translations: np.ndarray) -> np.ndarray:
    """(n, 12) integers, the same for the same operation."""
    steps = np.rint(translations * 1000).astype(int) % 1000
    return np.concatenate([rotations.reshape(-1, 9), steps], axis=1)
