"""Structures without labels: where two models say different things."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.calculations.force_errors.evaluation import force_errors
from mlip_core.calculations.force_errors.predictions import Predictions, predict_dataset, predictions_path
from mlip_core.calculations.force_errors.record import ForceErrors, ForceErrorSettings
from mlip_core.datasets.dataset import Dataset
from mlip_core.datasets.read import dataset_of
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent


def differences(
    structures: Dataset | Iterable[Atoms],
    model: Model,
    reference_model: Model,
    settings: ForceErrorSettings | None = None,
    *,
    folder: str | Path | None = None,
    identity: Any = None,
    reference_identity: Any = None,
    progress: Progress = silent,
) -> ForceErrors:
    """Compare a model with another one, on structures that need no labels.

    Parameters
    ----------
    structures : Dataset or iterable of Atoms
        Labels, if any, are not looked at.
    model : Model
    reference_model : Model
        What is compared with; it is not the truth.
    settings : ForceErrorSettings, optional
    folder : path, optional
        Where predictions of both and the labelled copy are kept.
    identity, reference_identity : JSON-able, optional
        Everything that may change the predictions of each; the models' own by default.
    progress : callable, optional
        Called as ``progress(done, total, stage=)``.

    Returns
    -------
    ForceErrors
        Of kind "difference".
    """
    labelled = labelled_by(structures, reference_model, folder=folder, identity=reference_identity, progress=progress)
    return force_errors(
        labelled,
        model,
        settings,
        folder=folder,
        identity=identity,
        kind="difference",
        reference=reference_model.name,
        progress=progress,
    )


def labelled_by(
    structures: Dataset | Iterable[Atoms],
    model: Model,
    *,
    folder: str | Path | None = None,
    identity: Any = None,
    progress: Progress = silent,
) -> Dataset:
    """Label structures with a model's predictions, so that others can be compared with it.

    Parameters
    ----------
    structures : Dataset or iterable of Atoms
    model : Model
    folder : path, optional
        Where predictions and the data set are kept.
    identity : JSON-able, optional
        Everything that may change its predictions; the model's own by default.
    progress : callable, optional

    Returns
    -------
    Dataset
        Its level of theory is the model's name. Structures the model cannot answer for are set aside.
    """
    dataset = structures if isinstance(structures, Dataset) else _unlabelled(structures)
    with tempfile.TemporaryDirectory(prefix="mlip-predictions-") as scratch:
        path = predictions_path(dataset, model.identity if identity is None else identity, folder or scratch)
        predictions = predict_dataset(dataset, model, path, progress=_as_reference(progress))
        return dataset_of(_labelled(dataset, predictions), dataset.name, level_of_theory=model.name, folder=folder)


def _unlabelled(structures: Iterable[Atoms]) -> Dataset:
    return dataset_of(map(_bare, structures), "structures", labelled=False)


def _bare(atoms: Atoms) -> Atoms:
    copy = Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    copy.info |= {k: v for k, v in atoms.info.items() if isinstance(v, str | bool | int)}
    return copy


def _labelled(dataset: Dataset, predictions: Predictions) -> Iterator[Atoms]:
    for frame, answer in zip(dataset, predictions, strict=True):
        atoms = frame.atoms
        atoms.info |= frame.tags | {"where": frame.where}
        if answer.prediction is not None:
            known = {k: v for k, v in answer.prediction._asdict().items() if v is not None}
            atoms.calc = SinglePointCalculator(atoms, **known)
        yield atoms


def _as_reference(progress: Progress) -> Progress:
    def report(done: int, total: int | None, **values: object) -> None:
        progress(done, total, stage="reference")

    return report
