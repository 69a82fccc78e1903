"""Averages of predictions over a grid of orientations, with their spread, in bounded memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from ase import Atoms

from mlip_core.models.model import Model, Prediction
from mlip_core.progress import Progress, silent
from mlip_core.symmetry.equivalence import Orientation, orientations
from mlip_core.symmetry.rotations import Grid, rotate, rotate_back

_BATCHES_AHEAD = 8
"""Forward batches of rotated structures that are held in memory at a time."""


@dataclass(frozen=True)
class Spread:
    """How far the predictions over a grid scatter about their mean: what the average took away."""

    energy_rot_std: float | None
    """Standard deviation of the energy over the orientations, eV/atom; None where nothing was averaged."""
    forces_rot_std: float | None
    """Standard deviation of the forces, root mean square over the 3N components, eV/Å; None where nothing was averaged."""
    stress_rot_std: float | None
    """Standard deviation of the stress, root mean square over the nine components, eV/Å³; None where nothing was averaged
    or the model gives no stress."""
    evaluations: int
    """Number of orientations in which the model was asked."""


def average(
    model: Model,
    structures: Iterable[Atoms],
    grid: Grid,
    *,
    batch_size: int | None = None,
    progress: Progress = silent,
) -> Iterator[tuple[Prediction, Spread]]:
    """Mean prediction of each structure over a grid, and its spread.

    All orientations of all structures share batches. Sums are float64 and relative
    to each structure's first prediction, so that no digits are lost.

    Parameters
    ----------
    model : Model
        What is averaged.
    structures : iterable of Atoms
        Read only as far as the next batches need.
    grid : Grid
        Orientations that a structure's own symmetry makes equivalent are evaluated once.
    batch_size : int, optional
        The most orientations in one forward call; the model's own limits without.
    progress : callable, optional
        Called after each forward batch; it may raise.

    Yields
    ------
    (Prediction, Spread)
        In the order of the structures, each as soon as its last orientation is done.
    """
    queue = _queue(structures, grid)
    total = _Sums()
    while chunk := list(islice(queue, batch_size or _BATCHES_AHEAD * model.batch_structures)):
        answers = model.predict([rotate(atoms, item.operation) for atoms, item, _ in chunk], progress=progress)
        for (_, item, last), answer in zip(chunk, answers, strict=True):
            total.add(item, answer)
            if last:
                yield total.result()
                total = _Sums()


def _queue(structures: Iterable[Atoms], grid: Grid) -> Iterator[tuple[Atoms, Orientation, bool]]:
    for atoms in structures:
        items = orientations(atoms, grid)
        for item in items:
            yield atoms, item, item is items[-1]


@dataclass
class _Sums:
    """Weighted sums of x − x₀ and |x − x₀|² over the orientations so far, with x₀ the first prediction."""

    evaluations: int = 0
    """Number of predictions added so far."""
    weight: float = 0.0
    """Sum of the weights of all orientations so far."""
    first: Prediction | None = None
    """The first prediction, rotated back: energy (eV), forces (eV/Å) and stress (eV/Å³); None before it is there."""
    linear: list[np.ndarray] = field(default_factory=lambda: [np.zeros(1), np.zeros(1), np.zeros(1)])
    """Weighted sums of x − x₀ for energy (eV), forces (eV/Å) and stress (eV/Å³)."""
    square: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    """Weighted sums of |x − x₀|² for energy (eV²), forces (eV²/Å²) and stress (eV²/Å⁶)."""
    members: int = 0
    """Number of orientations so far, those that follow by symmetry from another one among them."""

    def add(self, item: Orientation, answer: Prediction) -> None:
        here = rotate_back(answer, item.operation)
        self.first = self.first or here
        self.evaluations += 1
        for member in item.members:
            stress = None if here.stress is None else member.symmetry.T @ here.stress @ member.symmetry
            forces = here.forces[member.atom_map] @ member.symmetry
            self._add(member.weight, Prediction(here.energy, forces, stress))

    def _add(self, weight: float, x: Prediction) -> None:
        assert self.first is not None
        self.weight += weight
        self.members += 1
        for q, (value, start) in enumerate(zip(x, self.first, strict=True)):
            if value is None or start is None:
                continue
            difference = np.asarray(value - start)
            self.linear[q] = self.linear[q] + weight * difference
            self.square[q] += weight * float(np.sum(difference**2))

    def result(self) -> tuple[Prediction, Spread]:
        assert self.first is not None
        energy, forces, stress = (m / self.weight for m in self.linear)
        n = len(self.first.forces)
        std = [
            float(np.sqrt(max(s / self.weight - float(np.sum(m**2)), 0.0)))
            for s, m in zip(self.square, (energy, forces, stress), strict=True)
        ]
        mean = Prediction(
            float(self.first.energy + energy.item()),
            self.first.forces + forces,
            None if self.first.stress is None else self.first.stress + stress,
        )
        if self.members == 1:
            return mean, Spread(None, None, None, 1)
        stress_std = None if mean.stress is None else std[2] / 3
        return mean, Spread(std[0] / n, std[1] / np.sqrt(3 * n), stress_std, self.evaluations)
