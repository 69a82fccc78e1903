"""From a data set and a model to force errors."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from ase.data import chemical_symbols

from mlip_core.calculations.force_errors import tables
from mlip_core.calculations.force_errors.measures import added, atom_sums, metrics
from mlip_core.calculations.force_errors.plots import MAGNITUDES, Kept, Plots
from mlip_core.calculations.force_errors.predictions import Answer, predict_dataset, predictions_path
from mlip_core.calculations.force_errors.record import ForceErrors, ForceErrorSettings
from mlip_core.calculations.force_errors.statistics import intervals
from mlip_core.calculations.force_errors.suspects import hypotheses
from mlip_core.datasets.dataset import Dataset, Frame
from mlip_core.errors import CalculationError, DatasetError
from mlip_core.models.model import Model, Prediction
from mlip_core.progress import Progress, silent


def force_errors(
    dataset: Dataset,
    model: Model,
    settings: ForceErrorSettings | None = None,
    *,
    folder: str | Path | None = None,
    identity: Any = None,
    kind: Literal["error", "difference"] = "error",
    reference: str | None = None,
    progress: Progress = silent,
) -> ForceErrors:
    """Compare a model's forces, energies and stresses with those of a data set.

    Predictions go to one Parquet file per data set and configuration: what is there
    is not computed again, and a stopped evaluation continues. Memory does not grow
    with the data, except for tables with one row a structure.

    Parameters
    ----------
    dataset : Dataset
        With forces.
    model : Model
    settings : ForceErrorSettings, optional
        Thresholds, bootstrap, how much is kept for plots.
    folder : path, optional
        Where predictions are kept; without, nothing is.
    identity : JSON-able, optional
        Everything that may change a prediction; the model's own by default. A model made by hand has
        none and needs it where there is a `folder`.
    kind : "error" or "difference"
        "difference" where the reference is itself a model.
    reference : str, optional
        Name of the reference; the data set's level of theory without.
    progress : callable, optional
        Called as ``progress(done, total, stage=, mae=)`` with structures done.

    Returns
    -------
    ForceErrors

    Raises
    ------
    DatasetError
        If the data set has no forces, or nothing of it could be evaluated.
    CalculationError
        If a folder is given without an identity.
    """
    settings = settings or ForceErrorSettings()
    if not dataset.keys.get("forces"):
        raise DatasetError(f"{dataset.name} has no forces to compare with. Choose a reference model instead.")
    identity = model.identity if identity is None else identity
    if folder is not None and identity is None:
        raise CalculationError("Predictions can only be kept with the identity of the model: give identity=.")
    with tempfile.TemporaryDirectory(prefix="mlip-predictions-") as scratch:
        path = predictions_path(dataset, identity, folder or scratch)
        predictions = predict_dataset(dataset, model, path, progress=progress)
        fields = summarised(dataset, zip(dataset, predictions, strict=True), settings, progress=progress)
    return ForceErrors(
        kind=kind,
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        dataset_file=dataset.path.name,
        model=model.name,
        reference=reference or dataset.level_of_theory or "not stated",
        **fields,
        us_per_atom=1e6 * predictions.seconds / predictions.atoms if predictions.atoms else None,
        settings=settings,
        predictions_file=path.name if folder is not None else "",
    )


def summarised(
    dataset: Dataset,
    pairs: Iterator[tuple[Frame, Answer]],
    settings: ForceErrorSettings,
    *,
    element: int | None = None,
    whole: ForceErrors | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Every field of the record that follows from reference and prediction side by side.

    Parameters
    ----------
    dataset : Dataset
    pairs : iterator of (Frame, Answer)
        In the data set's order, all of it or a part.
    settings : ForceErrorSettings
    element : int, optional
        Atomic number: only these atoms count. Every structure must have one.
    whole : ForceErrors, optional
        Of all of the data set, where `pairs` are a part: energy offsets and suspicions are its.
    progress : callable, optional

    Returns
    -------
    dict
    """
    collected = _collect(dataset, pairs, settings, element, progress)
    by_structure, energy = tables.structures(collected.structures, pd.concat(collected.per_structure), collected.counts)
    if whole is not None:
        energy = tables.as_in(by_structure, whole)
    return {
        **_overall(collected, by_structure),
        **energy,
        "intervals": intervals(by_structure, settings),
        "by_structure": by_structure,
        "by_element": tables.elements(collected.per_element),
        "by_magnitude": tables.magnitudes(collected.per_bin),
        "by_subset": tables.subsets(by_structure, dataset.tags),
        **collected.plots.fields(),
        **collected.kept.fields(),
        "not_evaluated": pd.DataFrame(collected.missing, columns=["structure", "where", "reason"]),
    }


@dataclass
class _Collected:
    """Sums and tables, grown structure by structure."""

    plots: Plots
    """Histograms of forces and of their errors, over all atoms counted so far."""
    kept: Kept
    """The atoms that are kept one by one for the parity plot."""
    structures: list[dict[str, Any]] = field(default_factory=list)
    """What is known of each evaluated structure besides its sums over atoms: place, energies (eV), stress errors (eV/Å³)."""
    counts: list[np.ndarray] = field(default_factory=list)
    """Atoms of each atomic number, (n_elements,), one array for each evaluated structure."""
    per_structure: list[pd.DataFrame] = field(default_factory=list)
    """Sums over the atoms of each structure (forces in eV/Å), one table for each batch."""
    per_element: list[pd.DataFrame] = field(default_factory=list)
    """Sums over the atoms of each atomic number (forces in eV/Å), one table for each batch."""
    per_bin: list[pd.DataFrame] = field(default_factory=list)
    """Sums over the atoms in each range of reference force (eV/Å), one table for each batch."""
    missing: list[tuple[int, str, str]] = field(default_factory=list)
    """Number, place and reason of each structure that could not be evaluated."""


def _collect(
    dataset: Dataset,
    pairs: Iterator[tuple[Frame, Answer]],
    settings: ForceErrorSettings,
    element: int | None,
    progress: Progress,
) -> _Collected:
    """Go once through reference and prediction side by side, some structures at a time."""
    rng = np.random.default_rng(settings.seed)
    collected = _Collected(Plots(dataset.max_force), Kept(rng, settings.max_atoms, dataset.n_atoms))
    batch: list[tuple[Frame, Prediction]] = []
    atoms = 0
    for frame, answer in pairs:
        if answer.prediction is None or frame.forces is None:
            collected.missing.append((frame.index, frame.where, answer.reason or "no reference forces"))
            continue
        batch.append((frame, answer.prediction))
        atoms += len(frame.atoms)
        if atoms >= 10_000:
            _add(collected, batch, settings, element)
            batch, atoms = [], 0
            progress(frame.index + 1, dataset.n_structures, stage="tables")
    if batch:
        _add(collected, batch, settings, element)
    if not collected.structures:
        first = collected.missing[0]
        raise DatasetError(
            f"None of the {len(collected.missing)} structures could be evaluated; the first, {first[1]}: {first[2]}"
        )
    return collected


def _add(
    collected: _Collected, batch: list[tuple[Frame, Prediction]], settings: ForceErrorSettings, element: int | None
) -> None:
    numbers = np.concatenate([frame.atoms.numbers for frame, _ in batch])
    taken = np.full(len(numbers), True) if element is None else numbers == element
    numbers = numbers[taken]
    reference = np.concatenate([frame.forces for frame, _ in batch])[taken]
    forces = np.concatenate([prediction.forces for _, prediction in batch])[taken]
    structure = np.concatenate([np.full(len(frame.atoms), frame.index) for frame, _ in batch])[taken]
    atom = np.concatenate([np.arange(len(frame.atoms)) for frame, _ in batch])[taken]
    summands = atom_sums(forces, reference, settings.cosine_threshold)
    bins = np.clip(np.searchsorted(MAGNITUDES, summands["ref_norm"], side="right") - 1, 0, len(MAGNITUDES) - 2)
    for tables_of, by in (
        (collected.per_structure, structure),
        (collected.per_element, numbers),
        (collected.per_bin, bins),
    ):
        tables_of.append(added(summands, by))
    collected.plots.add(reference, forces)
    collected.kept.add(structure, atom, numbers, reference, forces)
    for frame, prediction in batch:
        collected.structures.append(_structure(frame, prediction))
        collected.counts.append(np.bincount(frame.atoms.numbers, minlength=len(chemical_symbols)).astype(np.int32))


def _structure(frame: Frame, prediction: Prediction) -> dict[str, Any]:
    """What is kept of one structure besides its sums."""
    assert frame.forces is not None
    error = np.abs(prediction.forces - frame.forces)
    both = frame.stress is not None and prediction.stress is not None
    stress = prediction.stress - frame.stress if both else None  # type: ignore[operator]
    return {
        "structure": frame.index,
        "where": frame.where,
        "formula": frame.atoms.get_chemical_formula("reduce" if len(frame.atoms) > 100 else "hill"),
        "worst_atom": int(np.argmax(np.max(error, axis=1))),
        "energy_ref": np.nan if frame.energy is None else frame.energy,
        "energy": prediction.energy,
        "stress_abs": np.nan if stress is None else float(np.abs(stress).sum()),
        "stress_square": np.nan if stress is None else float((stress**2).sum()),
        "hypotheses": hypotheses(prediction.forces, frame.forces),
        "tags": frame.tags,
    }


def _overall(collected: _Collected, by_structure: pd.DataFrame) -> dict[str, Any]:
    """Figures over everything, from the sums of the structures."""
    sums = added(pd.concat(collected.per_structure), np.zeros(len(by_structure), dtype=int))
    row = metrics(sums).iloc[0]
    worst = by_structure.iloc[int(by_structure["max_error"].to_numpy().argmax())]
    stresses = by_structure["stress_square"].dropna()
    return {
        "n_structures": len(by_structure),
        "n_atoms": int(row["n_atoms"]),
        **{name: float(row[name]) for name in ("mae", "rmse", "max_error", "magnitude_mae")},
        **{name: None if np.isnan(row[name]) else float(row[name]) for name in ("cosine", "softening")},
        "max_error_at": (int(worst["structure"]), int(worst["worst_atom"])),
        "stress_mae": float(by_structure["stress_abs"].sum() / (9 * len(stresses))) if len(stresses) else None,
        "stress_rmse": float(np.sqrt(stresses.sum() / (9 * len(stresses)))) if len(stresses) else None,
        "n_stresses": len(stresses),
    }
