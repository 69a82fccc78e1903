"""The page Learn this structure as navigation, Runs and downloads know it."""

from collections.abc import Mapping
from typing import Any

from dashboard.views.declaration import Named, Page, Shown
from dashboard.views.distillation.figures import Course, course_of, learning_figure
from dashboard.widgets.figure_page import Figures
from mlip_core.jobs.task import Task


def widget_values(task: Task) -> Mapping[str, Any]:
    """Teacher, amounts, and whether the student that never turns is trained as well."""
    settings = task.settings
    return {
        "learn_teacher": task.configuration.model,
        "learn_structures": settings.n_structures,
        "learn_epochs": settings.epochs,
        "learn_unturned": not settings.augmentation,
        "learn_rattle": settings.rattle,
        "learn_strain": round(100 * settings.strain, 10),
        "learn_seed": settings.seed,
    }


def figures(results: Named) -> Figures:
    """How all students learned."""
    courses: list[Course] = [course_of(result, mark.label) for mark, result in results]
    return {"Learning": learning_figure(courses)} if courses else {}


PAGE = Page(
    title="Learn this structure",
    question="Can a model learn your structure and its symmetry in minutes?",
    address="learn",
    terms=("student", "variant", "epoch", "rotational-error", "direct", "constraint"),
    shows={"distillation": Shown(widget_values=widget_values, figures=figures)},
)
