"""Structures without labels: where two models say different things."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.datasets.dataset import Dataset
from mlip_core.datasets.read import dataset_of
from mlip_core.errors import ModelError
from mlip_core.force_errors.evaluation import force_errors
from mlip_core.force_errors.record import ForceErrors, ForceErrorSettings
from mlip_core.models.model import Model, Prediction
from mlip_core.progress import Progress, silent

_AT_A_TIME = 64


def differences(
    structures: Dataset | Iterable[Atoms],
    model: Model,
    reference_model: Model,
    settings: ForceErrorSettings | None = None,
    *,
    folder: str | Path | None = None,
    identity: Any = None,
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
        Where predictions of `model` and the labelled copy are kept.
    identity : JSON-able, optional
        Of the configuration behind `model`; needed with `folder`.
    progress : callable, optional
        Called as ``progress(done, total, stage=)``.

    Returns
    -------
    ForceErrors
        Of kind "difference".
    """
    labelled = labelled_by(structures, reference_model, folder=folder, progress=progress)
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
    progress: Progress = silent,
) -> Dataset:
    """Label structures with a model's predictions, so that others can be compared with it.

    Parameters
    ----------
    structures : Dataset or iterable of Atoms
    model : Model
    folder : path, optional
        Where the data set is kept.
    progress : callable, optional

    Returns
    -------
    Dataset
        Its level of theory is the model's name. Structures the model cannot answer for are set aside.
    """
    name = structures.name if isinstance(structures, Dataset) else "structures"
    total = structures.n_structures if isinstance(structures, Dataset) else None
    labelled = _labelled(_plain(structures), model, total, progress)
    return dataset_of(labelled, name, level_of_theory=model.name, folder=folder)


def _plain(structures: Dataset | Iterable[Atoms]) -> Iterator[Atoms]:
    if isinstance(structures, Dataset):
        for frame in structures:
            frame.atoms.info |= frame.tags | {"where": frame.where}
            yield frame.atoms
    else:
        yield from map(_bare, structures)


def _bare(atoms: Atoms) -> Atoms:
    copy = Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    copy.info |= {k: v for k, v in atoms.info.items() if isinstance(v, str | bool | int)}
    return copy


def _labelled(structures: Iterator[Atoms], model: Model, total: int | None, progress: Progress) -> Iterator[Atoms]:
    done = 0
    while batch := list(islice(structures, _AT_A_TIME)):
        for atoms, answer in zip(batch, _answers(model, batch), strict=True):
            if answer is not None:
                stress = {} if answer.stress is None else {"stress": answer.stress}
                atoms.calc = SinglePointCalculator(atoms, energy=answer.energy, forces=answer.forces, **stress)
            yield atoms
        done += len(batch)
        progress(done, total, stage="reference")


def _answers(model: Model, batch: list[Atoms]) -> list[Prediction | None]:
    try:
        return list(model.predict(batch))
    except ModelError:
        if len(batch) == 1:
            return [None]
        return [answer for atoms in batch for answer in _answers(model, [atoms])]
