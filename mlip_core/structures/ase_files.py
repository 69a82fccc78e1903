"""What ASE itself writes: ``.json`` and ``.traj``. Numbers are taken out, nothing else is built.

ASE's own readers make whatever objects a file names and reserve whatever memory it
asks for. Files here come from anybody, so only the fields of a structure and what it
holds fixed are read, from plain JSON, within the bounds of the file.
"""

import json
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.structures.frozen import frozen_as_ase_says
from mlip_core.structures.ulm import DEEPEST, count_items, read_item
from mlip_core.structures.words import Parsed, depth_of, element_by_number, shown, too_many


def read_json(text: str, max_atoms: int) -> Parsed:
    """Read the last row of an ASE JSON file, or one structure written by `ase.io.jsonio`.

    Parameters
    ----------
    text : str
        The file.
    max_atoms : int
        More are refused.

    Returns
    -------
    Parsed

    Raises
    ------
    StructureError
        Naming the line of what is not JSON, or the row and field.
    """
    _check_depth(text.encode())
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as error:
        raise StructureError(f"line {error.lineno}, column {error.colno}: this is not JSON ({error.msg}).") from error
    except ValueError as error:
        raise StructureError("This JSON has a number too long to be that of a structure.") from error
    if not isinstance(tree, dict):
        raise StructureError("Expected the JSON that ASE writes: an object with rows “1”, “2” and so on.")
    if "numbers" in tree:
        return structure_of(tree, "the structure", max_atoms)
    name = _last_row(tree)
    return structure_of(tree[name], f"row {shown(name)}", max_atoms)


def _check_depth(text: bytes) -> None:
    """Refuse deep nesting before it is parsed: where the recursion limit was raised, it would end the process."""
    if depth_of(text) > DEEPEST:
        raise StructureError("This JSON is nested too deeply to be a structure.")


def _last_row(tree: dict[str, Any]) -> str:
    ids = tree.get("ids")
    names = [str(i) for i in ids] if isinstance(ids, list) else [name for name in tree if name.isdecimal()]
    if not names:
        raise StructureError(
            "Expected the JSON that ASE writes: an object with rows “1”, “2”, … and numbers, positions and cell in each."
        )
    if not isinstance(tree.get(names[-1]), dict):
        raise StructureError(f"Field ids: expected the name of a row, but there is no row {shown(names[-1])}.")
    return names[-1]


def read_traj(data: bytes, max_atoms: int) -> Parsed:
    """Read the last frame of an ASE trajectory (``.traj``, ULM).

    Parameters
    ----------
    data : bytes
        The file.
    max_atoms : int
        More are refused.

    Returns
    -------
    Parsed

    Raises
    ------
    StructureError
        Naming the frame and field.
    """
    n_frames = count_items(data)
    if n_frames == 0:
        raise StructureError("The header: expected at least one frame in this trajectory.")
    where = f"frame {n_frames}"
    first, last = read_item(data, 0, "frame 1"), read_item(data, n_frames - 1, where)
    return structure_of(first | last, where, max_atoms)


def structure_of(fields: dict[str, Any], where: str, max_atoms: int) -> Parsed:
    """Make a structure of ``numbers``, ``positions`` and, where they are there, ``cell`` and ``pbc``; name ``where`` in errors."""
    for name in ("numbers", "positions"):
        if fields.get(name) is None:
            raise StructureError(f"{where}: expected the field {name}.")
    numbers = _array(fields["numbers"], f"{where}, field numbers", (-1,))
    if len(numbers) > max_atoms:
        raise too_many(len(numbers), max_atoms, where)
    if len(numbers) == 0:
        raise StructureError(f"{where}, field numbers: expected at least one atom.")
    places = [f"{where}, atom {i + 1}" for i in range(len(numbers))]
    for z, place in zip(numbers, places, strict=True):
        if z != int(z if np.isfinite(z) else 0):
            raise StructureError(f"{place}, field numbers: expected a whole number, but found {z:g}.")
        element_by_number(int(z), f"{place}, field numbers")
    positions = _array(fields["positions"], f"{where}, field positions", (len(numbers), 3))
    cell = _array(_inner(fields.get("cell")), f"{where}, field cell", (3, 3))
    pbc = _array(_or(fields.get("pbc"), [False] * 3), f"{where}, field pbc", (3,))
    if not set(pbc.tolist()) <= {0.0, 1.0}:
        raise StructureError(f"{where}, field pbc: expected true or false for each of the three directions.")
    atoms = Atoms(numbers=numbers.astype(int), positions=positions, cell=cell, pbc=pbc.astype(bool))
    notes = frozen_as_ase_says(atoms, fields.get("constraints")) + _note_on_masses(atoms, fields.get("masses"), where)
    return Parsed(atoms, places, notes)


def _note_on_masses(atoms: Atoms, masses: Any, where: str) -> list[str]:
    if masses is None:
        return []
    given = _array(masses, f"{where}, field masses", (-1,))
    natural = atoms.get_masses()
    unlike = ~np.isclose(given, natural, rtol=0.01) if given.shape == natural.shape else np.ones(len(atoms), bool)
    if not unlike.any():
        return []
    symbols = ", ".join(sorted(set(atoms.symbols[unlike])))
    return [f"the masses that the file gives for {symbols} are left out: natural masses are used"]


def _inner(cell: Any) -> Any:
    """Return the vectors of a cell, however ASE wrapped them."""
    if isinstance(cell, dict) and "array" in cell:
        cell = cell["array"]
    if cell is None:
        return np.zeros((3, 3))
    return np.diag(cell) if isinstance(cell, list) and len(cell) == 3 and not isinstance(cell[0], list) else cell


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


def _array(value: Any, where: str, shape: tuple[int, ...]) -> np.ndarray:
    """Make a float array of a list or of ASE's ``__ndarray__``, if it has the shape."""
    if isinstance(value, dict):
        entry = value.get("__ndarray__")
        value = entry[2] if isinstance(entry, list) and len(entry) == 3 else value
    try:
        array = np.array(value)
        if array.dtype.kind not in "biuf":
            raise ValueError("not numbers")
        if np.prod(shape) >= 0 and array.size == np.prod(shape):
            array = array.reshape(shape)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise StructureError(f"{where}: expected {_size(shape)} numbers.") from error
    if array.ndim != len(shape) or any(n not in (-1, m) for n, m in zip(shape, array.shape, strict=True)):
        raise StructureError(
            f"{where}: expected {_size(shape)} numbers, but found {' × '.join(map(str, array.shape)) or 'one'}."
        )
    return array.astype(float)


def _size(shape: tuple[int, ...]) -> str:
    return "a list of" if shape == (-1,) else " × ".join(map(str, shape))
