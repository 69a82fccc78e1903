"""Phonons as a task: relaxed before, where that was asked."""

from typing import TYPE_CHECKING

from ase import Atoms

from mlip_core.calculations.declaration import converged_structure
from mlip_core.calculations.phonons.calculation import Phonons, phonons
from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent

if TYPE_CHECKING:
    from mlip_core.calculations.relaxation import RelaxationResult


def run(
    structure: Atoms,
    model: Model,
    settings: PhononSettings,
    *,
    relaxation: "RelaxationResult | None" = None,
    reference: Atoms | None = None,
    progress: Progress = silent,
) -> Phonons:
    """Compute phonons of the structure as it was relaxed, or as given (see :func:`phonons`)."""
    start = converged_structure(structure, relaxation)
    return phonons(start, model, settings, reference=reference, progress=progress)
