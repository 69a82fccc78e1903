"""How long tasks take, told before they are asked: what they ask of the models, and how fast the models are here.

The usual paces were measured on one core of a laptop; what this machine has measured or
computed already takes their place.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.declaration import Asked, Calculation
from mlip_core.calculations.speed import Speed
from mlip_core.configuration import Configuration
from mlip_core.errors import ModelError, SettingsError
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import entry
from mlip_core.symmetry.corrections import RANDOM_FRAME, Corrections
from mlip_core.symmetry.rotations import grid

LOADING = 4.0
"""Seconds that a worker takes to load a model that it has not at hand."""
CALLS_SHARE = 8
"""Structures that share the price of a call where several are asked at once."""
OVERHEAD = 20.0
"""Seconds of a task nothing is known about."""


@dataclass(frozen=True)
class Pace:
    """What one prediction of a configuration takes on one core, its corrections included."""

    call: float
    """Seconds of a call, whatever the number of atoms."""
    atom: float
    """Seconds an atom."""

    def seconds(self, asked: Asked) -> float:
        """Return how long so many predictions take, s."""
        call = self.call / CALLS_SHARE if asked.at_once else self.call
        return asked.predictions * (call + self.atom * asked.n_atoms)

    def times(self, factor: float) -> "Pace":
        """Return a pace so many times slower."""
        return Pace(self.call * factor, self.atom * factor)


Paces = Mapping[str, Pace]
"""By :attr:`mlip_core.configuration.Configuration.code`; "" stands for every configuration that is not named."""

USUAL = {
    "pet-demo:direct": Pace(0.015, 0.0004),
    "pet-demo:conservative": Pace(0.015, 0.0009),
    "soap-demo:conservative": Pace(0.010, 0.0005),
    "sevennet-0:conservative": Pace(0.03, 0.013),
    "sevennet-l3i5:conservative": Pace(0.05, 0.045),
    "chgnet": Pace(0.03, 0.0042),
    "sevennet": Pace(0.03, 0.02),
    "metatomic": Pace(0.015, 0.002),
    "upet": Pace(0.02, 0.006),
}
"""Measured with one thread: by model and forces, else by family."""


def seconds(
    task: Task,
    paces: Paces | None = None,
    *,
    stored: Callable[[Task], bool] = lambda task: False,
    calculations: Mapping[str, Calculation] = CALCULATIONS,
) -> float:
    """Estimate how long one task takes once its model is loaded, those before it included.

    Parameters
    ----------
    task : Task
    paces : mapping of str to Pace, optional
        What was measured on this machine; usual values for all others.
    stored : callable, optional
        Tells whether the result of a task that comes before is there already.
    calculations : mapping
        What each kind means.

    Returns
    -------
    float
        Seconds of one worker that has a core to itself.
    """
    calculation = calculations.get(task.kind)
    before = sum(
        seconds(first, paces, stored=stored, calculations=calculations)
        for first in task.before.values()
        if not stored(first)
    )
    right = calculation is not None and isinstance(task.settings, calculation.settings)  # others are refused later
    asked = calculation.asks(task.subject, task.settings) if calculation and right else ()
    if calculation is None or not asked:
        return before + OVERHEAD
    own = sum(pace_of(task.configuration, paces).seconds(one) for one in asked)
    if task.other is not None:
        own += sum(pace_of(task.other, paces).seconds(one) for one in asked) / _REFERENCE_SHARE.get(task.kind, 50)
    return before + calculation.own_seconds + min(own, calculation.longest(task.settings))


_REFERENCE_SHARE = {"force_errors": 3, "error_split": 24}
"""Kind → how many times less the second configuration is asked than the first; its predictions are kept for the others."""


def together(
    tasks: Iterable[Task],
    workers: int,
    paces: Paces | None = None,
    *,
    stored: Callable[[Task], bool] = lambda task: False,
) -> float:
    """Estimate how long several tasks take on so many workers, models loaded once by each.

    Tasks that measure time have the machine to themselves.

    Returns
    -------
    float
        Seconds.
    """
    tasks, workers = list(tasks), max(1, workers)
    took = [seconds(task, paces, stored=stored) for task in tasks]
    alone = [CALCULATIONS[task.kind].alone if task.kind in CALCULATIONS else False for task in tasks]
    shared = [one for one, lonely in zip(took, alone, strict=True) if not lonely]
    models = len({task.configuration.code for task in tasks})
    loading = LOADING * models * (1 if len(tasks) <= models else 2)
    lonely = sum(took) - sum(shared)
    return lonely + max(sum(shared) / workers + loading / workers, max(shared, default=0.0))


def pace_of(configuration: Configuration, paces: Paces | None = None) -> Pace:
    """Return what was measured of a configuration, or what is usual, as this machine is faster or slower than usual."""
    paces = paces or {}
    if configuration.code in paces:
        return paces[configuration.code]
    machine = paces.get("", Pace(1.0, 1.0))
    return usual_pace(configuration).times(machine.call)


def usual_pace(configuration: Configuration) -> Pace:
    """Return what is usual for a configuration on one core of a laptop, its corrections included."""
    try:
        item = entry(configuration.model)
        forces, _ = item.settings(configuration.forces, configuration.dtype)
    except (ModelError, SettingsError):
        return USUAL["upet"].times(orientations(configuration.corrections))
    known = USUAL.get(f"{item.name}:{forces}")
    if known is None:
        known = USUAL.get(item.family, USUAL["upet"])
        known = known.times(_GRADIENT if len(item.forces) > 1 and forces == "conservative" else 1.0)
    turned = orientations(configuration.corrections)
    return replace(known, atom=known.atom * turned, call=known.call * max(1.0, turned / CALLS_SHARE))


_GRADIENT = 2.5
"""How many times longer a prediction takes where the energy is differentiated."""


def orientations(corrections: Corrections) -> int:
    """Return in how many orientations a corrected prediction asks the model, where the structure has no symmetry."""
    if corrections.rotations == RANDOM_FRAME:
        return 1
    turned = 1 if corrections.rotations == "none" else len(grid(corrections.rotations).rotations)
    return turned * (1 + corrections.inversion)


def pace_of_speed(result: Speed) -> Pace | None:
    """Return the pace that a measurement of speed found; None where it timed nothing one by one."""
    timings = result.one_by_one
    if not timings:
        return None
    sizes, walls = (np.array([getattr(timing, name) for timing in timings]) for name in ("n_atoms", "wall"))
    atom = float(walls[-1] / sizes[-1])
    return Pace(call=max(0.0, float(walls[0] - atom * sizes[0])), atom=atom)


def learned(took: Iterable[tuple[Task, float]], measured: Paces | None = None) -> dict[str, Pace]:
    """Learn from what tasks took how fast the configurations are on this machine.

    Parameters
    ----------
    took : iterable of (Task, float)
        Finished tasks with the seconds that they were computed for.
    measured : mapping, optional
        Paces that were measured; they are kept as they are.

    Returns
    -------
    dict of str to Pace
        The usual pace of each configuration times its actual over its estimated seconds; under "" the median of that
        factor, for configurations that have not computed yet.
    """
    sums: dict[str, tuple[float, float]] = {}
    members: dict[str, Configuration] = {}
    for task, spent in took:
        if task.kind in CALCULATIONS and not CALCULATIONS[task.kind].alone and spent > 0:
            code = task.configuration.code
            members[code] = task.configuration
            actual, estimated = sums.get(code, (0.0, 0.0))
            sums[code] = actual + spent, estimated + seconds(task) + LOADING / 2
    if not sums:
        return dict(measured or {})
    ratios = {code: min(max(actual / estimated, 1 / _MOST), _MOST) for code, (actual, estimated) in sums.items()}
    everything = median(ratios.values())
    found = {code: usual_pace(members[code]).times(ratio) for code, ratio in ratios.items()}
    return found | {"": Pace(everything, everything)} | dict(measured or {})


_MOST = 5.0
"""How many times slower or faster than usual a machine may be; what exceeds it was something else, such as a download."""


def in_words(estimate: float) -> str:
    """Say about how long something takes: "about 20 s", "about 3 min", "about 2 h"."""
    if estimate < 90:
        return f"about {max(1, round(estimate, -1 if estimate > 20 else 0)):.0f} s"
    if estimate < 5400:
        return f"about {estimate / 60:.0f} min"
    return f"about {estimate / 3600:.1f} h"
