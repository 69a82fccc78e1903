"""The page Line-up as navigation and Runs know it."""

from collections.abc import Mapping
from typing import Any

from dashboard.views.declaration import Named, Page, Shown
from dashboard.widgets.figure_page import Figures
from mlip_core.jobs.task import Task


def widget_values(task: Task) -> Mapping[str, Any]:
    """Nothing to set: the passport is measured one way."""
    return {}


def figures(results: Named) -> Figures:
    """Nothing to draw: a passport is a table."""
    return {}


PAGE = Page(
    title="Line-up",
    address="lineup",
    terms=("configuration", "direct", "constraint", "correction", "passport", "group", "lebedev", "space-group"),
    shows={"passport": Shown(widget_values=widget_values, figures=figures)},
)
