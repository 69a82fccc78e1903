"""The error split exactly into what broken rotational symmetry adds and what is left of the model's own."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlip_core.datasets.dataset import Dataset, Frame
from mlip_core.errors import DatasetError, ModelError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.records import record
from mlip_core.symmetry.averaging import Spread, average
from mlip_core.symmetry.rotations import grid as rotation_grid


@record("ErrorSplit")
@dataclass(frozen=True, kw_only=True)
class ErrorSplit:
    """⟨RMSE²⟩ over orientations = RMSE² of the averaged forces + ε_F², an identity for any grid."""

    model: str
    """Name of the model."""
    dataset: str
    """Name of the data set."""
    grid: str
    """Name of the grid; its rotations R_k are used as L R_k R₀ with fixed generic L and R₀."""
    inversion: bool
    """Whether each rotation is also used with x → −x."""
    total_rmse: float
    """Root mean square over orientations of the force RMSE, eV/Å: the error as it is met in any orientation."""
    averaged_rmse: float
    """RMSE of the forces averaged over the grid, what is left when symmetry is restored, eV/Å."""
    symmetry_rmse: float
    """Spread ε_F of the forces over the grid, what the missing symmetry adds, eV/Å."""
    share: float
    """Share of the squared error that is symmetry breaking, ε_F² over the square of the total, 0 to 1."""
    by_structure: pd.DataFrame
    """One row a structure: structure, where, n_atoms, total_rmse, averaged_rmse, symmetry_rmse (eV/Å), share."""
    evaluations: int
    """Number of orientations in which the model was asked."""
    not_evaluated: int
    """Number of structures that the model could not answer for."""


def error_split(
    dataset: Dataset, model: Model, *, grid: str = "octahedral", inversion: bool = False, progress: Progress = silent
) -> ErrorSplit:
    """Say how much of a model's force error is broken rotational symmetry.

    Each structure is predicted in the orientations L R_k R₀ of a grid. With F̄ their
    mean, turned back, ⟨|F_k − F_ref|²⟩ = |F̄ − F_ref|² + ⟨|F_k − F̄|²⟩, because the
    reference turns with the structure: no approximation, whatever the grid.

    Parameters
    ----------
    dataset : Dataset
        With forces.
    model : Model
        Without rotational corrections, or what they leave is measured.
    grid : str
        Name of a grid (:func:`mlip_core.symmetry.rotations.grid`).
    inversion : bool
        Use x → −x too.
    progress : callable, optional
        Called as ``progress(done, total, stage=)`` with structures done.

    Returns
    -------
    ErrorSplit

    Raises
    ------
    DatasetError
        If the data set has no forces, or the model could not answer for any structure.
    """
    orientations = rotation_grid(grid, inversion=inversion).generic()
    rows: list[dict] = []
    missing = 0
    for frame in dataset:
        try:
            ((mean, spread),) = average(model, [frame.atoms], orientations)
            rows.append(_row(frame, np.asarray(mean.forces), spread))
        except ModelError:
            missing += 1
        progress(frame.index + 1, dataset.n_structures, stage="orientations")
    if not rows:
        raise DatasetError(f"{model.name} could not answer for any structure of {dataset.name}, or it has no forces.")
    table = pd.DataFrame(rows)
    total, averaged, symmetry = (_pooled(table, f"{name}_rmse") for name in ("total", "averaged", "symmetry"))
    return ErrorSplit(
        model=model.name,
        dataset=dataset.name,
        grid=grid,
        inversion=inversion,
        total_rmse=total,
        averaged_rmse=averaged,
        symmetry_rmse=symmetry,
        share=symmetry**2 / total**2 if total > 0 else 0.0,
        by_structure=table.drop(columns="evaluations"),
        evaluations=int(table["evaluations"].sum()),
        not_evaluated=missing,
    )


def _row(frame: Frame, mean: np.ndarray, spread: Spread) -> dict:
    if frame.forces is None:
        raise ModelError(f"{frame.where} has no reference forces.")
    symmetry = spread.forces_rot_std or 0.0
    averaged = float(np.sqrt(np.mean((mean - frame.forces) ** 2)))
    total = float(np.hypot(averaged, symmetry))
    return {
        "structure": frame.index,
        "where": frame.where,
        "n_atoms": len(frame.atoms),
        "total_rmse": total,
        "averaged_rmse": averaged,
        "symmetry_rmse": symmetry,
        "share": symmetry**2 / total**2 if total > 0 else 0.0,
        "evaluations": spread.evaluations,
    }


def _pooled(table: pd.DataFrame, column: str) -> float:
    weights = table["n_atoms"] / table["n_atoms"].sum()
    return float(np.sqrt((weights * table[column] ** 2).sum()))
