"""The structures a bundled model learns from: strained, rattled, displaced, with vacancies and surfaces."""

from collections.abc import Callable, Iterator, Mapping
from itertools import count

import numpy as np
from ase import Atoms
from ase.build import surface

from mlip_core.errors import SettingsError
from mlip_core.symmetry.moving import rattled
from mlip_core.training.cells import Relaxed, cell_of, doubled, repeated
from mlip_core.training.settings import Crystal, Data

SPLITS = ("train", "validation", "test")


def generate(data: Data, constants: Mapping[str, Relaxed]) -> list[Atoms]:
    """Make every structure of a data set.

    Parameters
    ----------
    data : Data
        Crystals, numbers, amplitudes and the seed: the same data gives the same structures.
    constants : dict
        The teacher's relaxed lattice constant of each cubic crystal, Å, and cell of
        each structure of the library.

    Returns
    -------
    list of Atoms
        Shuffled. ``info`` holds ``id`` (unique), ``crystal``, ``kind``, ``parent``
        (cell, strain and defect that the structure shares with its siblings),
        ``split`` (one of :data:`SPLITS`; the same for all children of a parent)
        and ``rattle`` or ``displacement`` in Å.

    Raises
    ------
    SettingsError
        If a crystal asks for an unknown kind of structure.
    """
    numbers = count()
    structures = [
        atoms
        for index, crystal in enumerate(data.crystals)
        for kind, number in crystal.counts.items()
        for atoms in _family(data, crystal, kind, number, constants[crystal.name], seed=index, numbers=numbers)
    ]
    order = np.random.default_rng(data.seed).permutation(len(structures))
    shuffled = [structures[i] for i in order]
    for i, atoms in enumerate(shuffled, start=data.first):
        atoms.info["id"] = i
    return shuffled


def _known(kind: str) -> None:
    if kind not in KINDS:
        raise SettingsError(f"unknown kind of structure {kind!r}; one of {', '.join(KINDS)}")


def _family(
    data: Data, crystal: Crystal, kind: str, number: int, a: Relaxed, *, seed: int, numbers: Iterator[int]
) -> Iterator[Atoms]:
    """Yield ``number`` structures of one kind, ``data.children`` to a parent."""
    _known(kind)
    rng = np.random.default_rng([data.seed, seed, list(KINDS).index(kind)])
    build, disturb = KINDS[kind]
    n_parents = -(-number // data.children)
    splits = _splits(n_parents, data, rng)
    for made in range(number):
        child = made % data.children
        if child == 0:
            parent, split = build(crystal, a, data, rng), splits[made // data.children]
            label = f"{crystal.name}-{next(numbers)}"
        atoms = disturb(parent, made, data, rng)
        atoms.info.update(crystal=crystal.name, kind=kind, parent=label, split=split)
        yield atoms


def _splits(n_parents: int, data: Data, rng: np.random.Generator) -> list[str]:
    """Split names of the parents, in random order; shares are rounded to the nearest whole parent."""
    n_validation = round(n_parents * data.validation)
    n_test = round(n_parents * data.test)
    names = ["validation"] * n_validation + ["test"] * n_test
    names += ["train"] * (n_parents - len(names))
    return [names[i] for i in rng.permutation(n_parents)]


def strained(atoms: Atoms, strain: float, rng: np.random.Generator) -> Atoms:
    """Copy under a symmetric strain tensor with entries drawn evenly from ±``strain``."""
    tensor = rng.uniform(-strain, strain, size=(3, 3))
    tensor = np.triu(tensor) + np.triu(tensor, 1).T
    copy = atoms.copy()
    copy.set_cell(atoms.cell.array @ (np.eye(3) + tensor), scale_atoms=True)
    return copy


def _conventional(crystal: Crystal, a: Relaxed, data: Data, rng: np.random.Generator) -> Atoms:
    cell = cell_of(crystal, a, cubic=True)
    return strained(repeated(cell, 4, 8) if crystal.library else cell, data.strain, rng)


def _scaled(crystal: Crystal, a: Relaxed, data: Data, rng: np.random.Generator) -> Atoms:
    factor = 1 + rng.uniform(-data.strain, data.strain)
    return strained(cell_of(crystal, a, cubic=False, factor=factor), data.strain / 3, rng)


def _supercell(crystal: Crystal, a: Relaxed, data: Data, rng: np.random.Generator) -> Atoms:
    return strained(doubled(crystal, a), data.strain, rng)


def _near_equilibrium(crystal: Crystal, a: Relaxed, data: Data, rng: np.random.Generator) -> Atoms:
    return doubled(crystal, a, 1 + rng.uniform(-data.strain, data.strain) / 6)


def _large(crystal: Crystal, a: Relaxed, data: Data, rng: np.random.Generator) -> Atoms:
    cell = cell_of(crystal, a, cubic=True, factor=1 + rng.uniform(-data.strain, data.strain) / 6)
    return repeated(cell, 24, 48) if crystal.library else cell * (2, 2, 2)


def _vacancy(crystal: Crystal, a: Relaxed, data: Data, rng: np.random.Generator) -> Atoms:
    atoms = strained(doubled(crystal, a), data.strain / 3, rng)
    del atoms[int(rng.integers(len(atoms)))]
    return atoms


def _surface(crystal: Crystal, a: Relaxed, data: Data, rng: np.random.Generator) -> Atoms:
    miller = [(1, 0, 0), (1, 1, 0)][int(rng.integers(2))]
    factor = 1 + rng.uniform(-data.strain, data.strain) / 3
    atoms = surface(cell_of(crystal, a, cubic=True, factor=factor), miller, layers=2, vacuum=5.0)
    atoms.pbc = True
    return atoms


def _molecule(crystal: Crystal, a: Relaxed, data: Data, rng: np.random.Generator) -> Atoms:
    return cell_of(crystal, a, cubic=False)


def _every_atom(parent: Atoms, made: int, data: Data, rng: np.random.Generator) -> Atoms:
    """Copy with random displacements of every atom."""
    stdev = data.rattles[made % len(data.rattles)]
    atoms = rattled(parent, stdev, rng)
    atoms.info["rattle"] = stdev
    return atoms


def _one_atom(parent: Atoms, made: int, data: Data, rng: np.random.Generator) -> Atoms:
    """Copy with a random displacement of one atom."""
    length = data.displacements[made % len(data.displacements)]
    atoms = parent.copy()
    direction = rng.normal(size=3)
    atoms.positions[int(rng.integers(len(atoms)))] += length * direction / np.linalg.norm(direction)
    atoms.info["displacement"] = length
    return atoms


_Build = Callable[[Crystal, Relaxed, Data, np.random.Generator], Atoms]
_Disturb = Callable[[Atoms, int, Data, np.random.Generator], Atoms]

KINDS: dict[str, tuple[_Build, _Disturb]] = {
    "scaled": (_scaled, _every_atom),
    "conventional": (_conventional, _every_atom),
    "supercell": (_supercell, _every_atom),
    "near": (_near_equilibrium, _every_atom),
    "single": (_near_equilibrium, _one_atom),
    "large-single": (_large, _one_atom),
    "vacancy": (_vacancy, _every_atom),
    "surface": (_surface, _every_atom),
    "molecule": (_molecule, _every_atom),
    "large": (_large, _every_atom),
}
"""Kinds of structure: the parent cell, and what is done to each child.

scaled
    Primitive cell, isotropic change of lattice constant by up to the largest strain and a little shear.
conventional, supercell
    Cubic cell, or 2×2×2 of the primitive cell, under a general strain; rattled.
near, single
    2×2×2 of the primitive cell near its equilibrium volume; rattled, or one atom displaced.
large, large-single
    2×2×2 of the cubic cell near its equilibrium volume; rattled, or one atom displaced.
vacancy, surface
    2×2×2 of the primitive cell without one atom; a (100) or (110) slab with 10 Å of vacuum; rattled.
molecule
    A molecule in its box; rattled.

A structure of the library is repeated to 4 to 8 atoms where a cubic crystal has its cubic cell, to 8 to 20 instead of
2×2×2 of the primitive cell, and to 24 to 48 instead of 2×2×2 of the cubic one.
"""
