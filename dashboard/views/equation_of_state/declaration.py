"""The page Equation of state as navigation, Runs and downloads know it."""

from collections.abc import Mapping
from typing import Any

from dashboard.views.declaration import Named, Page, Shown
from dashboard.views.equation_of_state.figures import equation_figure
from dashboard.widgets.figure_page import Figures
from mlip_core.calculations.equation_of_state.reference import ReferenceEquation, reference_equation
from mlip_core.jobs.task import Task

EQUATIONS: dict[str, str] = {
    "birchmurnaghan": "Birch–Murnaghan",
    "vinet": "Vinet",
    "murnaghan": "Murnaghan",
    "birch": "Birch",
    "pouriertarantola": "Poirier–Tarantola",
    "anton-schmidt": "Anton–Schmidt",
    "taylor": "cubic about the minimum",
    "sj": "cubic in V^(−1/3)",
    "p3": "cubic in V",
}


def widget_values(task: Task) -> Mapping[str, Any]:
    """Volumes, equation and both relaxations, on the cell as it was."""
    settings, first = task.settings, task.before.get("relaxation")
    relaxed = {} if first is None else {"eos_fmax": first.settings.fmax, "eos_fix": first.settings.fix_symmetry}
    atoms = {"eos_fmax": settings.fmax} if settings.relax_atoms else {}
    return {
        "eos_volumes": settings.n_volumes,
        "eos_range": round(100 * settings.volume_range, 10),
        "eos_equation": settings.equation,
        "eos_relax_first": first is not None,
        "eos_relax_atoms": settings.relax_atoms,
        **relaxed,
        **atoms,
    }


def figures(results: Named) -> Figures:
    """Energies and pressures, with those of the reference where there are any."""
    return {"Energy and pressure": equation_figure(results, reference=reference_of(results))}


def reference_of(results: Named) -> ReferenceEquation | None:
    """Return the PBE energies of the crystal that was computed; None where there are none."""
    return reference_equation(results[0][1].structure) if results else None


PAGE = Page(
    title="Equation of state",
    question="How stiff is the crystal, and do stress and energy agree?",
    address="equation-of-state",
    terms=("configuration", "space-group"),
    shows={
        "equation_of_state": Shown(
            widget_values=widget_values, figures=figures, words={"eos_equation": lambda name, _: EQUATIONS[name]}
        )
    },
)
