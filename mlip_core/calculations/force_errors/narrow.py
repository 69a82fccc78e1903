"""The same figures for a part of a data set: an element, a subset, some structures; nothing is predicted again."""

from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from ase.data import atomic_numbers

from mlip_core.calculations.force_errors.evaluation import summarised
from mlip_core.calculations.force_errors.predictions import open_predictions
from mlip_core.calculations.force_errors.record import ForceErrors
from mlip_core.calculations.force_errors.tables import tag_text
from mlip_core.datasets.dataset import Dataset
from mlip_core.errors import DatasetError


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part: all conditions hold together."""

    element: str | None = None
    """Symbol of the element whose atoms are looked at; None for all."""
    tag: str | None = None
    """Tag by which structures are chosen; None for none."""
    value: str | None = None
    """Value that the tag must have."""
    structures: tuple[int, ...] | None = None
    """Only these, by number: those that all configurations answered for, say."""

    def __bool__(self) -> bool:
        return any(part is not None for part in (self.element, self.tag, self.structures))

    def __str__(self) -> str:
        parts = [f"{self.element} atoms"] if self.element else []
        parts += [f"{self.tag} = {self.value}"] if self.tag else []
        parts += [f"{len(self.structures)} structures"] if self.structures is not None else []
        return ", ".join(parts)


def narrowed(errors: ForceErrors, dataset: Dataset, predictions: str | Path, selection: Selection) -> ForceErrors:
    """Summarise a part of what was evaluated.

    Parameters
    ----------
    errors : ForceErrors
        Of the whole data set.
    dataset : Dataset
        That data set.
    predictions : path
        From :func:`mlip_core.calculations.force_errors.predictions.predictions_path`.
    selection : Selection

    Returns
    -------
    ForceErrors
        Energy offsets stay those of the whole data set.

    Raises
    ------
    DatasetError
        If nothing is left, or errors and data are not of one another.
    """
    if errors.dataset_sha256 != dataset.sha256:
        raise DatasetError("These errors were computed on other data: evaluate the model on this data set.")
    if not selection:
        return errors
    structures = _structures(errors, selection)
    number = atomic_numbers[selection.element] if selection.element else None
    pairs = (
        (frame, answer)
        for frame, answer in zip(dataset, open_predictions(Path(predictions)), strict=True)
        if frame.index in structures and (number is None or number in frame.atoms.numbers)
    )
    first = next(pairs, None)
    if first is None:
        raise DatasetError(f"No structure with an answer has {selection}.")
    fields = summarised(dataset, chain([first], pairs), errors.settings, element=number, whole=errors)
    return replace(errors, **fields, narrowed_to=str(selection))


def _structures(errors: ForceErrors, selection: Selection) -> set[int]:
    table = errors.by_structure
    if selection.tag is not None:
        column = f"tag:{selection.tag}"
        if column not in table:
            return set()
        table = table[table[column].map(tag_text) == selection.value]
    found = set(table["structure"])
    return found if selection.structures is None else found & set(selection.structures)
