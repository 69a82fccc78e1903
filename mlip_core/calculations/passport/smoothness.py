"""Whether energy and forces jump where a neighbour crosses the cutoff: one atom is moved along a line in small steps."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from mlip_core.models.model import Model
from mlip_core.progress import Progress, Stages, silent

STEP = 0.01
"""Distance between the points of the first pass along the line, Å."""
LENGTH, LENGTH_OPEN = 1.2, 7.0
"""Length of the line in a crystal, where many neighbours cross any cutoff, and off a molecule, which the atom must leave, Å."""
_FINER, _PASSES = 8, 2
"""Into how many the step with the largest jump is split, and how many times: steps of 0.16 mÅ in the end."""
_LONGEST_CUTOFF = 9.0
"""Cutoffs beyond are not looked at, Å."""
_N_DIRECTIONS = 200
"""Directions of the line among which the one with the most room is chosen."""


@dataclass(frozen=True)
class Smoothness:
    """The largest jump met on one line."""

    energy: float
    """Largest jump of the total energy, eV; zero but for rounding where the energy is continuous."""
    forces: float
    """Largest jump of a component of any force, eV/Å; zero but for rounding where the forces are continuous."""
    noise: tuple[float, float]
    """Jumps of energy (eV) and forces (eV/Å) in a typical one of the finest steps (median): the model's rounding."""
    where: float
    """Place on the line where the forces jump most, Å from its start."""
    crossed: tuple[float, float]
    """Range of cutoffs of which each was crossed by at least one neighbour, Å."""


@dataclass(frozen=True)
class Line:
    """A straight line along which one atom is moved."""

    structure: Atoms
    """The structure before the atom moves."""
    atom: int
    """Index of the atom that moves."""
    direction: np.ndarray
    """(3,), unit vector along which it moves: of many, the one that keeps the atom farthest from all others."""
    length: float
    """How far it moves, Å."""
    crossed: tuple[float, float]
    """Widest range of distances of which each is passed by a neighbour, Å."""

    @property
    def first(self) -> np.ndarray:
        """(n,), places of the first pass, Å from the start of the line."""
        return STEP * np.arange(round(self.length / STEP) + 1)

    def at(self, place: float) -> Atoms:
        """Return the structure with the atom moved to a place on the line, Å from its start."""
        moved = self.structure.copy()
        moved.positions[self.atom] += place * self.direction
        return moved


def choose_line(structure: Atoms) -> Line | None:
    """Choose an atom and the direction in which it is moved.

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
    arrows = _neighbours(start, 0, _LONGEST_CUTOFF + length)
    directions = _directions(_N_DIRECTIONS)
    room = [_distances(arrows, direction, length)[0].min(initial=np.inf) for direction in directions]
    best = directions[int(np.argmax(room))]
    return Line(start, 0, best, length, _widest(*_distances(arrows, best, length)))


def steps(line: Line) -> int:
    """Evaluations that :func:`smoothness` makes on a line."""
    return len(line.first) + 2 * _PASSES * (3 * _FINER + 1)


def smoothness(line: Line, model: Model, *, progress: Progress = silent) -> Smoothness:
    """Find the largest jump of energy and forces on a line.

    The jump in a step is what it changes beyond the mean of the steps before and behind it:
    for a smooth function that is of third order in the step. The step where this is largest
    is split into finer ones, which leaves a jump as it is and makes everything smooth vanish;
    what a kink leaves, in proportion to the step, is extrapolated aline.
    A jump is why the energy is not conserved in dynamics even where forces are its gradient.

    Parameters
    ----------
    line : Line
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
    stages = Stages(progress, steps(line))
    places = line.first
    coarse = _jumps(*_along(line, model, places, stages.part("line", len(places))))
    found = []
    for which in (0, 1):
        at, jumps = places, coarse[which]
        for _ in range(_PASSES):
            before, worst = jumps.max(), 1 + int(np.argmax(jumps))
            at = np.linspace(at[worst - 1], at[worst + 2], 3 * _FINER + 1)
            jumps = _jumps(*_along(line, model, at, stages.part("jump", len(at))))[which]
        left = max(0.0, (_FINER * jumps.max() - before) / (_FINER - 1))
        found.append((float(left), float(np.median(jumps)), float(at[1 + int(np.argmax(jumps))])))
    (energy, noise, _), (forces, forces_noise, where) = found
    return Smoothness(energy, forces, (noise, forces_noise), where, line.crossed)


def _along(line: Line, model: Model, places: np.ndarray, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    answers = model.predict([line.at(place) for place in places], progress=progress)
    return np.array([p.energy for p in answers]), np.array([p.forces for p in answers], dtype=np.float64)


def _jumps(energies: np.ndarray, forces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n − 3,) each: of the steps that have a step on both sides."""
    return np.abs(_beyond(energies)), np.abs(_beyond(forces)).max(axis=(1, 2))


def _beyond(values: np.ndarray) -> np.ndarray:
    change = np.diff(values, axis=0)
    return change[1:-1] - (change[:-2] + change[2:]) / 2


def _directions(number: int) -> np.ndarray:
    """(number, 3): directions spread evenly, on a spiral of the golden angle."""
    z = 1 - (2 * np.arange(number) + 1) / number
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(number)
    r = np.sqrt(1 - z**2)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)


def _neighbours(structure: Atoms, atom: int, cutoff: float) -> np.ndarray:
    """(n, 3), Å: from an atom to its neighbours within a cutoff, its own images left out."""
    i, j, arrows = neighbor_list("ijD", structure, cutoff)
    return arrows[(i == atom) & (j != atom)]


def _distances(arrows: np.ndarray, direction: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    """(n,) each, Å: least and largest distance to every neighbour while the atom moves along the line."""
    nearest = np.clip(arrows @ direction, 0, length)
    least = np.linalg.norm(arrows - nearest[:, None] * direction, axis=1)
    ends = [np.linalg.norm(arrows - place * direction, axis=1) for place in (0.0, length)]
    return least, np.maximum(*ends)


def _widest(low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    ranges: list[tuple[float, float]] = []
    for start, end in sorted(
        zip(np.minimum(low, _LONGEST_CUTOFF).tolist(), np.minimum(high, _LONGEST_CUTOFF).tolist(), strict=True)
    ):
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(end, ranges[-1][1])
        else:
            ranges.append((start, end))
    return max(ranges, key=lambda ends: ends[1] - ends[0], default=(0.0, 0.0))
