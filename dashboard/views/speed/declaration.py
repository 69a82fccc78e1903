"""The page Speed as navigation, Runs and downloads know it."""

from collections.abc import Mapping
from typing import Any

from dashboard.views.declaration import Named, Page, Shown
from dashboard.views.speed.figures import CLOCKS, speed_figure
from dashboard.widgets.figure_page import Figures
from mlip_core.jobs.task import Task


def widget_values(task: Task) -> Mapping[str, Any]:
    """Sizes, repeats and threads, as they were."""
    settings = task.settings
    return {
        "speed_largest": settings.n_atoms[-1],
        "speed_repeats": settings.repeats,
        "speed_batch": settings.batch,
        "speed_seconds": settings.seconds,
        "speed_threads": settings.threads,
    }


def figures(results: Named) -> Figures:
    """Cost against size, by both clocks."""
    return {clock: speed_figure(results, clock=clock) for clock in CLOCKS}


PAGE = Page(
    title="Speed",
    question="What does a step cost at your size?",
    address="speed",
    terms=("configuration", "correction", "direct"),
    shows={"speed": Shown(widget_values=widget_values, figures=figures)},
)
