"""Force errors and their split as tasks: everything a worker needs is data, and the data set is a file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ase import Atoms

from mlip_core.calculations.force_errors.differences import differences, labelled_by
from mlip_core.calculations.force_errors.evaluation import force_errors
from mlip_core.calculations.force_errors.record import ForceErrors, ForceErrorSettings
from mlip_core.calculations.force_errors.split import ErrorSplit, error_split
from mlip_core.datasets.dataset import open_unchanged
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent


@dataclass(frozen=True, kw_only=True)
class ForceErrorTask:
    """Which data set, and how errors are summarised."""

    dataset: str
    """Path of the data set (``Dataset.path``); predictions are kept in its folder."""
    dataset_sha256: str
    """Hash of the data set (``Dataset.sha256``); the file must still be this one."""
    identity: str
    """Key of the configuration: everything that may change a prediction."""
    reference_identity: str = ""
    """The same of the configuration compared with, where that is not the labels."""
    summary: ForceErrorSettings = field(default_factory=ForceErrorSettings)
    """How errors are summarised: thresholds, bootstrap, what is kept."""


@dataclass(frozen=True, kw_only=True)
class ErrorSplitTask:
    """Which data set, and over which rotations."""

    dataset: str
    """Path of the data set (``Dataset.path``)."""
    dataset_sha256: str
    """Hash of the data set (``Dataset.sha256``); the file must still be this one."""
    reference_identity: str = ""
    """Key of the configuration compared with, where that is not the labels."""
    grid: str = "octahedral"
    """Name of the grid."""
    inversion: bool = False
    """Use each rotation with x → −x too."""


def run(
    structure: Atoms,
    model: Model,
    settings: ForceErrorTask,
    *,
    reference_model: Model | None = None,
    progress: Progress = silent,
) -> ForceErrors:
    """Compute force errors, or differences to a model; `structure` only names the task (the data set's first)."""
    dataset = open_unchanged(settings.dataset, settings.dataset_sha256)
    kept: dict[str, Any] = {"folder": Path(settings.dataset).parent, "identity": settings.identity}
    if reference_model is None:
        return force_errors(dataset, model, settings.summary, **kept, progress=progress)
    kept["reference_identity"] = settings.reference_identity
    return differences(dataset, model, reference_model, settings.summary, **kept, progress=progress)


def run_split(
    structure: Atoms,
    model: Model,
    settings: ErrorSplitTask,
    *,
    reference_model: Model | None = None,
    progress: Progress = silent,
) -> ErrorSplit:
    """Split the error, or the difference to a model; `structure` only names the task (the data set's first)."""
    dataset = open_unchanged(settings.dataset, settings.dataset_sha256)
    if reference_model is not None:
        folder = Path(settings.dataset).parent
        dataset = labelled_by(
            dataset, reference_model, folder=folder, identity=settings.reference_identity, progress=progress
        )
    return error_split(dataset, model, grid=settings.grid, inversion=settings.inversion, progress=progress)
