"""How sure the figures are: bootstrap over structures, and pairs of configurations."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlip_core.calculations.force_errors.record import ForceErrors, ForceErrorSettings
from mlip_core.errors import CalculationError

_AT_LEAST = 5
_AT_A_TIME = 2_000_000
"""Random numbers drawn at a time, to bound the memory."""

Ratio = tuple[str, str, Callable[[np.ndarray], np.ndarray]]
_RATIOS: dict[str, Ratio] = {
    "mae": ("sum_abs", "components", np.asarray),
    "rmse": ("sum_square", "components", np.sqrt),
    "magnitude_mae": ("sum_norm_abs", "sum_atoms", np.asarray),
    "cosine": ("sum_cosine_sum", "sum_cosine_n", np.asarray),
    "softening": ("sum_dot", "sum_ref_square", np.asarray),
    "energy_mae": ("energy_abs", "energy_n", np.asarray),
    "stress_rmse": ("stress_square", "stress_n", np.sqrt),
}


def intervals(by_structure: pd.DataFrame, settings: ForceErrorSettings) -> dict[str, tuple[float, float]]:
    """Bootstrap confidence intervals: structures, not atoms, are drawn, because atoms of one structure are not independent.

    Parameters
    ----------
    by_structure : DataFrame
        With the sums of each structure.
    settings : ForceErrorSettings
        Number of samples, confidence, seed.

    Returns
    -------
    dict
        Metric → (low, high), percentile method; the energy offset is not fitted anew in each sample.
    """
    table = by_structure.assign(
        components=3 * by_structure["sum_atoms"],
        energy_abs=by_structure["energy_error"].abs(),
        energy_n=1.0,
        stress_n=9.0,
    )
    found = {}
    for name, (top, bottom, then) in _RATIOS.items():
        rows = table[[top, bottom]].dropna()
        if len(rows) >= _AT_LEAST and rows[bottom].sum() > 0:
            found[name] = _ratio_interval(rows[top].to_numpy(float), rows[bottom].to_numpy(float), then, settings)
    return found


def _ratio_interval(
    top: np.ndarray, bottom: np.ndarray, then: Callable[[np.ndarray], np.ndarray], settings: ForceErrorSettings
) -> tuple[float, float]:
    from scipy.stats import bootstrap

    def statistic(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        total = b.sum(axis=axis)
        return then(np.divide(a.sum(axis=axis), total, out=np.zeros_like(total), where=total > 0))

    result = bootstrap(
        (top, bottom),
        statistic,
        paired=True,
        vectorized=True,
        n_resamples=settings.resamples,
        batch=max(1, _AT_A_TIME // len(top)),
        confidence_level=settings.confidence,
        method="percentile",
        rng=np.random.default_rng(settings.seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Whether the difference between two configurations on the same structures is real."""

    first: str
    """Name of the first model."""
    second: str
    """Name of the second model."""
    n_structures: int
    """Number of structures for which both answered."""
    difference: float
    """Mean over structures of (MAE of the first − MAE of the second), eV/Å; negative: the first is better."""
    interval: tuple[float, float]
    """Bootstrap interval of the difference over structures, eV/Å."""
    confidence: float
    """Probability with which the interval holds the true difference, 0 to 1."""
    p_value: float
    """p value of a two-sided permutation test over structures (signs of the differences), 0 to 1."""
    wilcoxon_p_value: float
    """p value of Wilcoxon's signed-rank test on the same differences, which large outliers do not decide, 0 to 1."""
    better_first: int
    """Number of structures on which the first has the smaller MAE."""
    differences: np.ndarray
    """(n_structures,), difference of the MAE on each structure, eV/Å."""

    @property
    def real(self) -> bool:
        """Both the interval and the permutation test speak against chance."""
        low, high = self.interval
        return self.p_value < 1 - self.confidence and (low > 0 or high < 0)


def compare_errors(first: ForceErrors, second: ForceErrors, *, resamples: int = 9999) -> Comparison:
    """Compare two configurations structure by structure.

    Parameters
    ----------
    first, second : ForceErrors
        On the same data set.
    resamples : int
        Of bootstrap and permutation test; the seed is fixed.

    Returns
    -------
    Comparison

    Raises
    ------
    CalculationError
        If the data differ, or fewer than five structures are common.
    """
    from scipy.stats import bootstrap, permutation_test, wilcoxon

    if first.dataset_sha256 != second.dataset_sha256:
        raise CalculationError("These two were computed on different data: evaluate both on the same data set.")
    joined = first.by_structure.merge(second.by_structure, on="structure", suffixes=("_first", "_second"))
    if len(joined) < _AT_LEAST:
        raise CalculationError(f"Only {len(joined)} structures are common to both: at least {_AT_LEAST} are needed.")
    a, b = joined["mae_first"].to_numpy(), joined["mae_second"].to_numpy()
    difference, seed, batch = a - b, first.settings.seed, max(1, _AT_A_TIME // len(a))
    same = bool(np.all(difference == 0))
    drawn = {"n_resamples": resamples, "vectorized": True, "batch": batch}
    interval = bootstrap(
        (difference,), np.mean, method="percentile", confidence_level=0.95, rng=np.random.default_rng(seed), **drawn
    )
    test = permutation_test(
        (difference,), np.mean, permutation_type="samples", rng=np.random.default_rng(seed), **drawn
    )
    return Comparison(
        first=first.model,
        second=second.model,
        n_structures=len(joined),
        difference=float(difference.mean()),
        interval=(float(interval.confidence_interval.low), float(interval.confidence_interval.high)),
        confidence=0.95,
        p_value=1.0 if same else float(test.pvalue),
        wilcoxon_p_value=1.0 if same else float(wilcoxon(difference).pvalue),
        better_first=int((difference < 0).sum()),
        differences=difference,
    )
