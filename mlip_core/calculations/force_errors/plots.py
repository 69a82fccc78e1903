"""What a figure needs, gathered while structures go by: histograms, and a sample of atoms with the worst."""

from typing import Any

import numpy as np
import pandas as pd

from mlip_core.calculations.force_errors.record import Density

MAGNITUDES = np.array([0, 0.01, 0.03, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, np.inf])
"""Edges of the classes of |F_ref|, eV/Å."""
ERROR_EDGES = np.logspace(-6, 3, 181)
"""Edges of the distribution of errors, eV/Å."""
_BINS = 200
_WORST = 2000


class Plots:
    """Parity histograms and the distribution of errors."""

    def __init__(self, max_force: float) -> None:
        top = 1.1 * max(max_force, 1e-6)
        self._signed = np.linspace(-top, top, _BINS + 1)
        self._positive = np.linspace(0, top * np.sqrt(3), _BINS + 1)
        self._components = np.zeros((_BINS, _BINS), dtype=np.int64)
        self._magnitudes = np.zeros((_BINS, _BINS), dtype=np.int64)
        self._errors = np.zeros(len(ERROR_EDGES) - 1, dtype=np.int64)

    def add(self, reference: np.ndarray, forces: np.ndarray) -> None:
        """Count (n, 3) reference and predicted forces."""
        self._components += _counted(reference.ravel(), forces.ravel(), self._signed)
        self._magnitudes += _counted(np.linalg.norm(reference, axis=1), np.linalg.norm(forces, axis=1), self._positive)
        self._errors += np.histogram(_inside(np.abs(forces - reference).ravel(), ERROR_EDGES), ERROR_EDGES)[0]

    def fields(self) -> dict[str, Any]:
        """Fields of the record."""
        return {
            "components": Density(self._signed, self._components),
            "magnitudes": Density(self._positive, self._magnitudes),
            "error_edges": ERROR_EDGES,
            "error_counts": self._errors,
        }


def _inside(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.clip(values, edges[0], edges[-1])


def _counted(x: np.ndarray, y: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.histogram2d(_inside(x, edges), _inside(y, edges), [edges, edges])[0].astype(np.int64)


class Kept:
    """Every atom of a small set; of a large one a random part of about `most` atoms and the worst."""

    def __init__(self, rng: np.random.Generator, most: int, n_atoms: int) -> None:
        self._rng, self._share = rng, min(1.0, most / max(n_atoms, 1))
        self._sample: list[pd.DataFrame] = []
        self._worst = pd.DataFrame()

    def add(
        self, structure: np.ndarray, atom: np.ndarray, numbers: np.ndarray, reference: np.ndarray, forces: np.ndarray
    ) -> None:
        """Look at some more atoms."""
        table = atom_table(structure, atom, numbers, reference, forces)
        if self._share == 1:
            self._sample.append(table)
            return
        self._sample.append(table[self._rng.random(len(table)) < self._share])
        self._worst = pd.concat([self._worst, table]).nlargest(_WORST, "error")

    def fields(self) -> dict[str, Any]:
        """Fields of the record."""
        atoms = (
            pd.concat([*self._sample, self._worst])
            .drop_duplicates(["structure", "atom"])
            .sort_values(["structure", "atom"])
        )
        return {"atoms": atoms.reset_index(drop=True), "atoms_complete": self._share == 1}


def atom_table(
    structure: np.ndarray, atom: np.ndarray, numbers: np.ndarray, reference: np.ndarray, forces: np.ndarray
) -> pd.DataFrame:
    """One row an atom: structure, atom, number, ref_x … pred_z (eV/Å), error (|F − F_ref|)."""
    columns: dict[str, np.ndarray] = {"structure": structure, "atom": atom, "number": numbers.astype(np.int16)}
    for name, values in (("ref", reference), ("pred", forces)):
        columns |= {f"{name}_{axis}": values[:, i] for i, axis in enumerate("xyz")}
    return pd.DataFrame(columns | {"error": np.linalg.norm(forces - reference, axis=1)})
