"""The space group of a crystal and its standard cells, by spglib."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import spglib
from ase import Atoms

from mlip_core.errors import SettingsError, StructureError
from mlip_core.structures.spglib_calls import Cell, ask

TOLERANCES = (1e-5, 1e-2)
"""Å; the tight one shows what a model broke, the loose one what is left of the crystal."""
KEPT = 64
"""Structures, at one tolerance each, whose symmetry is remembered."""
_LAST_OF_SYSTEM = {
    "triclinic": 2,
    "monoclinic": 15,
    "orthorhombic": 74,
    "tetragonal": 142,
    "trigonal": 167,
    "hexagonal": 194,
    "cubic": 230,
}


@dataclass(frozen=True)
class SymmetryInfo:
    """The symmetry of a crystal at one tolerance."""

    symprec: float
    """Tolerance, Å."""
    international: str
    """Space group, short Hermann–Mauguin symbol, such as "Fd-3m"."""
    number: int
    """Space group, 1 to 230."""
    point_group: str
    """Point group of the crystal, such as "m-3m"."""
    crystal_system: str
    """"triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal" or "cubic"."""
    wyckoff: tuple[str, ...]
    """Wyckoff letter of each atom."""
    equivalent_atoms: tuple[int, ...]
    """For each atom the first one, from 0, that is equivalent to it."""
    n_operations: int
    """Operations of the cell given, pure translations of a supercell included."""


def symmetry(atoms: Atoms, symprec: float = TOLERANCES[0]) -> SymmetryInfo | None:
    """Find the space group; atoms differ by element only.

    Parameters
    ----------
    atoms : Atoms
        A validated structure.
    symprec : float
        Tolerance, Å.

    Returns
    -------
    SymmetryInfo or None
        None where a space group has no meaning: without periodicity in three directions.

    Raises
    ------
    SettingsError
        If the tolerance is not positive.
    StructureError
        If spglib finds no symmetry, not even the identity.
    """
    _check_tolerance(symprec)
    if not atoms.pbc.all():
        return None
    return _symmetry(*(np.ascontiguousarray(part).tobytes() for part in _cell(atoms)), symprec)


@lru_cache(maxsize=KEPT)
def _symmetry(cell: bytes, places: bytes, numbers: bytes, symprec: float) -> SymmetryInfo:
    """Find it once: the members of a line-up start from the same structure, and a search takes as long as a small model."""
    shape = np.frombuffer(cell).reshape(3, 3), np.frombuffer(places).reshape(-1, 3), np.frombuffer(numbers, dtype=int)
    found = ask(spglib.get_symmetry_dataset, shape, symprec)
    return SymmetryInfo(
        symprec=symprec,
        international=found.international,
        number=int(found.number),
        point_group=found.pointgroup,
        crystal_system=next(system for system, last in _LAST_OF_SYSTEM.items() if found.number <= last),
        wyckoff=tuple(found.wyckoffs),
        equivalent_atoms=tuple(int(i) for i in found.crystallographic_orbits),
        n_operations=len(found.rotations),
    )


def symmetries(atoms: Atoms) -> tuple[SymmetryInfo | None, ...]:
    """:func:`symmetry` at the two :data:`TOLERANCES`, the tight one first."""
    return tuple(symmetry(atoms, symprec) for symprec in TOLERANCES)


def standardise(
    atoms: Atoms, *, cell: Literal["primitive", "conventional"] = "primitive", symprec: float = TOLERANCES[0]
) -> Atoms:
    """Put a crystal into its standard cell: spglib's convention, right-handed, positions on their sites.

    Parameters
    ----------
    atoms : Atoms
        Periodic in three directions; atoms differ by element only.
    cell : "primitive" or "conventional"
        Which standard cell.
    symprec : float
        Tolerance, Å.

    Returns
    -------
    Atoms
        Elements, positions and cell, in the standard orientation (a along x, b in the x–y plane
        for the conventional cell).

    Raises
    ------
    SettingsError
        If ``cell`` or ``symprec`` is none of these.
    StructureError
        If the structure is not a crystal.
    """
    _check_tolerance(symprec)
    if cell not in ("primitive", "conventional"):
        raise SettingsError(f'cell must be "primitive" or "conventional", not {cell!r}')
    if not atoms.pbc.all():
        raise StructureError(
            "Only a crystal has a standard cell: this structure is not periodic in all three directions."
        )
    vectors, places, numbers = ask(spglib.standardize_cell, _cell(atoms), symprec, to_primitive=cell == "primitive")
    return Atoms(numbers=numbers, scaled_positions=places, cell=vectors, pbc=True)


def _check_tolerance(symprec: float) -> None:
    if not 0 < symprec < np.inf:
        raise SettingsError(f"symprec must be a positive length in Å, not {symprec}")


def _cell(atoms: Atoms) -> Cell:
    return atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers
