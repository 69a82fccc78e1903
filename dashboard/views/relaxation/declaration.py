"""The page Relax as navigation, Runs and downloads know it."""

from collections.abc import Mapping
from typing import Any

from dashboard.views.declaration import Named, Page, Shown
from dashboard.views.relaxation.figures import RelaxationTrace, relaxation_figure
from dashboard.widgets.figure_page import Figures
from mlip_core.calculations.relaxation.calculation import Cell
from mlip_core.jobs.task import Task

CELLS: dict[Cell, str] = {"full": "cell and atoms", "isotropic": "volume and atoms", "none": "atoms only"}


def widget_values(task: Task) -> Mapping[str, Any]:
    """Settings of the relaxation, on the structure as it was relaxed."""
    names = ("cell", "fmax", "steps", "optimizer", "pressure", "fix_symmetry")
    return {
        "rattle": 0.0,
        "keep_frozen": bool(getattr(task.subject, "constraints", ())),
        **{name: getattr(task.settings, name) for name in names},
    }


def figures(results: Named) -> Figures:
    """Curves of the finished relaxations."""
    traces = [RelaxationTrace.from_result(mark, result) for mark, result in results]
    return {"Relaxation": relaxation_figure(traces)}


PAGE = Page(
    title="Relax",
    question="Where does each model think the atoms belong?",
    address="relax",
    terms=("configuration", "space-group", "rattle", "direct"),
    shows={
        "relaxation": Shown(widget_values=widget_values, figures=figures, words={"cell": lambda cell, _: CELLS[cell]})
    },
)
