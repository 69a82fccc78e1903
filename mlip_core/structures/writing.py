"""Structures as text, to take along."""

from collections.abc import Callable
from io import BytesIO, StringIO

import numpy as np
from ase import Atoms

from mlip_core.errors import SettingsError, StructureError


def write_structure(atoms: Atoms, format: str) -> str:
    """Write elements, positions and cell; nothing else is carried along.

    Parameters
    ----------
    atoms : Atoms
        Å.
    format : "cif", "vasp" or "extxyz"
        CIF in P1 with every atom listed, POSCAR in fractional coordinates, or extended XYZ.
        Only extended XYZ keeps which directions are periodic, and reads back bit for bit.

    Returns
    -------
    str
        The file.

    Raises
    ------
    SettingsError
        If the format is none of these.
    StructureError
        If the format cannot hold the structure: POSCAR and CIF need a cell of three vectors
        (CIF also takes molecules without any).
    """
    if format not in _WRITERS:
        raise SettingsError(f"format must be one of {', '.join(_WRITERS)}, not {format!r}")
    return _WRITERS[format](Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc))


def _cif(atoms: Atoms) -> str:
    from ase.io.cif import write_cif

    if atoms.cell.rank not in (0, 3):
        raise StructureError("CIF needs all three lattice vectors, or none. Take extended XYZ.")
    file = BytesIO()
    write_cif(file, atoms, wrap=False)
    return file.getvalue().decode("latin-1")


def _vasp(atoms: Atoms) -> str:
    from ase.io.vasp import write_vasp

    if atoms.cell.rank < 3:
        raise StructureError(
            "POSCAR needs all three lattice vectors. Take extended XYZ, or put the structure into a box."
        )
    file = StringIO()
    write_vasp(file, atoms, direct=True)
    return file.getvalue()


def _extxyz(atoms: Atoms) -> str:
    flags = " ".join("T" if periodic else "F" for periodic in atoms.pbc)
    keys = f'Properties=species:S:1:pos:R:3 pbc="{flags}"'
    if atoms.cell.any():
        keys = f'Lattice="{_row(atoms.cell.array)}" {keys}'
    rows = (f"{symbol:2s} {_row(place)}" for symbol, place in zip(atoms.symbols, atoms.positions, strict=True))
    return "\n".join([str(len(atoms)), keys, *rows, ""])


def _row(numbers: np.ndarray) -> str:
    return " ".join(repr(float(x)) for x in np.ravel(numbers))


_WRITERS: dict[str, Callable[[Atoms], str]] = {"cif": _cif, "vasp": _vasp, "extxyz": _extxyz}
