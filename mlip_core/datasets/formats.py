"""One generator a format: structures with their results attached, as `Raw`, one after the other."""

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.errors import DatasetError


class Raw(NamedTuple):
    """A structure as its file gave it."""

    atoms: Atoms
    """With arrays, info and attached results."""
    where: str
    """Where it is, for messages: file and frame, counted from 0."""


def read_extxyz(path: Path, label: str) -> Iterator[Raw]:
    """Read one frame at a time, so that an error names its frame and line.

    Parameters
    ----------
    path : path
        XYZ or extended XYZ.
    label : str
        How the file is called in messages.

    Yields
    ------
    Raw

    Raises
    ------
    DatasetError
        Naming the frame, the line and what was expected.
    """
    from ase.io import read

    line, frame = 0, 0
    with path.open(encoding="utf-8", errors="replace") as file:
        while first := file.readline():
            line += 1
            if not first.strip():
                continue
            where = f"{label}, frame {frame} (line {line})"
            count = _count(first, where)
            lines = [first, *(file.readline() for _ in range(count + 1))]
            if not lines[-1]:
                short = sum(1 for text in lines[2:] if text)
                raise DatasetError(f"{where}: expected {count} atoms, but the file ends after {short}.")
            yield Raw(_parsed(read, lines, label, frame, line), f"{label}, frame {frame}")
            line += count + 1
            frame += 1


def _count(text: str, where: str) -> int:
    words = text.split()
    if len(words) == 1 and words[0].isascii() and words[0].isdecimal():
        return int(words[0])
    raise DatasetError(f"{where}: expected the number of atoms, but found {text.strip()[:60]!r}.")


def _parsed(read: Any, lines: list[str], label: str, frame: int, line: int) -> Atoms:
    try:
        return read(io.StringIO("".join(lines)), format="extxyz")
    except Exception as error:
        at, what = _first_bad_line(lines)
        raise DatasetError(
            f"{label}, frame {frame}, line {line + at}: {what or f'not extended XYZ ({error})'}."
        ) from error


def _first_bad_line(lines: list[str]) -> tuple[int, str]:
    """Find the first atom line whose number of words differs from the line before, or that has no three numbers."""
    columns = len(lines[2].split()) if len(lines) > 2 else 0
    for at, text in enumerate(lines[2:], start=2):
        words = text.split()
        if len(words) != columns:
            return at, f"expected {columns} columns as in the first atom, but found {len(words)}"
        if len(words) < 4:
            return at, f"expected an element and three coordinates, but found {text.strip()[:60]!r}"
        for word in words[1:4]:
            try:
                math.isfinite(float(word))
            except ValueError:
                return at, f"expected a number, but found {word!r}"
    return 1, ""


def read_ase_db(path: Path, label: str) -> Iterator[Raw]:
    """Read an ASE database: SQLite (``.db``) or JSON. Builds structures and results, nothing else that a row may name."""
    from ase.db import connect

    with connect(path, type="json" if path.suffix == ".json" else "db") as database:
        for frame, row in enumerate(database.select()):
            atoms = Atoms(numbers=row.numbers, positions=row.positions, cell=row.cell, pbc=row.pbc)
            atoms.info.update(row.key_value_pairs)
            for name, value in row.data.items():
                _put(atoms, name, value)
            results = {name: row.get(name) for name in ("energy", "free_energy", "forces", "stress")}
            _attach(atoms, {name: value for name, value in results.items() if value is not None})
            yield Raw(atoms, f"{label}, row {row.id} (frame {frame})")


def _put(atoms: Atoms, name: str, value: Any) -> None:
    array = np.asarray(value) if isinstance(value, list | np.ndarray) else None
    if (
        array is not None
        and array.dtype.kind in "fiu"
        and array.shape[:1] == (len(atoms),)
        and name not in atoms.arrays
    ):
        atoms.set_array(name, array)
    elif isinstance(value, str | bool | int | float) or (array is not None and array.dtype.kind in "fiu"):
        atoms.info.setdefault(name, value)


def _attach(atoms: Atoms, results: dict[str, Any]) -> None:
    if results:
        atoms.calc = SinglePointCalculator(atoms, **results)


def read_traj(path: Path, label: str) -> Iterator[Raw]:
    """Read an ASE trajectory. The old kind, which is pickled, is refused."""
    from ase.io.trajectory import TrajectoryReader

    with path.open("rb") as file:
        if file.read(8) not in (b"- of Ulm", b"AFFormat"):
            raise DatasetError(f"{label}: not an ASE trajectory of today's format. Write it again with ase.io.write.")
    with TrajectoryReader(path) as trajectory:
        for frame, atoms in enumerate(trajectory):
            yield Raw(atoms, f"{label}, frame {frame}")


def read_vasprun(path: Path, label: str) -> Iterator[Raw]:
    """Read every ionic step of a ``vasprun.xml``."""
    from ase.io import iread

    for frame, atoms in enumerate(iread(path, index=":", format="vasp-xml")):
        yield Raw(atoms, f"{label}, ionic step {frame}")


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
    import phonopy

    names = ("phonopy_disp.yaml", "phonopy.yaml", "phonopy_params.yaml", "SPOSCAR")
    cell = next((folder / name for name in names if (folder / name).is_file()), None)
    if cell is None:
        raise DatasetError(f"{label}: FORCE_SETS needs its supercell beside it: add one of {', '.join(names)}.")
    given = {"supercell_filename": cell} if cell.name == "SPOSCAR" else {"phonopy_yaml": cell}
    phonon = phonopy.load(
        **given,
        force_sets_filename=folder / "FORCE_SETS",
        primitive_matrix="P",
        produce_fc=False,
        is_nac=False,
        log_level=0,
    )
    if phonon.calculator not in (None, "vasp"):
        raise DatasetError(
            f"{label}: {cell.name} is written for {phonon.calculator}, with its units. Give the displaced cells as extended XYZ in Å."
        )
    for frame, (s, forces) in enumerate(zip(phonon.supercells_with_displacements, phonon.forces, strict=True)):
        atoms = Atoms(s.symbols, cell=s.cell, scaled_positions=s.scaled_positions, pbc=True)
        _attach(atoms, {"forces": np.array(forces)})
        yield Raw(atoms, f"{label}, displacement {frame}")


def read_deepmd(folder: Path, label: str) -> Iterator[Raw]:
    """Read one DeePMD npy system, plain or mixed; one system is in memory at a time.

    Object arrays, which would be unpickled, are refused by numpy.
    """
    import dpdata

    mixed = any(folder.glob("set.*/real_atom_types.npy"))
    if mixed:
        systems = list(dpdata.MultiSystems().load_systems_from_file(str(folder), fmt="deepmd/npy/mixed"))
    else:
        systems = [dpdata.LabeledSystem(str(folder), fmt="deepmd/npy")]
    frame = 0
    for system in systems:
        for k in range(len(system)):
            yield Raw(_deepmd_frame(system.data, k), f"{label}, frame {frame}")
            frame += 1


def _deepmd_frame(data: dict[str, Any], k: int) -> Atoms:
    symbols = [data["atom_names"][i] for i in data["atom_types"]]
    open_cell = bool(data.get("nopbc", False))
    atoms = Atoms(symbols, positions=data["coords"][k], cell=None if open_cell else data["cells"][k], pbc=not open_cell)
    results = {"energy": float(data["energies"][k])} if "energies" in data else {}
    results |= {"forces": data["forces"][k].astype(float)} if "forces" in data else {}
    if "virials" in data and not open_cell:
        results["stress"] = -data["virials"][k].reshape(3, 3) / atoms.get_volume()
    _attach(atoms, results)
    return atoms
