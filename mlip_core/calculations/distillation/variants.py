"""Variants of one structure for a teacher to label: strained, rattled, one atom displaced, in cells of several sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from ase import Atoms

from mlip_core.symmetry.moving import rattled
from mlip_core.training.structures import strained

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
DISPLACEMENTS = (0.01, 0.03, 0.06, 0.1)
"""Lengths by which a single atom is displaced, in turn, Å."""
RATTLES = (0.1, 0.2, 0.4, 0.7, 1.0)
"""Standard deviations of rattles relative to the largest, in turn."""


@dataclass(frozen=True)
class Kind:
    """One kind of variant."""

    share: float
    """Part of all variants."""
    atoms: tuple[int, int]
    """Least and most atoms of its cells."""
    strain: float
    """Largest entry of the strain tensor, relative to the largest of the settings."""
    rattles: tuple[float, ...]
    """Standard deviations relative to the largest, in turn; none where a single atom is displaced."""


KINDS = {
    "strained": Kind(0.2, (4, 8), 1.0, RATTLES[:4]),
    "rattled": Kind(0.4, (8, 24), 0.6, RATTLES),
    "near": Kind(0.2, (8, 24), 0.15, RATTLES[:3]),
    "displaced": Kind(0.15, (8, 24), 0.15, ()),
    "large": Kind(0.05, (25, 72), 0.15, RATTLES),
}
"""Kinds of variant: small cells under strain, supercells, supercells near equilibrium, and with one atom displaced."""


def variants(structure: Atoms, n: int, *, seed: Sequence[int], strain: float, rattle: float) -> list[Atoms]:
    """Make variants of a structure.

    Parameters
    ----------
    structure : Atoms
        The middle of them all, near its equilibrium.
    n : int
        How many.
    seed : sequence of int
        Of every random number.
    strain : float
        Largest entry of the strain tensor.
    rattle : float
        Largest standard deviation of the atoms' displacements by component, Å.

    Returns
    -------
    list of Atoms
        Without constraints. ``info`` holds ``kind``, and ``rattle`` or ``displacement`` in Å.
    """
    rng = np.random.default_rng(list(seed))
    plain = Atoms(structure.numbers, structure.positions, cell=structure.cell, pbc=structure.pbc)
    names = list(KINDS)
    edges = np.cumsum([KINDS[name].share for name in names])
    made = []
    for i in range(n):
        name = names[min(int(np.searchsorted(edges, (i + 0.5) / n)), len(names) - 1)]
        made.append(_variant(plain, name, i, rng, strain=strain, rattle=rattle))
    return made


def _variant(plain: Atoms, name: str, turn: int, rng: np.random.Generator, *, strain: float, rattle: float) -> Atoms:
    kind = KINDS[name]
    shapes = repetitions(plain, *kind.atoms)
    parent = plain.repeat(shapes[int(rng.integers(len(shapes)))])
    parent = strained_where_periodic(parent, kind.strain * strain, rng)
    if kind.rattles:
        stdev = kind.rattles[turn % len(kind.rattles)] * rattle
        made = rattled(parent, stdev, rng)
        made.info.update(kind=name, rattle=stdev)
        return made
    length = DISPLACEMENTS[turn % len(DISPLACEMENTS)]
    direction = rng.normal(size=3)
    parent.positions[int(rng.integers(len(parent)))] += length * direction / np.linalg.norm(direction)
    parent.info.update(kind=name, displacement=length)
    return parent


def strained_where_periodic(atoms: Atoms, strain: float, rng: np.random.Generator) -> Atoms:
    """Copy under a random strain, as far as the structure is a crystal; others keep their cell."""
    return strained(atoms, strain, rng) if atoms.pbc.all() else atoms.copy()


def repetitions(atoms: Atoms, least: int, most: int) -> list[tuple[int, ...]]:
    """Repetitions along the periodic directions that give so many atoms, the most compact first, at most eight.

    Where none does, the smallest that gives enough atoms; a cell with more atoms is not repeated.
    """
    along = [range(1, 7) if periodic else range(1, 2) for periodic in atoms.pbc]
    sizes = {shape: len(atoms) * int(np.prod(shape)) for shape in product(*along)}
    lengths = atoms.cell.lengths()

    def slenderness(shape: tuple[int, ...]) -> float:
        edges = (lengths * shape)[atoms.pbc]
        return float(edges.max() / edges.min()) if len(edges) else 1.0

    fitting = sorted((shape for shape, size in sizes.items() if least <= size <= most), key=slenderness)
    if fitting:
        return fitting[:8]
    enough = [shape for shape, size in sizes.items() if size >= least] or [(1, 1, 1)]
    return [min(enough, key=lambda shape: (sizes[shape], slenderness(shape)))]
