"""What a person takes along: the per-atom table, and structures with every configuration's forces."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.calculations.force_errors.plots import atom_table
from mlip_core.calculations.force_errors.predictions import Predictions, open_predictions
from mlip_core.datasets.dataset import Dataset


def per_atom_table(dataset: Dataset, predictions: str | Path) -> Iterator[pd.DataFrame]:
    """All atoms of one configuration, chunk by chunk.

    Parameters
    ----------
    dataset : Dataset
    predictions : path
        From :func:`mlip_core.calculations.force_errors.predictions.predictions_path`.

    Yields
    ------
    DataFrame
        structure, atom, number, ref_x, ref_y, ref_z, pred_x, pred_y, pred_z (eV/Å), error.
    """
    for frame, answer in zip(dataset, open_predictions(Path(predictions)), strict=True):
        if answer.prediction is not None and frame.forces is not None:
            n = len(frame.atoms)
            yield atom_table(
                np.full(n, frame.index), np.arange(n), frame.atoms.numbers, frame.forces, answer.prediction.forces
            )


def with_forces(dataset: Dataset, predictions: Mapping[str, str | Path]) -> Iterator[Atoms]:
    """Structures with reference results and a ``<configuration>_forces`` array for each configuration.

    Parameters
    ----------
    dataset : Dataset
    predictions : mapping
        Name of the configuration → its predictions' file.

    Yields
    ------
    Atoms
        Ready for ``ase.io.write(..., format="extxyz")``; energies are ``<configuration>_energy``.
    """
    files: dict[str, Predictions] = {
        re.sub(r"\W+", "_", name): open_predictions(Path(path)) for name, path in predictions.items()
    }
    for frame, *answers in zip(dataset, *files.values(), strict=True):
        atoms = frame.atoms
        atoms.info |= frame.tags
        known = {"energy": frame.energy, "forces": frame.forces, "stress": frame.stress}
        atoms.calc = SinglePointCalculator(atoms, **{k: v for k, v in known.items() if v is not None})
        for name, answer in zip(files, answers, strict=True):
            if answer.prediction is not None:
                atoms.info[f"{name}_energy"] = answer.prediction.energy
                atoms.set_array(f"{name}_forces", answer.prediction.forces)
        yield atoms
