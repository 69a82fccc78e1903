"""What is measured on predictions in several orientations, beside their scatter."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.calculations.rotations.statistics import (
    RotatedPredictions,
    Scatter,
    degree_spectrum,
    rotated_predictions,
    scatter,
)
from mlip_core.errors import SettingsError
from mlip_core.models.model import Model
from mlip_core.records import former, record
from mlip_core.symmetry.pair_potential import PairPotential
from mlip_core.symmetry.rotations import Grid, grid


@record("InversionError")
@dataclass(frozen=True)
class InversionError:
    """How far x → −x changes a prediction."""

    energy: float
    """Change of the energy |E(−x) − E(x)| / N, root mean square over the orientations, eV/atom."""
    forces: float
    """Sum F(−x) + F(x), which inversion makes zero, root mean square over orientations and 3N components, eV/Å."""


@record("DegreeSpectrum")
@dataclass(frozen=True)
class DegreeSpectrum:
    """Share of each degree l in energy and forces as functions of orientation."""

    degrees: np.ndarray
    """(n,), the degrees l: 0, 1, 2, …"""
    energy: np.ndarray
    """(n,), share p_l of each degree in E/N less its mean, so that p_0 is 0, (eV/atom)²."""
    forces: np.ndarray
    """(n,), share p_l of each degree in the forces, rotated back, mean over the 3N components, (eV/Å)²; p_0 is that of their mean."""
    energy_resolved: float | None
    """Σ p_l over the variance of the energy, 0 to 1: what is missing to 1 lies in degrees beyond the spectrum. None where the energy does not vary."""
    forces_relative_variance: float | None
    """Relative variance of the forces, 1 − p_0 / Σ p_l, 0 to 1; None where all forces vanish."""


@record("Floor")
@dataclass(frozen=True)
class Floor:
    """What rounding alone does: the deviations of a model that is exact by construction, in the same arithmetic."""

    energy_rot_std: float
    """Rotational standard deviation of the energy, eV/atom."""
    forces_rot_std: float
    """Rotational standard deviation of the forces, eV/Å."""
    stress_rot_std: float | None
    """Rotational standard deviation of the stress, eV/Å³; None without a 3D cell."""
    source: str
    """How these numbers were found, in words."""


@record("VarianceSplit")
@dataclass(frozen=True)
class VarianceSplit:
    """⟨RMSE²⟩ over orientations = RMSE² of the averaged forces + forces_rot_std²: model error and symmetry breaking."""

    mean_square_error: float
    """Mean over orientations of the forces' squared error per component, (eV/Å)²."""
    averaged_square_error: float
    """Squared error of the averaged forces, (eV/Å)²: left by any rotational correction."""
    variance: float
    """Squared rotational standard deviation, (eV/Å)²: what averaging takes away."""

    @property
    def share(self) -> float:
        """Part of the squared error that is symmetry breaking, 0 to 1."""
        return self.variance / self.mean_square_error if self.mean_square_error > 0 else 0.0


@former("mlip_core.symmetry.measures:ErrorSplit")
def _former_split(fields: dict[str, Any]) -> VarianceSplit:
    """Build what 0.1.0 stored under a name that another record has too."""
    return VarianceSplit(**fields)


def reference_forces(structure: Atoms, reference: Model | np.ndarray | None, *, rattled: bool) -> np.ndarray | None:
    """Reference forces on a structure, asked of a model or as given.

    Parameters
    ----------
    structure : Atoms
        What is measured.
    reference : Model, (n_atoms, 3) array or None
    rattled : bool
        The structure was displaced after the forces were given.

    Returns
    -------
    (n_atoms, 3) array or None
        eV/Å.

    Raises
    ------
    SettingsError
        If an array does not belong to the structure.
    """
    if reference is None:
        return None
    if isinstance(reference, Model):
        return np.asarray(reference.predict([structure])[0].forces, dtype=np.float64)
    if rattled:
        raise SettingsError(
            "reference forces are those of the structure without displacements; set rattle to 0 or give a model"
        )
    forces = np.asarray(reference, dtype=np.float64)
    if forces.shape != (len(structure), 3):
        raise SettingsError(f"reference forces must have shape ({len(structure)}, 3), not {forces.shape}")
    return forces


def inversion_error(rotated: RotatedPredictions, mirrored: RotatedPredictions, weights: np.ndarray) -> InversionError:
    """Compare predictions at R_k and −R_k, both rotated back.

    Parameters
    ----------
    rotated, mirrored : RotatedPredictions
        At the rotations, and at the rotations times −1.
    weights : (n,) array

    Returns
    -------
    InversionError
    """
    energy = (mirrored.energies - rotated.energies) / rotated.forces.shape[1]
    forces = np.mean((mirrored.forces - rotated.forces) ** 2, axis=(1, 2))
    return InversionError(float(np.sqrt(weights @ energy**2)), float(np.sqrt(weights @ forces)))


def spectrum(rotated: RotatedPredictions, spread: Scatter, orientations: Grid, highest: int) -> DegreeSpectrum:
    """Degree spectrum of energy and forces.

    Parameters
    ----------
    rotated : RotatedPredictions
    spread : Scatter
        Of the same predictions.
    orientations : Grid
        The orientations: Lebedev, exact to twice ``highest``, or random.
    highest : int
        Highest l.

    Returns
    -------
    DegreeSpectrum
    """
    energy = degree_spectrum(spread.energy_deviations, orientations, highest)
    forces = degree_spectrum(rotated.forces - spread.forces, orientations, highest) / spread.forces.size
    energy[0], forces[0] = 0.0, np.mean(spread.forces**2)
    variance = spread.energy_rot_std**2
    return DegreeSpectrum(
        degrees=np.arange(highest + 1),
        energy=energy,
        forces=forces,
        energy_resolved=float(energy.sum() / variance) if variance > 0 else None,
        forces_relative_variance=float(1 - forces[0] / forces.sum()) if forces.sum() > 0 else None,
    )


def arithmetic_floor(structure: Atoms, energy: float, *, dtype: str) -> Floor:
    """Deviations of an exact pair potential of the model's size, on the same structure in the same arithmetic.

    Parameters
    ----------
    structure : Atoms
    energy : float
        The model's total energy, eV.
    dtype : "float32" or "float64"
        The model's arithmetic.

    Returns
    -------
    Floor
        Energies never below the dtype's rounding of the model's own energy.
    """
    orientations = grid("octahedral").generic()
    exact = PairPotential(structure, dtype=dtype, energy=energy)
    found = scatter(rotated_predictions(exact, structure, orientations.rotations), orientations.weights)
    rounding = float(np.finfo(dtype).eps) * abs(energy) / len(structure)
    return Floor(
        energy_rot_std=max(found.energy_rot_std, rounding),
        forces_rot_std=found.forces_rot_std,
        stress_rot_std=found.stress_rot_std,
        source=f"measured: pair potential in {dtype} with the model's energy, octahedral grid",
    )


def variance_split(
    rotated: RotatedPredictions, spread: Scatter, weights: np.ndarray, expected: np.ndarray
) -> VarianceSplit:
    """Split the force error into symmetry breaking and the rest.

    Parameters
    ----------
    rotated : RotatedPredictions
    spread : Scatter
        Of the same predictions.
    weights : (n,) array
    expected : (n_atoms, 3) array
        Reference forces, eV/Å.

    Returns
    -------
    VarianceSplit
    """
    each = np.mean((rotated.forces - expected) ** 2, axis=(1, 2))
    mean = np.einsum("k,kia->ia", weights, rotated.forces)
    return VarianceSplit(
        mean_square_error=float(weights @ each),
        averaged_square_error=float(np.mean((mean - expected) ** 2)),
        variance=float(weights @ np.mean((rotated.forces - mean) ** 2, axis=(1, 2))),
    )
