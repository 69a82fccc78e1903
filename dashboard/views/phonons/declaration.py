"""The page Phonons as navigation, Runs and downloads know it."""

from collections.abc import Callable, Mapping
from typing import Any

from dashboard.views.declaration import Named, Page, Shown
from dashboard.views.phonons.figures import PhononSeries, phonon_figure, thermal_figure
from dashboard.views.phonons.supercell import KIND, KINDS, supercell_values
from dashboard.widgets.figure_page import Figures
from dashboard.widgets.numbers import power
from mlip_core.jobs.task import Task

DISPLACEMENTS = {"full": "Full", "reduced": "Reduced"}


def widget_values(task: Task) -> Mapping[str, Any]:
    """Supercell, displacements and the relaxation before, on the cell as it was."""
    settings, first = task.settings, task.before.get("relaxation")
    relaxed = {} if first is None else {"phonon_fmax": first.settings.fmax, "phonon_fix": first.settings.fix_symmetry}
    return {
        "standard": False,
        "relax_first": first is not None,
        **relaxed,
        **supercell_values(settings.supercell_matrix),
        "displacements": settings.displacements,
        "displacement": settings.displacement,
        "plus_minus": settings.plus_minus,
        "residual": settings.subtract_residual,
    }


def figures(results: Named) -> Figures:
    """Corrected bands and densities of states in THz, and the thermal properties."""
    series = [PhononSeries.from_result(mark, result, raw=False) for mark, result in results]
    return {
        "Bands and density of states": phonon_figure(series),
        "Thermal properties": thermal_figure(results),
    }


WORDS: dict[str, Callable[[Any, Task], str]] = {
    KIND: lambda kind, _: KINDS[kind],
    "displacements": lambda kind, _: DISPLACEMENTS[kind],
    "phonon_fmax": lambda fmax, _: power(0)(fmax),
    "which": lambda which, _: which.capitalize(),
}
PAGE = Page(
    title="Phonons",
    question="How does the crystal vibrate, and is it stable?",
    address="phonons",
    terms=(
        "configuration",
        "supercell",
        "imaginary",
        "sum-rule",
        "symfc",
        "lambda",
        "lo-to",
        "wasserstein",
        "space-group",
    ),
    shows={"phonons": Shown(widget_values=widget_values, figures=figures, words=WORDS)},
)
