"""The structures to label: rattled and strained cells, and displaced supercells for phonons.

    python structures.py      equilibrium.json -> rattled.todo.extxyz, phonons.todo.extxyz

Needs ase and phonopy. The seed is fixed: the lists are the same at every run.
"""

import json
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.io import write

FOLDER = Path(__file__).resolve().parent.parent
SEED, ROUNDS = 42, 12
RATTLES = (0.03, 0.06, 0.10, 0.15)
"""Standard deviations of the displacements, Å, one a round in turn."""
STRAIN = 0.015
"""Standard deviation of the strain components and of the scale."""
DISPLACEMENT = 0.02
"""Å, of the phonon supercells."""
LARGE = ("Si",)
"""Also in a supercell of 2×2×2 conventional cells (64 atoms), to show what the size changes."""
CONVENTIONAL = 2 * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
"""2×2×2 conventional cells in vectors of the fcc primitive cell."""


def frames_a(e: dict) -> float:
    """Lattice constant of the frames, Å: that of equilibrium, unless they were made before it was computed better."""
    return e.get("frames_a", e["a"])


def rattled(equilibrium: dict) -> list[Atoms]:
    """Conventional cells (fcc metals doubled), strained and rattled, in rounds over the materials."""
    rng = np.random.default_rng(SEED)
    frames = []
    for i in range(ROUNDS):
        for name, e in equilibrium.items():
            atoms = bulk(name, e["structure"], frames_a(e), cubic=True)
            if len(atoms) == 4:
                atoms = atoms * (2, 1, 1)
            strain = rng.normal(0, STRAIN, (3, 3))
            strain = (strain + strain.T) / 2 + np.eye(3) * (1 + rng.normal(0, STRAIN))
            atoms.set_cell(atoms.cell @ strain, scale_atoms=True)
            rattle = RATTLES[i % len(RATTLES)]
            atoms.positions += rng.normal(0, rattle, atoms.positions.shape)
            atoms.info = {"name": name, "kind": "rattled", "round": i, "rattle": rattle}
            frames.append(atoms)
    return frames


def displaced(equilibrium: dict) -> list[Atoms]:
    """2×2×2 supercells of the primitive cells with the displacements that phonopy asks for, and LARGE ones at the end."""
    names = ("Si", "Al", "MgO", "NaCl", "C", "SiC", "LiF", "Cu")
    frames = [atoms for name in names for atoms in supercells(name, equilibrium[name], np.diag([2, 2, 2]))]
    for name in LARGE:
        start = sum(atoms.info["name"] == name for atoms in frames)
        frames += supercells(name, equilibrium[name], CONVENTIONAL, start=start)
    return frames


def supercells(name: str, e: dict, matrix: np.ndarray, *, start: int = 0) -> list[Atoms]:
    """Displaced supercells of one primitive cell, numbered from start."""
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    cell = bulk(name, e["structure"], frames_a(e))
    unit = PhonopyAtoms(
        symbols=cell.get_chemical_symbols(), cell=cell.cell.array, scaled_positions=cell.get_scaled_positions()
    )
    phonon = Phonopy(unit, supercell_matrix=matrix, primitive_matrix="P")
    phonon.generate_displacements(distance=DISPLACEMENT)
    frames = []
    for j, s in enumerate(phonon.supercells_with_displacements):
        atoms = Atoms(s.symbols, cell=s.cell, scaled_positions=s.scaled_positions, pbc=True)
        atoms.info = {"name": name, "kind": "displaced", "index": start + j, "displacement": DISPLACEMENT}
        frames.append(atoms)
    return frames


def main() -> None:
    """Write both lists beside equilibrium.json."""
    equilibrium = json.loads((FOLDER / "equilibrium.json").read_text())
    write(FOLDER / "rattled.todo.extxyz", rattled(equilibrium))
    write(FOLDER / "phonons.todo.extxyz", displaced(equilibrium))


if __name__ == "__main__":
    main()
