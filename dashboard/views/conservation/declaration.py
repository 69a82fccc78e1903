"""The page Conservation as navigation, Runs and downloads know it."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from ase import Atoms

from dashboard.views.conservation import figures as draw
from dashboard.views.declaration import Named, Page, Shown
from dashboard.widgets.figure_page import Figures
from dashboard.widgets.repeating import repeats
from mlip_core.jobs.task import Task


def widget_values(task: Task) -> Mapping[str, Any]:
    """The loop, the run and the rattle; a loop that was left to the program keeps the page's own choice."""
    settings, loop = task.settings, task.settings.loop
    chosen = {
        "picoseconds": settings.picoseconds,
        "temperature": settings.temperature,
        "random_loops": settings.n_random_loops,
        "conservation_rattle": settings.rattle,
        "conservation_repeat": repeats(task.subject),
    }
    if loop is None:
        return chosen
    return chosen | {
        "loop_a": loop.atom_a,
        "loop_b": loop.atom_b,
        "loop_along_a": "xyz"[int(np.argmax(loop.direction_a))],
        "loop_along_b": "xyz"[int(np.argmax(loop.direction_b))],
        "radius": loop.radius,
    }


def named_atom(atom: int, task: Task) -> str:
    """Name an atom of the loop as the page does."""
    return f"{atom} {cast(Atoms, task.subject).get_chemical_symbols()[atom]}"


def figures(results: Named) -> Figures:
    """Loops, runs and each pair of heads once."""
    found = {}
    if any(result.loop is not None for _, result in results):
        found["Work around the loop"] = draw.loop_figure(results)
    if any(result.random_loops for _, result in results):
        found["Random loops"] = draw.random_loops_figure(results)
    if pairs := head_pairs(results):
        found["Two heads"] = draw.heads_figure(pairs)
    if any(result.run is not None for _, result in results):
        found["Run at constant energy"] = draw.energy_figure(results)
    return found


def head_pairs(results: Named) -> Named:
    """Return the results whose model has two heads, each pair of heads once."""
    pairs: dict[tuple[str, ...], Any] = {}
    for mark, result in results:
        if result.heads is not None:
            pairs.setdefault(tuple(sorted((result.model, result.heads.other))), (mark, result))
    return list(pairs.values())


PAGE = Page(
    title="Conservation",
    question="Do the forces conserve energy?",
    address="conservation",
    terms=("configuration", "direct", "lambda", "floor", "loop", "drift", "rattle"),
    shows={
        "conservation": Shown(
            widget_values=widget_values, figures=figures, words=dict.fromkeys(("loop_a", "loop_b"), named_atom)
        )
    },
)
