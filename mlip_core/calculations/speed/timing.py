"""Calls that are timed: warm, on structures that differ, as many as the time allows."""

from collections.abc import Sequence
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np
from ase import Atoms

from mlip_core.calculations.speed.record import Timing
from mlip_core.calculations.speed.settings import SpeedSettings
from mlip_core.models.model import Model
from mlip_core.progress import Progress, Stages
from mlip_core.symmetry.moving import rattled

_FIRST_WARM_UP = 3
"""Calls before the first that counts: TorchScript compiles during its first two or three."""
_WARM_UP = 1
"""Calls before those that count, at every further size."""


class Measurement(NamedTuple):
    """One structure, so many of it in a call."""

    cell: Atoms
    """Structure that the model is asked about."""
    n_structures: int
    """How many copies of the structure are in one call."""

    @property
    def way(self) -> str:
        """How it is asked, for people."""
        return "one by one" if self.n_structures == 1 else "in a batch"


def measure(
    cells: Sequence[Atoms], model: Model, settings: SpeedSettings, progress: Progress
) -> tuple[list[Timing], dict[str, int]]:
    """Time a model on structures of several sizes, one by one and in batches.

    Parameters
    ----------
    cells : sequence of Atoms
        Rising in size.
    model : Model
    settings : SpeedSettings
    progress : callable
        Counts calls; reports carry ``stage``.

    Returns
    -------
    timings : list of Timing
    left_out : dict of str to int
        "one by one" or "in a batch" → the smallest number of atoms that would have taken longer than the time left.
    """
    plan = [Measurement(cell, n) for cell in cells for n in (1, _in_a_batch(len(cell), model, settings))]
    steps = settings.repeats + _FIRST_WARM_UP
    stages = Stages(progress, steps * len(plan))
    deadline = perf_counter() + settings.seconds
    random = np.random.default_rng(0)
    timings: list[Timing] = []
    left_out: dict[str, int] = {}
    for place, one in enumerate(plan):
        report = stages.part(f"{len(one.cell)} atoms, {one.way}", steps)
        left = deadline - perf_counter()
        if timings and _foreseen(timings[-1], one) > left:
            left_out.setdefault(one.way, len(one.cell))
            continue
        warm_up = _WARM_UP if timings else _FIRST_WARM_UP
        share = left / (len(plan) - place)
        timings.append(_timed(one, model, settings, random, warm_up=warm_up, seconds=share, progress=report))
    return timings, left_out


def _in_a_batch(n_atoms: int, model: Model, settings: SpeedSettings) -> int:
    """Return how many structures are asked at once: what the model takes in one forward call, but two at least."""
    return max(2, min(settings.batch, model.batch_structures, model.batch_atoms // n_atoms))


def _foreseen(last: Timing, one: Measurement) -> float:
    """Return how long warming up and one call take at the pace of the last measurement, s."""
    return (_WARM_UP + 1) * one.n_structures * len(one.cell) * last.wall / last.n_atoms


def _timed(
    one: Measurement,
    model: Model,
    settings: SpeedSettings,
    random: np.random.Generator,
    *,
    warm_up: int,
    seconds: float,
    progress: Progress,
) -> Timing:
    """Warm up, then time calls until there are enough of them or the time is over; one is always timed."""
    steps, end = warm_up + settings.repeats, perf_counter() + seconds
    walls: list[float] = []
    processors: list[float] = []
    for call in range(steps):
        structures = [rattled(one.cell, settings.rattle, random) for _ in range(one.n_structures)]
        wall, processor = perf_counter(), process_time()
        model.predict(structures)
        wall, processor = perf_counter() - wall, process_time() - processor
        if call >= warm_up:
            walls.append(wall / one.n_structures)
            processors.append(processor / one.n_structures)
        progress(call + 1, steps)
        if walls and perf_counter() + wall > end:
            break
    return Timing(
        n_atoms=len(one.cell),
        n_structures=one.n_structures,
        n_calls=len(walls),
        wall=float(np.median(walls)),
        wall_range=(min(walls), max(walls)),
        processor=float(np.median(processors)),
    )
