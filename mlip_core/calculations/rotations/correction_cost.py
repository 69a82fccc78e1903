"""What corrections over orientations buy: what is left of the rotational variance, for how many evaluations."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from ase import Atoms

from mlip_core.calculations.rotations.measures import reference_forces
from mlip_core.calculations.rotations.statistics import rotated_predictions, scatter
from mlip_core.errors import SettingsError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, Stages, silent
from mlip_core.records import record
from mlip_core.symmetry.corrections import Corrections, correct, count_beneath
from mlip_core.symmetry.moving import rattled
from mlip_core.symmetry.rotations import check_name, grid


@record("CorrectionCostSettings")
@dataclass(frozen=True, kw_only=True)
class CorrectionCostSettings:
    """Which grids are compared, and how their residual is measured."""

    grids: tuple[str, ...] = (
        "none",
        "tetrahedral",
        "octahedral",
        "icosahedral",
        "lebedev-3",
        "lebedev-5",
        "lebedev-7",
        "random-4",
        "random-12",
        "random-24",
        "random-60",
    )
    """Names of the grids to compare."""
    inversion: bool = False
    """Average over inversion, x → −x, too."""
    n_probes: int = 8
    """Number of random orientations, outside every grid, in which each corrected model is asked."""
    rattle: float = 0.05
    """Standard deviation, Å, of random displacements: the forces on a perfect crystal vanish."""
    seed: int = 0
    """Seed of the displacements."""

    def __post_init__(self) -> None:
        for name in self.grids:
            check_name(name)
        if not self.grids:
            raise SettingsError("name at least one grid to compare")
        if self.n_probes < 2:
            raise SettingsError(f"a spread needs at least 2 probes, not {self.n_probes}")
        if not (np.isfinite(self.rattle) and 0 <= self.rattle <= 1):
            raise SettingsError(f"rattle must be between 0 and 1 Å, not {self.rattle}")


@record("CorrectionPoint")
@dataclass(frozen=True)
class CorrectionPoint:
    """One grid: its cost and what it leaves."""

    grid: str
    """Name of the grid."""
    evaluations: int
    """Number of evaluations that one corrected prediction of this structure takes."""
    seconds: float
    """Wall time of one corrected prediction, mean over the probes, s."""
    energy_rot_std: float
    """Rotational standard deviation of the energy that is left, eV/atom."""
    forces_rot_std: float
    """Rotational standard deviation of the forces that is left, eV/Å."""
    stress_rot_std: float | None
    """Rotational standard deviation of the stress that is left, eV/Å³; None without a 3D cell."""
    force_error: float | None
    """Error of the forces against the reference, root mean square over probes and components, eV/Å; None without a reference."""


@record("CorrectionCost")
@dataclass(frozen=True)
class CorrectionCost:
    """Residual rotational deviation and force error against cost, for one model on one structure."""

    model: str
    """Name of the uncorrected model."""
    structure: Atoms
    """The structure that was measured, displacements included."""
    settings: CorrectionCostSettings
    """The settings used."""
    points: tuple[CorrectionPoint, ...]
    """Cost and residual of each grid, in the order of the settings."""


def correction_cost(
    structure: Atoms,
    model: Model,
    settings: CorrectionCostSettings | None = None,
    *,
    reference: Model | np.ndarray | None = None,
    progress: Progress = silent,
) -> CorrectionCost:
    """Measure what is left of the rotational variance after averaging over each grid.

    Each corrected model is asked in the same few random orientations, which belong to no
    grid: on its own grid a corrected model shows no variance by identity.

    Parameters
    ----------
    structure : Atoms
    model : Model
        Uncorrected.
    settings : CorrectionCostSettings, optional
    reference : Model or (n_atoms, 3) array, optional
        Reference forces, eV/Å, or a model that gives them; with ``rattle`` it must be a model.
    progress : callable, optional
        Counts evaluations; reports carry ``stage``, the grid's name.

    Returns
    -------
    CorrectionCost

    Raises
    ------
    SettingsError
        If reference forces do not belong to the structure measured.
    """
    settings = settings or CorrectionCostSettings()
    structure = rattled(structure, settings.rattle, settings.seed)
    expected = reference_forces(structure, reference, rattled=settings.rattle > 0)
    model.predict([structure])
    stages = Stages(progress, settings.n_probes * len(settings.grids))
    points = tuple(
        _point(structure, model, name, settings, expected=expected, progress=stages.part(name, settings.n_probes))
        for name in settings.grids
    )
    return CorrectionCost(model.name, structure, settings, points)


def _point(
    structure: Atoms,
    model: Model,
    name: str,
    settings: CorrectionCostSettings,
    *,
    expected: np.ndarray | None,
    progress: Progress,
) -> CorrectionPoint:
    corrected = correct(model, Corrections(rotations=name, inversion=settings.inversion))
    counted, count = count_beneath(corrected)
    probes = grid(f"random-{settings.n_probes}").generic()
    start = perf_counter()
    rotated = rotated_predictions(counted, structure, probes.rotations, progress=progress)
    seconds = perf_counter() - start
    left = scatter(rotated, probes.weights, sampled=True)
    error = None
    if expected is not None:
        error = float(np.sqrt(np.mean((rotated.forces - expected) ** 2)))
    return CorrectionPoint(
        grid=name,
        evaluations=round(count.evaluations / settings.n_probes),
        seconds=seconds / settings.n_probes,
        energy_rot_std=left.energy_rot_std,
        forces_rot_std=left.forces_rot_std,
        stress_rot_std=left.stress_rot_std,
        force_error=error,
    )
