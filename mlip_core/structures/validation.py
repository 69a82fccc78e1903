"""Whether a structure can be computed, and whether it is the same as another."""

import hashlib
import json
import math
from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from mlip_core.errors import StructureError
from mlip_core.structures.close_atoms import CLOSEST, closest_pair
from mlip_core.structures.words import element_by_number, too_many

MAX_ATOMS = 2000
_LONGEST_VECTOR = 1000.0
_FARTHEST = 1e5
_FLATTEST = 1e-3
_STEP = 1e-8


def validate(atoms: Atoms, *, max_atoms: int = MAX_ATOMS) -> None:
    """Refuse what cannot be computed.

    Parameters
    ----------
    atoms : Atoms
        Anything.
    max_atoms : int
        More are refused.

    Raises
    ------
    StructureError
        If there are no atoms or too many, an unknown element, a number that is not
        finite, a cell that is singular or of no sane size in its periodic directions,
        or two atoms (periodic images counted) closer than :data:`CLOSEST`. The message
        names the atom, counted from 1, or the lattice vector.
    """
    check(atoms, max_atoms, [])


def check(atoms: Atoms, max_atoms: int, where: Sequence[str]) -> None:
    """Do the work of :func:`validate`; ``where`` says for each atom where a file has it."""
    if len(atoms) == 0:
        raise StructureError("There is not a single atom in this structure.")
    if len(atoms) > max_atoms:
        raise too_many(len(atoms), max_atoms, "The structure")
    names = _Names(atoms, where)
    _check_cell(atoms)
    _check_atoms(atoms, names)
    _check_distances(atoms, names)


class _Names:
    """How an atom is called in a message."""

    def __init__(self, atoms: Atoms, where: Sequence[str]) -> None:
        self._numbers, self._where = atoms.numbers, where

    def __getitem__(self, i: int) -> str:
        z = int(self._numbers[i])
        symbol = chemical_symbols[z] if 0 < z < len(chemical_symbols) else f"number {z}"
        return f"{i + 1} ({symbol}{', ' + self._where[i] if self._where else ''})"


def _check_atoms(atoms: Atoms, names: _Names) -> None:
    for i, z in enumerate(atoms.numbers):
        element_by_number(int(z), f"Atom {names[i]}")
    bad = ~(np.abs(atoms.positions) <= _FARTHEST)
    if bad.any():
        i, axis = np.argwhere(bad)[0]
        value = atoms.positions[i, axis]
        raise StructureError(
            f"Atom {names[i]}: expected a position within {_FARTHEST:g} Å, but its {'xyz'[axis]} is {value:g}."
            if np.isfinite(value)
            else f"Atom {names[i]}: expected a finite position, but its {'xyz'[axis]} is not a finite number."
        )


def _check_cell(atoms: Atoms) -> None:
    vectors = atoms.cell.array
    for axis, vector, periodic in zip("abc", vectors, atoms.pbc, strict=True):
        if not np.isfinite(vector).all():
            raise StructureError(f"Lattice vector {axis}: expected three finite numbers.")
        length = math.hypot(*vector)
        if periodic and not CLOSEST <= length <= _LONGEST_VECTOR:
            raise StructureError(
                f"Lattice vector {axis}: expected a length from {CLOSEST} to {_LONGEST_VECTOR:g} Å, but it is {length:.4g} Å."
            )
        if length > _LONGEST_VECTOR:
            raise StructureError(
                f"Lattice vector {axis}: expected at most {_LONGEST_VECTOR:g} Å, but it is {length:.4g} Å."
            )
    periodic = vectors[atoms.pbc] / np.linalg.norm(vectors[atoms.pbc], axis=1, keepdims=True)
    if np.sqrt(max(np.linalg.det(periodic @ periodic.T), 0)) < _FLATTEST:
        raise StructureError(
            "The lattice vectors of the periodic directions are parallel, or lie in a plane: they span no cell."
        )


def _check_distances(atoms: Atoms, names: _Names) -> None:
    from ase.geometry import minkowski_reduce

    if atoms.pbc.any():
        reduced = minkowski_reduce(atoms.cell.array * atoms.pbc[:, None], pbc=atoms.pbc)[0]
        shortest = np.linalg.norm(reduced[atoms.pbc], axis=1).min()
        if shortest < CLOSEST:
            raise StructureError(
                f"The lattice repeats every {shortest:.3g} Å in one direction; expected at least {CLOSEST} Å. Are the lengths in Å?"
            )
    pair = closest_pair(atoms)
    if pair is not None:
        first, second, distance = pair
        raise StructureError(
            f"Atoms {names[first]} and {names[second]} are {distance:.3f} Å apart; expected at least {CLOSEST} Å. "
            "Is one of them listed twice, or are the positions in another unit?"
        )


def fingerprint(atoms: Atoms) -> str:
    """Name a structure by its content, whatever file it came from.

    The name is the first 32 hexadecimal digits of the SHA-256 of, in this order: the
    word ``structure-1``, the number of atoms, the atomic numbers, the three periodic
    flags, and cell (rows) and Cartesian positions in Å, each rounded to a whole
    multiple of 1e-8 Å; all as little-endian 64-bit integers; then, where atoms are held
    fixed, ASE's description of the constraints as JSON. The order of the atoms,
    the cell chosen and the periodic image of each atom matter; names, masses, tags,
    magnetic moments and calculators do not.

    Parameters
    ----------
    atoms : Atoms
        Finite numbers.

    Returns
    -------
    str

    Raises
    ------
    StructureError
        If a number is not finite or too large.
    """
    lengths = np.concatenate([atoms.cell.array.ravel(), atoms.positions.ravel()])
    if not (np.abs(lengths) < 1e9).all():
        raise StructureError("A structure whose cell or positions are not finite has no fingerprint.")
    whole = np.concatenate([[len(atoms)], atoms.numbers, atoms.pbc, np.rint(lengths / _STEP)])
    held = [constraint.todict() for constraint in atoms.constraints]
    described = json.dumps(held, sort_keys=True, default=np.ndarray.tolist).encode() if held else b""
    return hashlib.sha256(b"structure-1" + whole.astype("<i8").tobytes() + described).hexdigest()[:32]
