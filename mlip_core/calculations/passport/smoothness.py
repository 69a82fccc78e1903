"""Whether energy and forces jump where a neighbour crosses the cutoff: one atom is led along a line, and steps are compared."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from mlip_core.models.model import Model
from mlip_core.progress import Progress, Stages, silent

STEP = 0.01
"""Å, of the first pass along the line."""
LENGTH, LENGTH_OPEN = 1.2, 7.0
"""Å, of the line: in a crystal many neighbours cross any cutoff, off a molecule the atom has to leave all of them."""
_FINER, _PASSES = 8, 2
"""The suspicious step is split into so many, so often: 0.16 mÅ at the end."""
_REACH = 9.0
"""Å: cutoffs beyond are not looked at."""


@dataclass(frozen=True)
class Smoothness:
    """The largest jump met on one line."""

    energy: float
    """Of the total energy, eV: zero but for rounding where the energy is continuous."""
    forces: float
    """Of a component of any force, eV/Å: zero but for rounding where the forces are continuous."""
    noise: tuple[float, float]
    """Median over the finest steps, of energy (eV) and forces (eV/Å): how the model rounds there, which one jump does not move."""
    where: float
    """Å along the line, of the larger jump of the forces."""
    crossed: tuple[float, float]
    """Å: every cutoff in between was crossed by at least one neighbour."""


@dataclass(frozen=True)
class Line:
    """The way of one atom."""

    structure: Atoms
    """Its start."""
    atom: int
    """Who moves."""
    direction: np.ndarray
    """(3,), unit vector: of many, the one that keeps the atom farthest from all others."""
    length: float
    """Å."""

    @property
    def first(self) -> np.ndarray:
        """(n,), Å: places of the first pass."""
        return STEP * np.arange(round(self.length / STEP) + 1)

    def at(self, place: float) -> Atoms:
        """Return the structure with the atom moved so far."""
        moved = self.structure.copy()
        moved.positions[self.atom] += place * self.direction
        return moved

    @property
    def crossed(self) -> tuple[float, float]:
        """Å: the widest range of distances in which every one is passed by a neighbour."""
        return _widest(*_distances(self.structure, self.atom, self.direction, self.length))


def line(structure: Atoms) -> Line | None:
    """Choose an atom and its way.

    Parameters
    ----------
    structure : Atoms
        Its first atom moves. An atom and its own images keep their distances, so a small
        cell should be repeated first.

    Returns
    -------
    Line or None
        None for a single atom.
    """
    if len(structure) == 1:
        return None
    start = structure.copy()
    start.set_constraint()
    length = LENGTH if start.pbc.any() else LENGTH_OPEN
    ways = _directions()
    clear = [_distances(start, 0, way, length)[0].min(initial=np.inf) for way in ways]
    return Line(start, 0, ways[int(np.argmax(clear))], length)


def steps(way: Line) -> int:
    """Evaluations that :func:`smoothness` makes on a line."""
    return len(way.first) + 2 * _PASSES * (3 * _FINER + 1)


def smoothness(way: Line, model: Model, *, progress: Progress = silent) -> Smoothness:
    """Find the largest jump of energy and forces on a line.

    The jump in a step is what it changes beyond the mean of the steps before and behind it:
    for a smooth function that is of third order in the step. The step where this is largest
    is split into finer ones, which leaves a jump as it is and makes everything smooth vanish;
    what a kink leaves, in proportion to the step, is extrapolated away.
    A jump is why the energy is not conserved in dynamics even where forces are its gradient.

    Parameters
    ----------
    way : Line
    model : Model
    progress : callable, optional

    Returns
    -------
    Smoothness

    References
    ----------
    S. Toxvaerd, J. C. Dyre, J. Chem. Phys. 134, 081102 (2011).
    X. Fu et al., arXiv:2502.12147 (2025).
    """
    stages = Stages(progress, steps(way))
    places = way.first
    coarse = _jumps(*_along(way, model, places, stages.part("line", len(places))))
    found = []
    for which in (0, 1):
        at, jumps = places, coarse[which]
        for _ in range(_PASSES):
            before, worst = jumps.max(), 1 + int(np.argmax(jumps))
            at = np.linspace(at[worst - 1], at[worst + 2], 3 * _FINER + 1)
            jumps = _jumps(*_along(way, model, at, stages.part("jump", len(at))))[which]
        left = max(0.0, (_FINER * jumps.max() - before) / (_FINER - 1))
        found.append((float(left), float(np.median(jumps)), float(at[1 + int(np.argmax(jumps))])))
    (energy, noise, _), (forces, forces_noise, where) = found
    return Smoothness(energy, forces, (noise, forces_noise), where, way.crossed)


def _along(way: Line, model: Model, places: np.ndarray, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    answers = model.predict([way.at(place) for place in places], progress=progress)
    return np.array([p.energy for p in answers]), np.array([p.forces for p in answers], dtype=np.float64)


def _jumps(energies: np.ndarray, forces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n − 3,) each: of the steps that have a step on both sides."""
    return np.abs(_beyond(energies)), np.abs(_beyond(forces)).max(axis=(1, 2))


def _beyond(values: np.ndarray) -> np.ndarray:
    change = np.diff(values, axis=0)
    return change[1:-1] - (change[:-2] + change[2:]) / 2


def _directions(number: int = 200) -> np.ndarray:
    """(number, 3): directions spread evenly, on a spiral of the golden angle."""
    z = 1 - (2 * np.arange(number) + 1) / number
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(number)
    r = np.sqrt(1 - z**2)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)


def _distances(structure: Atoms, atom: int, direction: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    """(n,) each: least and largest distance to every neighbour (not the atom's own images) on the way."""
    i, j, arrows = neighbor_list("ijD", structure, _REACH + length)
    arrows = arrows[(i == atom) & (j != atom)]
    nearest = np.clip(arrows @ direction, 0, length)
    least = np.linalg.norm(arrows - nearest[:, None] * direction, axis=1)
    ends = [np.linalg.norm(arrows - place * direction, axis=1) for place in (0.0, length)]
    return least, np.maximum(*ends)


def _widest(low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    ranges: list[tuple[float, float]] = []
    for start, end in sorted(zip(np.minimum(low, _REACH).tolist(), np.minimum(high, _REACH).tolist(), strict=True)):
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(end, ranges[-1][1])
        else:
            ranges.append((start, end))
    return max(ranges, key=lambda ends: ends[1] - ends[0], default=(0.0, 0.0))
