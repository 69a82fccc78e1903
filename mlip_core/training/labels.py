"""The teacher's answers: energy, forces and stress of every structure, in files that are whole or not there."""

import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.io import read, write
from scipy.optimize import brentq

from mlip_core.errors import CalculationError, DatasetError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.training.settings import Crystal

CHUNK = 20
"""Number of structures in one label file: so many are labelled again after a kill."""


def relaxed_constant(crystal: Crystal, teacher: Model, *, within: float = 0.05) -> float:
    """Cubic lattice constant at which the teacher's pressure vanishes.

    Parameters
    ----------
    crystal : Crystal
        ``a`` is where the search starts.
    teacher : Model
        Potential with a stress.
    within : float
        How far the search goes, relative to ``a``.

    Returns
    -------
    float
        Lattice constant, Å, to 1e-4 Å.

    Raises
    ------
    CalculationError
        If the pressure does not change sign in that range.
    """

    def pressure(a: float) -> float:
        stress = teacher.predict([bulk(crystal.formula, crystal.lattice, a=a)])[0].stress
        assert stress is not None
        return -float(np.trace(stress)) / 3

    try:
        return float(brentq(pressure, (1 - within) * crystal.a, (1 + within) * crystal.a, xtol=1e-4))
    except ValueError as error:
        raise CalculationError(
            f"{crystal.name}: no equilibrium within {within:.0%} of a = {crystal.a} Å; start closer to the teacher's lattice constant"
        ) from error


def label(
    structures: list[Atoms],
    teacher: Model,
    folder: Path,
    *,
    worker: int = 0,
    workers: int = 1,
    progress: Progress = silent,
) -> None:
    """Label structures, skipping what ``folder`` already holds.

    Each chunk of :data:`CHUNK` structures is one file that appears only when it
    is complete, so that a killed run loses at most a chunk.

    Parameters
    ----------
    structures : list of Atoms
        As :func:`mlip_core.training.structures.generate` made them, in its order.
    teacher : Model
        Where the labels come from.
    folder : path
        Training folder; its ``labels/`` gets ``labels-00000.extxyz``, …
    worker, workers : int
        This process does every ``workers``-th chunk, from ``worker``.
    progress : callable, optional
        Called after each chunk.
    """
    chunks = [structures[start : start + CHUNK] for start in range(0, len(structures), CHUNK)]
    for index in range(worker, len(chunks), workers):
        path = label_file(folder, index)
        if not path.exists():
            write_frames(path, labelled(chunks[index], teacher))
        progress(index + 1, len(chunks))


def label_file(folder: Path, index: int) -> Path:
    """Path of the label file of a chunk."""
    return folder / "labels" / f"labels-{index:05d}.extxyz"


def labelled(structures: Iterable[Atoms], teacher: Model) -> list[Atoms]:
    """Copies that carry ``REF_energy`` (eV), ``REF_forces`` (eV/Å) and ``REF_stress`` (eV/Å³, 3×3) of the teacher."""
    structures = list(structures)
    copies = []
    for atoms, answer in zip(structures, teacher.predict(structures), strict=True):
        copy = atoms.copy()
        copy.info["REF_energy"] = answer.energy
        copy.info["REF_stress"] = answer.stress
        copy.set_array("REF_forces", np.asarray(answer.forces, dtype=float))
        copies.append(copy)
    return copies


def write_frames(path: Path, structures: list[Atoms]) -> None:
    """Write labelled structures in one step: the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    write(part, structures, format="extxyz", write_results=False)
    part.replace(path)


def read_all_labels(folder: Path) -> list[Atoms]:
    """Read every label file of a training folder.

    Parameters
    ----------
    folder : path
        Training folder; the files lie under ``labels/``.

    Returns
    -------
    list of Atoms
        In the order of their ``id``.

    Raises
    ------
    DatasetError
        If there is none, or one is not whole.
    """
    paths = sorted((folder / "labels").glob("labels-*.extxyz"))
    if not paths:
        raise DatasetError(f"{folder / 'labels'} holds no labels-*.extxyz. Run the label command first.")
    return [atoms for path in paths for atoms in read_labels(path)]


def read_labels(path: Path) -> list[Atoms]:
    """Read one label file, refusing one that is not whole.

    Parameters
    ----------
    path : path
        Extended XYZ with ``REF_energy``, ``REF_forces`` and ``REF_stress``.

    Returns
    -------
    list of Atoms
        With ``info["REF_energy"]``, ``info["REF_stress"]``, ``arrays["REF_forces"]``.

    Raises
    ------
    DatasetError
        Names the file and the line at which a structure is cut short or has no label.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    else:
        raise _half_written(path, len(lines), "the last line has no end")
    structures = []
    at = 0
    while at < len(lines):
        structures.append(_frame(path, lines, at))
        at += 2 + len(structures[-1])
    return structures


def _frame(path: Path, lines: list[str], at: int) -> Atoms:
    if not re.fullmatch(r"\s*\d+\s*", lines[at]):
        raise _half_written(path, at + 1, f"expected a number of atoms, found {lines[at][:40]!r}")
    end = at + 2 + int(lines[at])
    if end > len(lines):
        raise _half_written(path, at + 1, f"the structure needs {end - at} lines, {len(lines) - at} are there")
    try:
        atoms = read(StringIO("\n".join(lines[at:end]) + "\n"), format="extxyz")
    except Exception as error:
        raise _half_written(path, at + 1, f"the structure cannot be read ({error})") from error
    if not {"REF_energy", "REF_stress"} <= set(atoms.info) or "REF_forces" not in atoms.arrays:
        raise _half_written(path, at + 1, "the structure has no REF_energy, REF_forces and REF_stress")
    return atoms


def _half_written(path: Path, line: int, why: str) -> DatasetError:
    return DatasetError(f"{path}, line {line}: {why}. Delete the file; the label command writes it again.")
