"""Force errors and their split as tasks: asked of a stored data set, predictions kept beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlip_core.calculations.force_errors.differences import differences, labelled_by
from mlip_core.calculations.force_errors.evaluation import force_errors
from mlip_core.calculations.force_errors.record import ForceErrors, ForceErrorSettings
from mlip_core.calculations.force_errors.split import ErrorSplit, error_split
from mlip_core.datasets.dataset import Dataset
from mlip_core.datasets.stored import StoredDataset
from mlip_core.errors import SettingsError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.records import former, record
from mlip_core.symmetry.rotations import check_name


@record("ErrorSplitSettings")
@dataclass(frozen=True, kw_only=True)
class ErrorSplitSettings:
    """Over which rotations the error is split.

    Raises
    ------
    SettingsError
        If no grid of rotations has that name.
    """

    grid: str = "octahedral"
    """Name of the grid of rotations."""
    inversion: bool = False
    """Whether each rotation is also used times −1."""

    def __post_init__(self) -> None:
        check_name(self.grid)
        if self.grid == "none":
            raise SettingsError("the split needs more than one orientation; choose a grid other than none")


def run(
    dataset: Dataset,
    model: Model,
    settings: ForceErrorSettings,
    *,
    reference_model: Model | None = None,
    progress: Progress = silent,
) -> ForceErrors:
    """Compute force errors, or differences to a model (see :func:`force_errors`, :func:`differences`)."""
    folder = Path(dataset.path).parent
    if reference_model is None:
        return force_errors(dataset, model, settings, folder=folder, progress=progress)
    return differences(dataset, model, reference_model, settings, folder=folder, progress=progress)


def run_split(
    dataset: Dataset,
    model: Model,
    settings: ErrorSplitSettings,
    *,
    reference_model: Model | None = None,
    progress: Progress = silent,
) -> ErrorSplit:
    """Split the error, or the difference to a model (see :func:`error_split`)."""
    if reference_model is not None:
        dataset = labelled_by(dataset, reference_model, folder=Path(dataset.path).parent, progress=progress)
    return error_split(dataset, model, grid=settings.grid, inversion=settings.inversion, progress=progress)


def former_dataset(fields: dict[str, Any]) -> StoredDataset:
    """Name the data set that the settings of 0.1.0 gave by its path."""
    path = Path(fields["dataset"])
    return StoredDataset(file=f"{path.parent.name}/{path.name}", sha256=fields["dataset_sha256"])


@former("ForceErrorTask")
def _former_force_errors(fields: dict[str, Any]) -> tuple[StoredDataset, ForceErrorSettings]:
    return former_dataset(fields), fields["summary"]


@former("ErrorSplitTask")
def _former_split(fields: dict[str, Any]) -> tuple[StoredDataset, ErrorSplitSettings]:
    return former_dataset(fields), ErrorSplitSettings(grid=fields["grid"], inversion=fields["inversion"])
