"""The relaxed crystals and molecules from which the structures of a data set are made."""

import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import TypeAlias

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.io import read

from mlip_core.calculations.relaxation.calculation import RelaxationSettings, relax
from mlip_core.errors import CalculationError
from mlip_core.models.model import Model
from mlip_core.structures import library_structure
from mlip_core.training.labels import relaxed_constant, write_frames
from mlip_core.training.settings import Crystal

Relaxed: TypeAlias = "float | Atoms"
"""What the teacher's relaxation of a crystal gave: the lattice constant of a cubic one in Å, or the cell."""
CONSTANTS = "constants.json"
VACUUM = 5.0
"""Space on each side of a molecule in its box, Å."""
FMAX = 2e-3
"""Longest force at which the relaxation of a structure of the library ends, eV/Å."""


def relaxed_cells(crystals: Sequence[Crystal], folder: Path, teacher: Callable[[], Model]) -> dict[str, Relaxed]:
    """Every crystal as the teacher relaxes it; computed once, then read from the folder.

    Parameters
    ----------
    crystals : sequence of Crystal
    folder : path
        Training folder.
    teacher : callable
        Gives a potential with a stress; called only where something is missing.

    Returns
    -------
    dict
        By the crystal's name: lattice constant in Å of a cubic one, cell of one of the library.
    """
    path = folder / CONSTANTS
    constants: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found: dict[str, Relaxed] = {}
    for crystal in crystals:
        stored = folder / f"relaxed-{crystal.name}.extxyz"
        if crystal.library and not stored.exists():
            write_frames(stored, [relaxed_structure(crystal, teacher())])
        elif not crystal.library and crystal.name not in constants:
            constants[crystal.name] = relaxed_constant(crystal, teacher())
            path.write_text(json.dumps(constants), encoding="utf-8")
        found[crystal.name] = read(stored) if crystal.library else constants[crystal.name]
    return found


def relaxed_structure(crystal: Crystal, teacher: Model) -> Atoms:
    """Structure of the library where the teacher's forces and stress vanish, its symmetry kept.

    Returns
    -------
    Atoms
        Periodic in three directions: a layer in the cell it has, a molecule in a box.

    Raises
    ------
    CalculationError
        If the relaxation does not arrive.
    """
    atoms = library_structure(crystal.library)
    molecule = not atoms.pbc.any()
    if molecule:
        atoms.center(vacuum=VACUUM)
    atoms.pbc = True
    settings = RelaxationSettings(fmax=FMAX, cell="none" if molecule else "full", fix_symmetry=not molecule)
    found = relax(atoms, teacher, settings)
    if not found.converged:
        raise CalculationError(f"{crystal.name}: the teacher's relaxation did not arrive: {found.reason}")
    return Atoms(found.structure)


def cell_of(crystal: Crystal, relaxed: Relaxed, *, cubic: bool, factor: float = 1.0) -> Atoms:
    """Primitive or cubic cell of a cubic crystal, or the cell of one of the library, its lengths times a factor."""
    if not isinstance(relaxed, Atoms):
        return bulk(crystal.formula, crystal.lattice, a=relaxed * factor, cubic=cubic)
    atoms = relaxed.copy()
    atoms.set_cell(atoms.cell.array * factor, scale_atoms=True)
    return atoms


def doubled(crystal: Crystal, relaxed: Relaxed, factor: float = 1.0) -> Atoms:
    """2×2×2 of the primitive cell of a cubic crystal, or 8 to 20 atoms of a structure of the library."""
    cell = cell_of(crystal, relaxed, cubic=False, factor=factor)
    return repeated(cell, 8, 20) if crystal.library else cell * (2, 2, 2)


def repeated(cell: Atoms, least: int, most: int) -> Atoms:
    """Repeat a cell to between ``least`` and ``most`` atoms, as little elongated as that allows.

    A cell for which there is no such number comes back once.
    """
    lengths = cell.cell.lengths()
    shapes = [shape for shape in product(range(1, 6), repeat=3) if least <= len(cell) * np.prod(shape) <= most]
    if not shapes:
        return cell.copy()

    def elongation(shape: tuple[int, ...]) -> float:
        size = lengths * shape
        return float(size.max() / size.min())

    return cell.repeat(min(shapes, key=elongation))
