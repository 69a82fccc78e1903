"""Whether the forces are −∂E/∂x of the very energy that a model gives.

Along short straight lines the work of the forces is compared with the change of the energy.
"""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from scipy.integrate import simpson

from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.symmetry.moving import moved

N_POINTS = 17
"""Points on each line: one more than a multiple of 4, so that every second point makes a coarser integral."""


@dataclass(frozen=True)
class GradientError:
    """How far forces are from the gradient of the energy."""

    rms: float
    """Difference F + ∂E/∂x between forces and gradient, root mean square over the 3N components, eV/Å."""
    error: float
    """Error of the integration, eV/Å: the change when only every second point is used."""


def gradient_error(
    structure: Atoms,
    model: Model,
    *,
    n_directions: int = 4,
    reach: float = 0.02,
    seed: int = 0,
    progress: Progress = silent,
) -> GradientError:
    """Compare the work of the forces with what the energy loses.

    All atoms move together by t u, −reach ≤ t ≤ reach, with u independent normal numbers.
    Then ΔE + ∫F·u dt, over 2 reach, is the mean of (F + ∂E/∂x)·u, and the mean square of
    that over u is the sum of the squares of F + ∂E/∂x. λ of ∂F/∂x asks whether forces are the
    gradient of any energy; differences of forces also cannot tell a curl from ripples
    that are finer than the displacement, which an integral can.

    Parameters
    ----------
    structure : Atoms
        Middle of the lines.
    model : Model
    n_directions : int
        :data:`N_POINTS` evaluations each; the statistical error is 1/√(2 n_directions) of the result.
    reach : float
        Largest displacement of a component, Å.
    seed : int
        Seed of the random directions.
    progress : callable, optional

    Returns
    -------
    GradientError
    """
    directions = np.random.default_rng(seed).normal(size=(n_directions, len(structure), 3))
    places = np.linspace(-reach, reach, N_POINTS)
    answers = model.predict([moved(structure, t * u) for u in directions for t in places], progress=progress)
    energies = np.array([p.energy for p in answers]).reshape(n_directions, N_POINTS)
    forces = np.array([p.forces for p in answers], dtype=np.float64).reshape(n_directions, N_POINTS, -1)
    power = np.einsum("dtx,dx->dt", forces, directions.reshape(n_directions, -1))
    work, coarse = simpson(power, x=places), simpson(power[:, ::2], x=places[::2])
    unit = 2 * reach * np.sqrt(3 * len(structure))
    return GradientError(_rms(energies[:, -1] - energies[:, 0] + work) / unit, _rms(work - coarse) / unit)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))
