"""LAMBench's figures: normalised force-field error, instability, efficiency.

Implemented is release 1.0.0 of March 2026 (deepmodeling/LAMBench,
lambench/metrics/results/README.md), with the same formulas as release 0.3.1: the first
10 % of timings are dropped, instabilities are capped at 5. Peng et al., arXiv:2504.19578.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ase.data import chemical_symbols

from mlip_core.calculations.force_errors.measures import offsets
from mlip_core.calculations.force_errors.record import ForceErrors
from mlip_core.datasets.dataset import Dataset
from mlip_core.errors import DatasetError, SettingsError

TOLERABLE_DRIFT = 5e-4
"""Drift of the total energy up to which a run counts as stable, eV/atom/ps."""
FAILED = 5.0
"""Instability of a run that failed, and the most that is counted."""
REFERENCE_TIME = 100.0
"""Inference time that counts as an efficiency of 1, μs/atom."""
WARM_UP = 0.1
"""Share of the timings that is dropped at the start, 0 to 1."""
WEIGHTS = {"energy": 0.5, "forces": 0.5}
WEIGHTS_WITH_VIRIALS = {"energy": 0.45, "forces": 0.45, "virial": 0.1}


@dataclass(frozen=True, kw_only=True)
class LambenchError:
    """Normalised force-field error of one model: 0 perfect, 1 no better than a model that knows only the formula."""

    model: str
    """Name of the model."""
    error: float
    """The benchmark's error, mean over the domains: 0 is perfect, 1 a model that knows only the formula."""
    domains: pd.DataFrame
    """domain, energy, forces, virial (log-averages over its sets; NaN where there are no labels), error (weighted)."""
    sets: pd.DataFrame
    """One row a set and quantity: set, domain, quantity, rmse and dummy (eV/atom, eV/Å, eV/atom), normalised (at
    most 1)."""


def lambench_error(
    dataset: Dataset,
    errors: ForceErrors,
    *,
    tag: str = "set",
    domains: Mapping[str, str] | None = None,
    dummies: Mapping[str, Mapping[str, float]] | None = None,
) -> LambenchError:
    """Compute LAMBench's generalisability error on force-field tasks.

    Per set and quantity the RMSE over that of a dummy, capped at 1; log-average over
    the sets of a domain; weights 0.5/0.5, or 0.45/0.45/0.1 where a set of the domain
    has virials; mean over domains. Energies are those left after a bias per element
    was fitted to the totals of each set, per atom; virials per atom.

    Parameters
    ----------
    dataset : Dataset
        Its tag `tag` tells the test sets apart; without that tag it is one set.
    errors : ForceErrors
        Of the model on it.
    tag : str
        "set" is the first folder of a tree, as LAMBench lays its data out.
    domains : mapping, optional
        Set → domain; one domain without.
    dummies : mapping, optional
        Set → quantity → RMSE of the dummy, as published. Without, it is computed: energies
        from the formula alone (least squares), forces and virials zero.

    Returns
    -------
    LambenchError

    Raises
    ------
    DatasetError
        If errors and data are not of one another, or a set has neither energies nor forces.
    """
    if errors.dataset_sha256 != dataset.sha256:
        raise DatasetError("These errors were computed on other data: evaluate the model on this data set.")
    rows = _rows(dataset, errors, tag)
    table = pd.concat(
        [_one_set(str(name), part, dummies or {}) for name, part in rows.groupby("set", sort=True)], ignore_index=True
    )
    table.insert(1, "domain", [(domains or {}).get(name, "all sets") for name in table["set"]])
    by_domain = pd.DataFrame([_domain(str(name), part) for name, part in table.groupby("domain", sort=True)])
    return LambenchError(model=errors.model, error=float(by_domain["error"].mean()), domains=by_domain, sets=table)


def _rows(dataset: Dataset, errors: ForceErrors, tag: str) -> pd.DataFrame:
    """What is needed of each structure that was evaluated."""
    facts = pd.DataFrame(
        [
            {
                "structure": frame.index,
                "set": frame.tags.get(tag, dataset.name),
                "counts": np.bincount(frame.atoms.numbers, minlength=len(chemical_symbols)),
                "volume": abs(np.linalg.det(frame.atoms.cell.array)),
                "stress_ref_square": np.nan if frame.stress is None else float((frame.stress**2).sum()),
            }
            for frame in dataset
        ]
    )
    kept = ["structure", "n_atoms", "energy", "energy_ref", "sum_square", "sum_ref_square", "stress_square"]
    return errors.by_structure[kept].merge(facts, on="structure")


def _one_set(name: str, rows: pd.DataFrame, dummies: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    found: dict[str, tuple[float, float]] = {}
    some = rows[rows["energy_ref"].notna()]
    if len(some):
        counts = np.stack(some["counts"].tolist()).astype(float)
        difference, reference = (some["energy"] - some["energy_ref"]).to_numpy(), some["energy_ref"].to_numpy()
        found["energy"] = _unbiased(counts, difference), _unbiased(counts, reference)
    n = 3 * rows["n_atoms"].sum()
    found["forces"] = float(np.sqrt(rows["sum_square"].sum() / n)), float(np.sqrt(rows["sum_ref_square"].sum() / n))
    some = rows[rows["stress_square"].notna()]
    if len(some):
        per_atom = (some["volume"] / some["n_atoms"]) ** 2 / 9
        found["virial"] = tuple(
            float(np.sqrt((per_atom * some[c]).mean())) for c in ("stress_square", "stress_ref_square")
        )  # type: ignore[assignment]
    table = pd.DataFrame([(name, q, rmse, dummies.get(name, {}).get(q, dummy)) for q, (rmse, dummy) in found.items()])
    table.columns = pd.Index(["set", "quantity", "rmse", "dummy"])
    table["normalised"] = normalised(table["rmse"].to_numpy(), table["dummy"].to_numpy())
    return table


def _unbiased(counts: np.ndarray, energies: np.ndarray) -> float:
    """RMS per atom of what element counts cannot explain; the fit is to totals, as in the benchmark."""
    present = counts[:, counts.any(axis=0)]
    shift, _ = offsets(present, energies, per_atom=False)
    return float(np.sqrt(np.mean(((energies - present @ shift) / present.sum(axis=1)) ** 2)))


def normalised(rmse: np.ndarray, dummy: np.ndarray) -> np.ndarray:
    """Return min(rmse / dummy, 1); 1 where the dummy is perfect already."""
    ratio = np.divide(rmse, dummy, out=np.ones_like(rmse), where=dummy > 0)
    return np.minimum(ratio, 1.0)


def _domain(name: str, table: pd.DataFrame) -> dict[str, object]:
    means = {quantity: log_average(part["normalised"].to_numpy()) for quantity, part in table.groupby("quantity")}
    weights = WEIGHTS_WITH_VIRIALS if "virial" in means else WEIGHTS
    present = {quantity: weight for quantity, weight in weights.items() if quantity in means}
    error = sum(weight * means[quantity] for quantity, weight in present.items()) / sum(present.values())
    return {"domain": name, **{q: means.get(q, np.nan) for q in WEIGHTS_WITH_VIRIALS}, "error": error}


def log_average(values: np.ndarray) -> float:
    """Geometric mean; 0 as soon as one value is 0."""
    return 0.0 if (values <= 0).any() else float(np.exp(np.mean(np.log(values))))


def instability(drifts: Sequence[float | None]) -> float:
    """LAMBench's M_IS: how many orders of magnitude the drift of the energy is above what is tolerable.

    Parameters
    ----------
    drifts : sequence of float or None
        |slope| of the total energy per atom in 10 ps of NVE, eV/atom/ps, one a structure; None where the run failed.

    Returns
    -------
    float
        Mean over structures of max(0, log₁₀(Φ / 5e-4)), with 5 for failed runs and as the most.
        Values that the benchmark published are of drifts in a unit 10.18 times smaller, and
        therefore up to log₁₀ 10.18 = 1.01 higher than this for the same run
        (:data:`mlip_core.calculations.benchmarks.published.PUBLISHED_DRIFT_UNIT`).

    Raises
    ------
    SettingsError
        If there is no run.
    """
    if not len(drifts):
        raise SettingsError("The instability is a mean over runs: give at least one.")
    terms = [FAILED if d is None or not np.isfinite(d) else _orders(abs(d)) for d in drifts]
    return float(np.mean(terms))


def _orders(drift: float) -> float:
    return 0.0 if drift <= TOLERABLE_DRIFT else min(float(np.log10(drift / TOLERABLE_DRIFT)), FAILED)


def efficiency(us_per_atom: Sequence[float]) -> float:
    """LAMBench's M_E: 100 μs/atom over the mean inference time per atom.

    Parameters
    ----------
    us_per_atom : sequence of float
        Times in the order measured, of cells with 800 to 1,000 atoms, μs/atom. The first 10 % are dropped.

    Raises
    ------
    SettingsError
        If there are no times, or one is not positive.
    """
    times = np.asarray(us_per_atom, dtype=float)
    if not len(times) or not (times > 0).all():
        raise SettingsError("Times per atom must be positive numbers, at least one.")
    return float(REFERENCE_TIME / times[int(WARM_UP * len(times)) :].mean())
