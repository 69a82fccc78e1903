"""How far a model's predictions for one structure depend on the structure's orientation."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.calculations.rotations.measures import (
    DegreeSpectrum,
    Floor,
    InversionError,
    VarianceSplit,
    arithmetic_floor,
    inversion_error,
    reference_forces,
    spectrum,
    variance_split,
)
from mlip_core.calculations.rotations.scans import AngleScan, OrientationMap, angle_scan, map_points, orientation_map
from mlip_core.calculations.rotations.statistics import Scatter, check_spectrum, rotated_predictions, scatter
from mlip_core.errors import SettingsError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, Stages, silent
from mlip_core.records import record
from mlip_core.symmetry.corrections import count_beneath
from mlip_core.symmetry.moving import rattled
from mlip_core.symmetry.rotations import check_name, grid

_NO_FORCE = 1e-6
"""eV/Å: below it forces are rounding, and nothing is relative to them."""


@record("RotationSettings")
@dataclass(frozen=True, kw_only=True)
class RotationSettings:
    """What is measured, and how finely."""

    grid: str = "octahedral"
    """Grid of orientations; variances are exact up to half the grid's degree ("lebedev-<degree>" for more)."""
    inversion: bool = True
    """Measure inversion, x → −x, too, apart from rotations."""
    rattle: float = 0.0
    """Standard deviation, Å, of random displacements: the forces on a perfect crystal vanish."""
    seed: int = 0
    """Seed of the displacements."""
    n_angles: int = 12
    """Steps of a full rotation about each axis; 0 leaves the scan out."""
    axes: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    """Axes of the scan, vectors of any length in the laboratory."""
    map_polar: int = 0
    """Circles of latitude of the map over the sphere, poles included; 0 leaves it out, 9 makes 114 points."""
    map_in_plane: int = 3
    """Rotations about the vertical over which each point of the map is averaged."""
    spectrum_degree: int | None = None
    """Highest l of the degree spectrum; None takes half the degree of a Lebedev grid and none on others."""

    def __post_init__(self) -> None:
        check_name(self.grid)
        if self.grid == "none":
            raise SettingsError("a spread needs more than one orientation; choose a grid other than none")
        if not (np.isfinite(self.rattle) and 0 <= self.rattle <= 1):
            raise SettingsError(f"rattle must be between 0 and 1 Å, not {self.rattle}")
        if self.n_angles < 0 or self.n_angles == 1:
            raise SettingsError(f"n_angles must be 0 or at least 2, not {self.n_angles}")
        if any(len(axis) != 3 or not np.linalg.norm(axis) > 0 for axis in self.axes):
            raise SettingsError("each axis must have three components that are not all zero")
        if self.map_polar not in (0, *range(3, 92)):
            raise SettingsError(f"map_polar must be 0, or 3 to 91, not {self.map_polar}")
        if self.map_in_plane < 1:
            raise SettingsError(f"map_in_plane must be at least 1, not {self.map_in_plane}")
        if self.spectrum_degree is not None:
            check_spectrum(self.grid, self.spectrum_degree)

    @property
    def highest_degree(self) -> int | None:
        """Highest l of the spectrum that will be computed, or None."""
        if self.spectrum_degree is None and self.grid.startswith("lebedev-"):
            return int(self.grid.partition("-")[2]) // 2
        return self.spectrum_degree

    @property
    def angle_steps(self) -> int:
        """Evaluations of the scan about the axes."""
        return 1 + len(self.axes) * (self.n_angles - 1) if self.n_angles else 0

    @property
    def map_steps(self) -> int:
        """Evaluations of the map over the sphere."""
        return map_points(self.map_polar) * self.map_in_plane if self.map_polar else 0

    def steps(self, n_rotations: int) -> int:
        """Evaluations of everything, for a grid of so many rotations."""
        return n_rotations * (1 + self.inversion) + self.angle_steps + self.map_steps


@record("RotationalVariance")
@dataclass(frozen=True)
class RotationalVariance:
    """Rotational variance of one model on one structure."""

    model: str
    """Name of the model."""
    structure: Atoms
    """The structure that was measured, displacements included."""
    settings: RotationSettings
    """The settings used."""
    energy_rot_std: float
    """Standard deviation of the energy over the orientations, eV/atom."""
    forces_rot_std: float
    """Standard deviation of the forces, root mean square over the 3N components, eV/Å."""
    stress_rot_std: float | None
    """Standard deviation of the stress, root mean square over the nine components, eV/Å³; None without a 3D cell."""
    forces_relative: float | None
    """forces_rot_std over the root mean square of the mean forces, a pure number; None where those vanish."""
    scatter: Scatter
    """Means over the orientations, and deviations per atom and per orientation."""
    weights: np.ndarray
    """(n_orientations,), weights of the orientations, summing to 1."""
    inversion: InversionError | None
    """How far x → −x changes the predictions; None where it was not asked for."""
    angles: AngleScan | None
    """Deviations against the angle, axis by axis; None where it was not asked for."""
    orientation_map: OrientationMap | None
    """Predictions over the sphere; None where it was not asked for."""
    spectrum: DegreeSpectrum | None
    """Share of each degree l; None where the grid cannot tell degrees apart."""
    floor: Floor
    """The same deviations as rounding alone makes them."""
    error_split: VarianceSplit | None
    """The force error, split into symmetry breaking and the rest; None without reference forces."""
    evaluations: int
    """Number of structures for which the model was asked."""
    seconds: float
    """Wall time inside the model, s."""


def rotational_variance(
    structure: Atoms,
    model: Model,
    settings: RotationSettings | None = None,
    *,
    reference: Model | np.ndarray | None = None,
    progress: Progress = silent,
) -> RotationalVariance:
    """Measure how far a model breaks rotational symmetry on a structure.

    Orientations are generic (L R_k R₀ with fixed L and R₀): neither a crystal aligned
    with the grid nor a model averaged over it looks better than it is.

    Parameters
    ----------
    structure : Atoms
        With or without a cell.
    model : Model
        Corrected or not.
    settings : RotationSettings, optional
    reference : Model or (n_atoms, 3) array, optional
        Reference forces, eV/Å, or a model that gives them, to split the force error
        into symmetry breaking and the rest. With ``rattle`` it must be a model.
    progress : callable, optional
        Counts evaluations; reports carry ``stage``.

    Returns
    -------
    RotationalVariance

    Raises
    ------
    SettingsError
        If reference forces do not belong to the structure measured.
    """
    settings = settings or RotationSettings()
    structure = rattled(structure, settings.rattle, settings.seed)
    expected = reference_forces(structure, reference, rattled=settings.rattle > 0)
    orientations = grid(settings.grid).generic()
    model, count = count_beneath(model)
    n = len(orientations.rotations)
    stages = Stages(progress, settings.steps(n))
    rotated = rotated_predictions(model, structure, orientations.rotations, progress=stages.part("rotations", n))
    spread = scatter(rotated, orientations.weights, sampled=orientations.degree is None)
    inversion = None
    if settings.inversion:
        mirrored = rotated_predictions(model, structure, -orientations.rotations, progress=stages.part("inversion", n))
        inversion = inversion_error(rotated, mirrored, orientations.weights)
    angles, sphere = _scans(model, structure, settings, stages)
    highest = settings.highest_degree
    return RotationalVariance(
        model=model.name,
        structure=structure,
        settings=settings,
        energy_rot_std=spread.energy_rot_std,
        forces_rot_std=spread.forces_rot_std,
        stress_rot_std=spread.stress_rot_std,
        forces_relative=_relative(spread),
        scatter=spread,
        weights=orientations.weights.copy(),
        inversion=inversion,
        angles=angles,
        orientation_map=sphere,
        spectrum=None if highest is None else spectrum(rotated, spread, orientations, highest),
        floor=arithmetic_floor(structure, spread.energy, dtype=model.dtype),
        error_split=None if expected is None else variance_split(rotated, spread, orientations.weights, expected),
        evaluations=count.evaluations,
        seconds=count.seconds,
    )


def _scans(
    model: Model, structure: Atoms, settings: RotationSettings, stages: Stages
) -> tuple[AngleScan | None, OrientationMap | None]:
    angles = sphere = None
    if settings.n_angles:
        part = stages.part("angles", settings.angle_steps)
        angles = angle_scan(model, structure, np.array(settings.axes), settings.n_angles, progress=part)
    if settings.map_polar:
        part = stages.part("map", settings.map_steps)
        sphere = orientation_map(model, structure, settings.map_polar, settings.map_in_plane, progress=part)
    return angles, sphere


def _relative(spread: Scatter) -> float | None:
    size = float(np.sqrt(np.mean(spread.forces**2)))
    return spread.forces_rot_std / size if size > _NO_FORCE else None
