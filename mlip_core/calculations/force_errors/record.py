"""What an evaluation of forces gives."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from mlip_core.errors import SettingsError
from mlip_core.records import record


@record("ForceErrorSettings")
@dataclass(frozen=True, kw_only=True)
class ForceErrorSettings:
    """How errors are summarised.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    cosine_threshold: float = 0.05
    """eV/Å: cosines are taken where the reference force is at least this large; below it they are noise."""
    resamples: int = 1000
    """Number of bootstrap samples of structures."""
    confidence: float = 0.95
    """Probability with which the intervals hold the true value, 0 to 1."""
    seed: int = 20260116
    """Seed of the bootstrap and of the sample of atoms."""
    max_atoms: int = 100_000
    """Number of atoms kept in the record for plots; of a larger set a random part and the worst."""

    def __post_init__(self) -> None:
        if not self.cosine_threshold > 0:
            raise SettingsError(f"cosine_threshold must be a positive force in eV/Å, not {self.cosine_threshold!r}.")
        if not (isinstance(self.resamples, int) and self.resamples >= 100):
            raise SettingsError(f"resamples must be a whole number of at least 100, not {self.resamples!r}.")
        if not 0.5 <= self.confidence < 1:
            raise SettingsError(f"confidence must lie between 0.5 and 1, not {self.confidence!r}.")
        if not (isinstance(self.max_atoms, int) and self.max_atoms >= 1000):
            raise SettingsError(f"max_atoms must be a whole number of at least 1000, not {self.max_atoms!r}.")


@record("Density")
@dataclass(frozen=True)
class Density:
    """Counts of pairs (reference, prediction), for a parity plot of any number of atoms."""

    edges: np.ndarray
    """(n_bins + 1,), eV/Å, the same for both axes; what lies outside is counted in the outermost bins."""
    counts: np.ndarray
    """(n_bins, n_bins), number of pairs in each cell, [reference, prediction]."""


@record("ForceErrors")
@dataclass(frozen=True, kw_only=True)
class ForceErrors:
    """Errors of one configuration on one data set; differences, where the reference is another model."""

    kind: Literal["error", "difference"]
    """"error" against labels, or "difference" where the reference is a model, which is never to be called an error."""
    dataset: str
    """Name of the data set."""
    dataset_sha256: str
    """Hash of its structures and reference values."""
    dataset_file: str
    """Name of the file that holds its structures and reference values."""
    model: str
    """Name of the model."""
    reference: str
    """Level of theory of the labels, as declared ("not stated"), or the reference model's name."""
    n_structures: int
    """Number of structures compared."""
    n_atoms: int
    """Number of atoms compared."""
    mae: float
    """Mean |F − F_ref| over all force components of all atoms, eV/Å."""
    rmse: float
    """Root mean square of F − F_ref over all force components of all atoms, eV/Å."""
    max_error: float
    """Largest |F − F_ref| of a force component, eV/Å."""
    max_error_at: tuple[int, int]
    """Structure and atom with the largest error, counted from 0."""
    magnitude_mae: float
    """Mean ||F| − |F_ref|| over atoms, eV/Å."""
    cosine: float | None
    """Mean cosine of the angle between F and F_ref over atoms with |F_ref| above the threshold; None where there are
    none."""
    softening: float | None
    """Slope Σ F·F_ref / Σ |F_ref|²: below 1 the model is too soft."""
    energy_mae: float | None
    """Mean error of the energy, without regard to sign, after a per-element least-squares offset was removed,
    eV/atom; None without energies."""
    energy_rmse: float | None
    """Root mean square error of the energy after the same offset was removed, eV/atom; None without energies."""
    energy_offsets: dict[str, float]
    """Energy that was removed for each atom of an element, eV, by symbol."""
    energy_note: str
    """What was removed from the energies, and whether anything is left to compare, in words."""
    stress_mae: float | None
    """Mean |σ − σ_ref| over the nine components, eV/Å³; None without stresses."""
    stress_rmse: float | None
    """Root mean square of σ − σ_ref over the nine components, eV/Å³; None without stresses."""
    n_stresses: int
    """Number of structures with a stress on both sides."""
    intervals: dict[str, tuple[float, float]]
    """Metric → bootstrap confidence interval over structures; fewer than five structures have none."""
    by_element: pd.DataFrame
    """One row an element: element, n_atoms, mae, rmse, max_error, cosine, softening, mean_force (eV/Å)."""
    by_structure: pd.DataFrame
    """structure, where, formula, n_atoms, mae, rmse, max_error, worst_atom, cosine, softening, energy_ref, energy
    (eV), energy_error (eV/atom, offset removed), stress_rmse (eV/Å³), suspect (text or ""), sums, and the tags
    as ``tag:<name>``."""
    by_magnitude: pd.DataFrame
    """low, high (|F_ref|, eV/Å), n_atoms, mean_force, mae, rmse, cosine, relative (rmse of the vector over mean force)."""
    by_subset: pd.DataFrame
    """One row a value of a tag: tag, value, n_structures, n_atoms, mae, rmse, max_error, cosine, softening,
    energy_mae."""
    atoms: pd.DataFrame
    """structure, atom, number (Z), ref_x, ref_y, ref_z, pred_x, pred_y, pred_z (eV/Å), error (|F − F_ref|): all atoms, or a
    random part and the worst."""
    atoms_complete: bool
    """Whether `atoms` holds every atom."""
    components: Density
    """Counts of pairs (reference, prediction) of force components."""
    magnitudes: Density
    """Counts of pairs (reference, prediction) of the lengths |F|."""
    error_edges: np.ndarray
    """(n + 1,), edges of the classes of |component error|, logarithmic, eV/Å."""
    error_counts: np.ndarray
    """(n,), number of components in each class; what is outside counts in the outermost ones."""
    not_evaluated: pd.DataFrame
    """One row a structure that the model does not cover or could not answer for: structure, where, reason."""
    us_per_atom: float | None
    """Wall time an atom inside the model, μs, while the predictions were made, beside whatever else ran; the first
    forward call, in which a model warms up, does not count; None where there was no other."""
    settings: ForceErrorSettings
    """How it was summarised."""
    predictions_file: str = ""
    """Name of the file beside the data set that holds every prediction; "" where none was kept."""
    narrowed_to: str = ""
    """What part of the data set this is; "" for all of it."""
