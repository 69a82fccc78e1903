"""The equation of state as a task: around the relaxed cell where a relaxation was asked for first."""

from typing import TYPE_CHECKING

from ase import Atoms

from mlip_core.calculations.declaration import converged_structure
from mlip_core.calculations.equation_of_state.calculation import equation_of_state
from mlip_core.calculations.equation_of_state.record import EquationOfState
from mlip_core.calculations.equation_of_state.settings import EquationOfStateSettings
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent

if TYPE_CHECKING:
    from mlip_core.calculations.relaxation import RelaxationResult


def run(
    structure: Atoms,
    model: Model,
    settings: EquationOfStateSettings,
    *,
    relaxation: "RelaxationResult | None" = None,
    progress: Progress = silent,
) -> EquationOfState:
    """Scan volumes around the structure as it was relaxed, or as given (see :func:`equation_of_state`)."""
    start = converged_structure(structure, relaxation)
    return equation_of_state(start, model, settings, progress=progress)
