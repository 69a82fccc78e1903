"""The page Force errors as navigation, Runs and downloads know it."""

from collections.abc import Mapping
from typing import Any

from dashboard import state
from dashboard.views.declaration import Named, Page, Shown
from dashboard.views.force_errors import figures as draw
from dashboard.views.force_errors.parity import parity_figure
from dashboard.widgets.figure_page import Figures
from mlip_core.jobs.task import Task


def reference_value(task: Task) -> Mapping[str, Any]:
    """What the configurations are compared with: the labels, or a model."""
    return {state.AGAINST: state.LABELS if task.other is None else task.other.code}


def lambench_values(task: Task) -> Mapping[str, Any]:
    """How many cells are timed, and how many structures run."""
    return {"lambench_cells": task.settings.n_cells, "lambench_runs": task.settings.n_runs}


def error_figures(results: Named) -> Figures:
    """Every view of the force errors."""
    figures = {
        "Parity": parity_figure(results),
        "Distribution": draw.distribution_figure(results),
        "By element": draw.breakdown_figure(results, "by_element", "element", "element of the atom"),
    }
    for tag in draw.tags(results):
        figures[f"By subset: {tag}"] = draw.breakdown_figure(results, "by_subset", tag, tag)
    figures["By force"] = draw.magnitude_figure(results)
    if any(errors.energy_mae is not None for _, errors in results):
        figures["Energies"] = draw.energy_figure(results)
    if any(errors.n_stresses for _, errors in results):
        figures["Stress"] = draw.stress_figure(results)
    figures["Speed"] = draw.speed_figure(results)
    return figures


def split_figures(results: Named) -> Figures:
    """How much of the error is broken symmetry."""
    return {"Split": draw.split_figure(results)}


def lambench_figures(results: Named) -> Figures:
    """Nothing to draw: the figures of merit are a table."""
    return {}


PAGE = Page(
    title="Force errors",
    question="How far are the forces from the reference?",
    address="forces",
    terms=("configuration", "softening", "interval", "floor", "group"),
    shows={
        "force_errors": Shown(widget_values=reference_value, figures=error_figures),
        "error_split": Shown(widget_values=reference_value, figures=split_figures),
        "lambench": Shown(widget_values=lambench_values, figures=lambench_figures),
    },
)
