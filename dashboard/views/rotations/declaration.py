"""The page Rotations as navigation, Runs and downloads know it."""

from collections.abc import Callable, Mapping
from typing import Any

from dashboard import state
from dashboard.views.declaration import Named, Page, Shown
from dashboard.views.rotations import figures as draw
from dashboard.widgets.figure_page import Figures
from dashboard.widgets.repeating import repeats
from mlip_core.jobs.task import Task

ANOTHER = "another model"
"""What figures call the model compared with where they do not know its name."""

NOBODY = "Nobody"
"""What is chosen where forces are compared with no other model."""
GRIDS = {
    "octahedral": "Octahedral group (24)",
    "icosahedral": "Icosahedral group (60)",
    "tetrahedral": "Tetrahedral group (12)",
    "lebedev-5": "Lebedev, degree 5 (84), with spectrum",
    "lebedev-7": "Lebedev, degree 7 (208), with spectrum",
    "lebedev-9": "Lebedev, degree 9 (380), with spectrum",
    "random-64": "64 random orientations",
}


def variance_values(task: Task) -> Mapping[str, Any]:
    """Grid, rattle, map and the model compared with."""
    settings = task.settings
    globe = settings.map_polar > 0
    return {"grid": settings.grid, "rotation_rattle": settings.rattle, "globe": globe, **_common(task)}


def cost_values(task: Task) -> Mapping[str, Any]:
    """Rattle and the model compared with."""
    return {"rotation_rattle": task.settings.rattle, **_common(task)}


def _common(task: Task) -> dict[str, Any]:
    reference = state.NOBODY if task.other is None else task.other.code
    return {state.ROTATION_REFERENCE: reference, "rotation_repeat": repeats(task.subject)}


def variance_figures(results: Named, reference: str = ANOTHER) -> Figures:
    """Every view of the rotational variance that was measured; ``reference`` names the model compared with."""
    figures = {"Deviation in every orientation": draw.distribution_figure(results)}
    if any(result.error_split is not None for _, result in results):
        figures["Symmetry share of the difference"] = draw.split_figure(results, reference)
    if any(result.angles is not None for _, result in results):
        for place, axis in enumerate("xyz"):
            figures[f"Rotated about {axis}"] = draw.angle_figure(results, place)
    if spectra := [(mark, result) for mark, result in results if result.spectrum is not None]:
        figures["Spectrum (l)"] = draw.spectrum_figure(spectra)
    for mark, result in results:
        if result.orientation_map is not None:
            figures[f"Energy over the sphere: {mark.label}"] = draw.globe_figure(result)
    return figures


def cost_figures(results: Named, reference: str = ANOTHER) -> Figures:
    """What corrections buy; ``reference`` names the model compared with."""
    return {"What a correction buys": draw.cost_figure(results, reference=reference)}


WORDS: dict[str, Callable[[Any, Task], str]] = {
    state.GRID: lambda grid, _: GRIDS[grid],
    state.ROTATION_REFERENCE: lambda _, task: NOBODY if task.other is None else task.other.label,
}
PAGE = Page(
    title="Rotations",
    question="Does the answer depend on how the structure is turned?",
    address="rotations",
    terms=("configuration", "constraint", "floor", "rattle", "group", "lebedev", "correction"),
    shows={
        "rotational_variance": Shown(widget_values=variance_values, figures=variance_figures, words=WORDS),
        "correction_cost": Shown(widget_values=cost_values, figures=cost_figures, words=WORDS),
    },
)
