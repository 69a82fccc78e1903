"""Energy, pressure and forces at each volume, all volumes in one batch."""

from typing import NamedTuple

import numpy as np
from ase import Atoms

from mlip_core.calculations.equation_of_state.cells import at_volumes
from mlip_core.calculations.equation_of_state.settings import EquationOfStateSettings
from mlip_core.calculations.relaxation.calculation import RelaxationResult
from mlip_core.calculations.relaxation.together import relax_together
from mlip_core.models.model import Model, Prediction
from mlip_core.progress import Progress, Stages
from mlip_core.units import EV_PER_A3_IN_GPA


class Points(NamedTuple):
    """What a model says at several volumes."""

    structures: tuple[Atoms, ...]
    """(n,), the crystal at each volume."""
    volumes: np.ndarray
    """(n,), Å³."""
    energies: np.ndarray
    """(n,), eV."""
    pressures: np.ndarray | None
    """(n,), from the stress, GPa; None where the model gives none."""
    fmax: np.ndarray
    """(n,), longest force on an atom, eV/Å."""
    converged: np.ndarray
    """(n,), False where the atoms should have relaxed and did not."""
    reasons: tuple[str, ...]
    """(n,), why each relaxation ended, in a sentence; empty where the atoms were kept in place."""


def evaluate_volumes(structure: Atoms, model: Model, settings: EquationOfStateSettings, progress: Progress) -> Points:
    """Scale a crystal to the volumes asked for, relax its atoms where wished, and ask the model.

    Parameters
    ----------
    structure : Atoms
        A crystal.
    model : Model
    settings : EquationOfStateSettings
    progress : callable
        As in :func:`~mlip_core.calculations.equation_of_state.calculation.equation_of_state`.

    Returns
    -------
    Points
    """
    n = settings.n_volumes
    stages = Stages(progress, n * (1 + settings.relax_atoms * settings.steps))
    structures = at_volumes(structure, np.linspace(1 - settings.volume_range, 1 + settings.volume_range, n))
    relaxations: list[RelaxationResult] = []
    if settings.relax_atoms:  # from the fractional coordinates given
        part = stages.part("relaxation", n * settings.steps)
        relaxations = relax_together(structures, model, settings.relaxation, progress=part)
    structures = [relaxation.structure for relaxation in relaxations] or structures
    predictions = model.predict(structures, progress=stages.part("volumes", n))
    return Points(
        structures=tuple(structures),
        volumes=np.array([atoms.get_volume() for atoms in structures]),
        energies=np.array([prediction.energy for prediction in predictions], dtype=np.float64),
        pressures=_stress_pressures(predictions),
        fmax=np.array([np.linalg.norm(p.forces, axis=1).max() for p in predictions], dtype=np.float64),
        converged=np.array([relaxation.converged for relaxation in relaxations] or [True] * n),
        reasons=tuple(relaxation.reason for relaxation in relaxations),
    )


def _stress_pressures(predictions: list[Prediction]) -> np.ndarray | None:
    stresses = [prediction.stress for prediction in predictions if prediction.stress is not None]
    if len(stresses) < len(predictions):
        return None
    return -np.trace(np.array(stresses, dtype=np.float64), axis1=1, axis2=2) / 3 * EV_PER_A3_IN_GPA
