"""phonopy's displaced supercells with forces: ``phonopy_params.yaml``, or ``FORCE_SETS`` with its cell."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from ase import Atoms

from mlip_core.datasets.formats import Raw, attach
from mlip_core.errors import DatasetError, StructureError
from mlip_core.structures import read_structure
from mlip_core.structures.species import element_of
from mlip_core.structures.words import is_number, shown

CELLS = ("phonopy_disp.yaml", "phonopy.yaml", "phonopy_params.yaml", "SPOSCAR")
"""Where the supercell of a FORCE_SETS may be, the best first."""
MAX_BYTES = 60_000_000
"""Of a YAML file; it grows thirty times while it is read."""
_MOST_ATOMS = 20_000
_ANCHOR = re.compile(rb"(?:^|[\s\[{,:-])[&*]\w", re.MULTILINE)


class _Damaged(Exception):
    """What does not fit, in words."""


class _Displaced(NamedTuple):
    displacements: np.ndarray
    """(n_supercells, n_atoms, 3), Å."""
    forces: np.ndarray
    """(n_supercells, n_atoms, 3), eV/Å."""
    energies: np.ndarray | None
    """(n_supercells,), eV."""


def read_phonopy_yaml(path: Path, label: str) -> Iterator[Raw]:
    """Read a ``phonopy_params.yaml``, which holds supercell, displacements and forces.

    Parameters
    ----------
    path : path
    label : str
        How the file is called in messages.

    Yields
    ------
    Raw

    Raises
    ------
    DatasetError
        If it is damaged, holds no forces, or is in the units of another program than VASP.
    """
    tree = _yaml(path, label)
    supercell = _supercell(tree, label)
    try:
        displaced = _displaced(tree, len(supercell))
    except _Damaged as error:
        raise DatasetError(f"{label}: its displacements or forces are damaged: {error}.") from error
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
        raise DatasetError(
            f"{label}: its displacements or forces are damaged, or not as phonopy writes them."
        ) from error
    if displaced is None:
        raise DatasetError(
            f"{label} has no forces in it. Put FORCE_SETS beside it in a ZIP, or save phonopy_params.yaml with the forces."
        )
    yield from _frames(supercell, displaced, label)


def read_force_sets(folder: Path, label: str) -> Iterator[Raw]:
    """Read phonopy's ``FORCE_SETS`` with the supercell beside it, as displaced supercells with forces.

    Parameters
    ----------
    folder : path
        Holds FORCE_SETS and phonopy_disp.yaml, phonopy.yaml, phonopy_params.yaml or SPOSCAR.
    label : str
        How the folder is called in messages.

    Yields
    ------
    Raw

    Raises
    ------
    DatasetError
        If there is no cell, or it has another number of atoms.
    """
    cell = next((folder / name for name in CELLS if (folder / name).is_file()), None)
    if cell is None:
        raise DatasetError(f"{label}: FORCE_SETS needs its supercell beside it: add one of {', '.join(CELLS)}.")
    where = f"{label}, {cell.name}"
    if cell.name == "SPOSCAR":
        try:
            supercell = read_structure(cell, max_atoms=_MOST_ATOMS)
        except StructureError as error:
            raise DatasetError(f"{where}: {error}") from error
    else:
        supercell = _supercell(_yaml(cell, where), where)
    yield from _frames(supercell, _force_sets(folder / "FORCE_SETS", len(supercell), label), label)


def _yaml(path: Path, label: str) -> dict[str, Any]:
    if path.stat().st_size > MAX_BYTES:
        raise DatasetError(f"{label} is larger than {MAX_BYTES // 1_000_000} MB. Give FORCE_SETS with SPOSCAR instead.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = path.read_bytes()
        if _ANCHOR.search(text):
            _refuse_aliases(text, loader, label)
        tree = yaml.load(text, loader)
    except DatasetError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DatasetError(f"{label} is not YAML that can be read{_place(error)}.") from error
    if not isinstance(tree, dict) or not isinstance(tree.get("phonopy", {}), dict):
        raise DatasetError(f"{label} is not a file of phonopy's.")
    calculator = tree.get("phonopy", {}).get("calculator")
    if calculator not in (None, "vasp"):
        raise DatasetError(
            f"{label} is written for {str(calculator)[:40]}, with its units. Give the displaced cells as extended XYZ in Å."
        )
    return tree


def _refuse_aliases(text: bytes, loader: Any, label: str) -> None:
    """Refuse parts that are written once and meant many times: a small file may so grow without bound."""
    if any(isinstance(token, yaml.AliasToken | yaml.AnchorToken) for token in yaml.scan(text, loader)):
        raise DatasetError(f"{label}: aliases in YAML are not read. phonopy writes none.")


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return (
        ""
        if mark is None
        else f": line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', None) or 'it is damaged'}"
    )


def _supercell(tree: dict[str, Any], label: str) -> Atoms:
    """Return the supercell as the file lists it."""
    try:
        entry = tree["supercell"]
        points = entry["points"] if "points" in entry else entry["atoms"]
        if len(points) > _MOST_ATOMS:
            raise DatasetError(f"{label}: {len(points)} atoms in the supercell; at most {_MOST_ATOMS} are read.")
        numbers = [element_of(str(point["symbol"]), f"{label}, atom {i + 1}").z for i, point in enumerate(points)]
        places = np.array([point["coordinates"] for point in points], dtype=float)
        cell = np.array(entry["lattice"], dtype=float)
        return Atoms(numbers=numbers, cell=cell, scaled_positions=places, pbc=True)
    except StructureError as error:
        raise DatasetError(str(error)) from error
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(
            f"{label}: the supercell is missing or damaged: expected its lattice, and symbol and coordinates of each atom."
        ) from error


def _displaced(tree: dict[str, Any], n_atoms: int) -> _Displaced | None:
    """Displacements and forces of any of the three ways in which phonopy has written them; None without forces."""
    entry = tree.get("dataset") or {}
    displacements, forces = (entry or tree).get("displacements"), entry.get("forces")
    if not displacements:
        return None
    energies = entry.get("supercell_energies")
    if isinstance(displacements[0], dict):  # one atom moves in each supercell
        if "forces" not in displacements[0]:
            return None
        moved = np.zeros((len(displacements), n_atoms, 3))
        for k, one in enumerate(displacements):
            if not 1 <= int(one["atom"]) <= n_atoms:
                raise _Damaged(f"there is no atom {one['atom']}")
            moved[k, int(one["atom"]) - 1] = one["displacement"]
        forces = [one["forces"] for one in displacements]
        energies = [one.get("supercell_energy") for one in displacements]
    elif isinstance(displacements[0][0], dict):  # every atom moves, with its force beside
        if "force" not in displacements[0][0]:
            return None
        moved = np.array([[one["displacement"] for one in cell] for cell in displacements], dtype=float)
        forces = [[one["force"] for one in cell] for cell in displacements]
    else:
        moved = np.array(displacements, dtype=float)
    if forces is None:
        return None
    return _checked(moved, np.array(forces, dtype=float), energies, n_atoms)


def _checked(moved: np.ndarray, forces: np.ndarray, energies: Any, n_atoms: int) -> _Displaced:
    if moved.shape != forces.shape or moved.shape[1:] != (n_atoms, 3):
        raise _Damaged(
            f"displacements have shape {moved.shape} and forces {forces.shape}, expected n × {n_atoms} × 3 in both"
        )
    whole = isinstance(energies, list) and len(energies) == len(forces) and None not in energies
    return _Displaced(moved, forces, np.array(energies, dtype=float) if whole else None)


def _force_sets(path: Path, n_atoms: int, label: str) -> _Displaced:
    """Read FORCE_SETS: blocks of one moved atom and all forces, or rows of a displacement and a force."""
    lines = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    words = [word for line in lines for word in line]
    try:
        if not lines:
            raise _Damaged("no numbers")
        if len(lines[0]) == 1:
            return _one_atom_moved(np.array(words, dtype=float), n_atoms)
        rows = np.array(words, dtype=float).reshape(-1, n_atoms, 6)
        return _Displaced(rows[..., :3], rows[..., 3:], None)
    except (_Damaged, ValueError, OverflowError) as error:
        odd = next((f": {shown(word)} is no number" for word in words if not is_number(word)), "")
        reason = f": {error}" if isinstance(error, _Damaged) else odd
        raise DatasetError(
            f"{label}: FORCE_SETS is damaged, or does not belong to the supercell of {n_atoms} atoms beside it{reason}."
        ) from error


def _one_atom_moved(words: np.ndarray, n_atoms: int) -> _Displaced:
    if len(words) < 2 or int(words[0]) != n_atoms:
        raise _Damaged(f"it is of {int(words[0])} atoms")
    n, size = int(words[1]), 4 + 3 * n_atoms
    if n < 1 or len(words) - 2 != n * size:
        raise _Damaged(f"expected {n} displacements with {n_atoms} forces each, but found {len(words)} numbers")
    blocks = words[2:].reshape(n, size)
    atoms = blocks[:, 0].astype(int) - 1
    if ((atoms < 0) | (atoms >= n_atoms)).any():
        raise _Damaged("an atom that is moved is not in the supercell")
    moved = np.zeros((n, n_atoms, 3))
    moved[np.arange(n), atoms] = blocks[:, 1:4]
    return _Displaced(moved, blocks[:, 4:].reshape(n, n_atoms, 3), None)


def _frames(supercell: Atoms, displaced: _Displaced, label: str) -> Iterator[Raw]:
    for k, (moved, forces) in enumerate(zip(displaced.displacements, displaced.forces, strict=True)):
        atoms = supercell.copy()
        atoms.positions += moved
        energy = {} if displaced.energies is None else {"energy": float(displaced.energies[k])}
        attach(atoms, {"forces": np.array(forces), **energy})
        yield Raw(atoms, f"{label}, displacement {k}")
