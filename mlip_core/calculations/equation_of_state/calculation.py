"""Energy and pressure of a crystal against its volume.

Two pressures can be compared: that of the model's stress, and −dE/dV of its
energies. They agree where the stress is the derivative of the energy; in a
model that predicts its stress directly they need not.
"""

from time import perf_counter

import numpy as np
from ase import Atoms

from mlip_core.calculations.equation_of_state.cells import check_crystal
from mlip_core.calculations.equation_of_state.fit import (
    finite_difference_pressures,
    fit_equation,
    vanishing_pressure,
)
from mlip_core.calculations.equation_of_state.notes import notes_on_fit, notes_on_points
from mlip_core.calculations.equation_of_state.points import Points, evaluate_volumes
from mlip_core.calculations.equation_of_state.record import EquationOfState, FittedEquation
from mlip_core.calculations.equation_of_state.settings import Equation, EquationOfStateSettings
from mlip_core.errors import CalculationError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.symmetry.corrections import count_beneath, refuse_random_frame

_STENCIL = 5
"""Points through which a slope is taken: fourth order in their spacing, and as many as there are at least."""


def equation_of_state(
    structure: Atoms,
    model: Model,
    settings: EquationOfStateSettings | None = None,
    *,
    progress: Progress = silent,
) -> EquationOfState:
    """Compute energy and pressure at several volumes, and fit an equation of state.

    The cell is scaled uniformly: its shape stays, also where another shape would
    have a lower energy. All volumes are evaluated in one batch, and relax in one batch a step.

    Parameters
    ----------
    structure : Atoms
        A crystal, best relaxed by the same model; it is not changed.
    model : Model
        Corrected or not.
    settings : EquationOfStateSettings, optional
        Volumes, whether the atoms relax, and the equation.
    progress : callable, optional
        Counts volumes and, where the atoms relax, steps; reports carry ``stage``,
        "relaxation" (as :func:`~mlip_core.calculations.relaxation.together.relax_together` does) or "volumes".

    Returns
    -------
    EquationOfState
        Also where no equation could be fitted: `fit` is then None, and `notes` say why.

    Raises
    ------
    SettingsError
        If the structure is not a crystal, or the model is asked in a random frame for every geometry.
    ModelError
        If the model cannot answer.
    """
    settings = settings or EquationOfStateSettings()
    check_crystal(structure)
    refuse_random_frame(model, "an equation of state")
    begin = perf_counter()
    model, count = count_beneath(model)
    points = evaluate_volumes(structure, model, settings, progress)
    point_pressures, error = _slopes(points)
    fit, notes = _fit(points, settings.equation)
    return EquationOfState(
        model=model.name,
        structure=structure.copy(),
        settings=settings,
        structures=points.structures,
        volumes=points.volumes,
        energies=points.energies,
        pressures=points.pressures,
        point_pressures=point_pressures,
        point_pressure_error=error,
        fmax=points.fmax,
        converged=points.converged,
        fit=fit,
        stress_volume=None if points.pressures is None else vanishing_pressure(points.volumes, points.pressures),
        notes=(*notes_on_points(points), *notes),
        n_evaluations=count.evaluations,
        seconds=perf_counter() - begin,
        model_seconds=count.seconds,
    )


def _fit(points: Points, equation: Equation) -> tuple[FittedEquation | None, list[str]]:
    """Fit the volumes that converged, and say what is wrong with the fit or why there is none."""
    used = points.converged
    try:
        fit = fit_equation(points.volumes[used], points.energies[used], equation, at=points.volumes)
    except CalculationError as error:
        return None, [str(error)]
    return fit, notes_on_fit(fit, points)


def _slopes(points: Points) -> tuple[np.ndarray | None, float | None]:
    """Return −dE/dV of the volumes that converged, and how far two more points for each slope change it, GPa."""
    used = points.converged
    volumes, energies = points.volumes[used], points.energies[used]
    if len(volumes) < _STENCIL:
        return None, None
    pressures = np.full(len(used), np.nan)
    pressures[used] = finite_difference_pressures(volumes, energies, n_points=_STENCIL)
    if len(volumes) < _STENCIL + 2:
        return pressures, None
    finer = finite_difference_pressures(volumes, energies, n_points=_STENCIL + 2)
    return pressures, float(np.sqrt(np.mean((finer - pressures[used]) ** 2)))
