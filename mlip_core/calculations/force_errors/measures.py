"""Kernels: sums over atoms from which every metric follows, and the energy offset."""

import numpy as np
import pandas as pd

SUMS = ["atoms", "abs", "square", "dot", "ref_square", "ref_norm", "norm_abs", "cosine_sum", "cosine_n"]
"""Columns that add up over atoms: n, Σ|e| and Σe² over components (e = F − F_ref), Σ F·F_ref, Σ|F_ref|², Σ|F_ref|,
Σ||F| − |F_ref||, Σ cos and the number of atoms it was taken over."""


def atom_sums(forces: np.ndarray, reference: np.ndarray, cosine_threshold: float) -> pd.DataFrame:
    """Return the summands of every atom.

    Parameters
    ----------
    forces, reference : (n_atoms, 3) array
        eV/Å.
    cosine_threshold : float
        eV/Å; smaller reference forces have no direction.

    Returns
    -------
    DataFrame
        :data:`SUMS` and ``max_error`` (largest |component|), a row an atom.
    """
    error = forces - reference
    norm, ref_norm = np.linalg.norm(forces, axis=1), np.linalg.norm(reference, axis=1)
    dot = np.einsum("ij,ij->i", forces, reference)
    directed = (ref_norm >= cosine_threshold) & (norm > 0)
    cosine = np.divide(dot, norm * ref_norm, out=np.zeros(len(dot)), where=directed)
    columns = (
        np.ones(len(dot)),
        np.abs(error).sum(axis=1),
        (error**2).sum(axis=1),
        dot,
        ref_norm**2,
        ref_norm,
        np.abs(norm - ref_norm),
        cosine,
        directed.astype(float),
    )
    return pd.DataFrame(dict(zip(SUMS, columns, strict=True)) | {"max_error": np.abs(error).max(axis=1)})


def added(frame: pd.DataFrame, by: "pd.Series | np.ndarray | list[str]") -> pd.DataFrame:
    """Sums and the maximum by group."""
    how = dict.fromkeys(SUMS, "sum") | {"max_error": "max"}
    return frame.groupby(by, sort=True, observed=True).agg(how)


def metrics(sums: pd.DataFrame) -> pd.DataFrame:
    """Metrics from sums.

    Parameters
    ----------
    sums : DataFrame
        :data:`SUMS` and ``max_error``.

    Returns
    -------
    DataFrame
        n_atoms, mae, rmse, max_error, magnitude_mae, cosine, softening, mean_force; NaN where there is nothing to divide by.
    """
    n = sums["atoms"]
    return pd.DataFrame(
        {
            "n_atoms": n.astype(int),
            "mae": sums["abs"] / (3 * n),
            "rmse": np.sqrt(sums["square"] / (3 * n)),
            "max_error": sums["max_error"],
            "magnitude_mae": sums["norm_abs"] / n,
            "cosine": sums["cosine_sum"] / sums["cosine_n"].where(sums["cosine_n"] > 0),
            "softening": sums["dot"] / sums["ref_square"].where(sums["ref_square"] > 0),
            "mean_force": sums["ref_norm"] / n,
        }
    )


def offsets(counts: np.ndarray, difference: np.ndarray, *, per_atom: bool = True) -> tuple[np.ndarray, int]:
    """Energies per element that best explain a difference.

    Parameters
    ----------
    counts : (n_structures, n_elements) array
        Atoms of each element.
    difference : (n_structures,) array
        Energy of the model minus the reference, eV, of the whole structure.
    per_atom : bool
        Least squares of the difference per atom; False weights by size (LAMBench).

    Returns
    -------
    (n_elements,) array, int
        eV per atom of each element (the shortest solution where it is not unique), and the rank of the problem.
    """
    n = counts.sum(axis=1) if per_atom else np.ones(len(counts))
    solution, _, rank, _ = np.linalg.lstsq(counts / n[:, None], difference / n, rcond=1e-10)
    return solution, int(rank)
