"""How predictions scatter over orientations: pure functions of arrays that were rotated back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.errors import SettingsError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.records import record
from mlip_core.symmetry.rotations import Grid, relative_angles, rotate, rotate_back


@dataclass(frozen=True)
class RotatedPredictions:
    """Predictions for one structure in several orientations, rotated back into its own frame."""

    energies: np.ndarray
    """(n,), total energy in each orientation, eV."""
    forces: np.ndarray
    """(n, n_atoms, 3), forces, eV/Å."""
    stresses: np.ndarray | None
    """(n, 3, 3), stress, eV/Å³; None without a 3D cell."""


@record("Scatter")
@dataclass(frozen=True)
class Scatter:
    """Mean and standard deviations over weighted orientations."""

    energy: float
    """Mean total energy, eV."""
    forces: np.ndarray
    """(n_atoms, 3), mean forces F̄, eV/Å."""
    stress: np.ndarray | None
    """(3, 3), mean stress, eV/Å³; None without a 3D cell."""
    energy_rot_std: float
    """Standard deviation of the energy, √(Σ w (E_k − Ē)²) / N, eV/atom."""
    forces_rot_std: float
    """Standard deviation of the forces, √(Σ w Σ_i |F̃_ki − F̄_i|² / 3N), eV/Å."""
    stress_rot_std: float | None
    """Standard deviation of the stress, √(Σ w ‖σ̃_k − σ̄‖² / 9), eV/Å³; None without a 3D cell."""
    per_atom: np.ndarray
    """(n_atoms,), standard deviation of the force on each atom, √(Σ w |F̃_ki − F̄_i|² / 3), eV/Å."""
    energy_deviations: np.ndarray
    """(n,), deviation of the energy in each orientation, (E_k − Ē) / N, eV/atom."""
    force_deviations: np.ndarray
    """(n, n_atoms), deviation of the force on each atom in each orientation, |F̃_ki − F̄_i|, eV/Å."""
    stress_deviations: np.ndarray | None
    """(n,), deviation of the stress in each orientation, ‖σ̃_k − σ̄‖ / 3, eV/Å³; None without a 3D cell."""


def rotated_predictions(
    model: Model, structure: Atoms, operations: Sequence[np.ndarray] | np.ndarray, *, progress: Progress = silent
) -> RotatedPredictions:
    """Ask a model for one structure in several orientations and rotate the answers back.

    Parameters
    ----------
    model : Model
    structure : Atoms
    operations : (n, 3, 3) array
        Orthogonal.
    progress : callable, optional

    Returns
    -------
    RotatedPredictions
    """
    answers = model.predict([rotate(structure, o) for o in operations], progress=progress)
    back = [rotate_back(answer, o) for answer, o in zip(answers, operations, strict=True)]
    stresses = [p.stress for p in back if p.stress is not None]
    return RotatedPredictions(
        energies=np.array([p.energy for p in back]),
        forces=np.array([p.forces for p in back]),
        stresses=np.array(stresses) if len(stresses) == len(back) else None,
    )


def scatter(rotated: RotatedPredictions, weights: np.ndarray, *, sampled: bool = False) -> Scatter:
    """Mean and standard deviations of predictions over orientations.

    Parameters
    ----------
    rotated : RotatedPredictions
    weights : (n,) array
        Summing to 1.
    sampled : bool
        The orientations are independent samples of equal weight, so variances
        are divided by n − 1 instead of n.

    Returns
    -------
    Scatter
    """
    n, atoms = rotated.forces.shape[:2]
    bessel = n / (n - 1) if sampled and n > 1 else 1.0
    energy = rotated.energies[0] + weights @ (rotated.energies - rotated.energies[0])
    d_energy = (rotated.energies - energy) / atoms
    forces = np.einsum("k,kia->ia", weights, rotated.forces)
    d_forces = np.linalg.norm(rotated.forces - forces, axis=2)
    per_atom = np.sqrt(bessel * weights @ d_forces**2 / 3)
    stress = d_stress = stress_std = None
    if rotated.stresses is not None:
        stress = np.einsum("k,kab->ab", weights, rotated.stresses)
        d_stress = np.linalg.norm(rotated.stresses - stress, axis=(1, 2)) / 3
        stress_std = float(np.sqrt(bessel * weights @ d_stress**2))
    return Scatter(
        energy=float(energy),
        forces=forces,
        stress=stress,
        energy_rot_std=float(np.sqrt(bessel * weights @ d_energy**2)),
        forces_rot_std=float(np.sqrt(np.mean(per_atom**2))),
        stress_rot_std=stress_std,
        per_atom=per_atom,
        energy_deviations=d_energy,
        force_deviations=d_forces,
        stress_deviations=d_stress,
    )


def degree_spectrum(values: np.ndarray, grid: Grid, degree: int) -> np.ndarray:
    """Share of each degree l in a quantity as a function of orientation.

    p_l = (2l+1) Σ_kk' w_k w_k' χ_l(θ_kk') x_k·x_k', with χ_l(θ) = sin((2l+1)θ/2) / sin(θ/2)
    and θ_kk' the angle of R_k R_k'⁻¹. On a random grid the pairs k = k' are left out.

    Parameters
    ----------
    values : (n, ...) array
        The quantity in each orientation, rotated back, less its mean.
    grid : Grid
        A Lebedev grid exact to twice ``degree``, or a random one.
    degree : int
        Highest l.

    Returns
    -------
    (degree + 1,) array
        p_0 … p_degree, in the square of the quantity's unit. On a Lebedev grid and for a
        quantity without higher degrees they sum to Σ w |x|².

    Raises
    ------
    SettingsError
        If the grid mixes degrees: the rotation groups always do.
    """
    check_spectrum(grid.name, degree)
    flat = values.reshape(len(values), -1)
    weights = grid.weights
    products = np.outer(weights, weights) * (flat @ flat.T)
    if grid.degree is None:
        np.fill_diagonal(products, 0)
        products *= len(flat) / (len(flat) - 1)
    theta = relative_angles(grid.rotations)
    return np.array([(2 * n + 1) * np.sum(products * character(n, theta)) for n in range(degree + 1)])


def character(degree: int, theta: np.ndarray) -> np.ndarray:
    """χ_l(θ) = 1 + 2 Σ_m cos(mθ): trace of the Wigner matrix of degree l for a rotation by θ."""
    return 1 + 2 * sum((np.cos(m * theta) for m in range(1, degree + 1)), start=np.zeros_like(theta))


def check_spectrum(name: str, degree: int) -> None:
    """Raise a SettingsError unless the grid separates the degrees up to ``degree``."""
    kind, _, number = name.partition("-")
    if kind == "random" and int(number) > 1:
        return
    if kind != "lebedev" or int(number) < 2 * degree:
        raise SettingsError(
            f"a degree spectrum up to l = {degree} needs a Lebedev grid of degree {2 * degree} or more, "
            f"or a random grid; on {name} different degrees look alike"
        )
