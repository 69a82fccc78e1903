"""Figures from the literature, each with its source; never to be mixed with what was measured here."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import yaml

from mlip_core.assets import asset
from mlip_core.calculations.force_errors.record import ForceErrors
from mlip_core.errors import SettingsError

_SUBSET_TAGS = ("subset", "set", "source", "origin", "dataset", "name")


@dataclass(frozen=True)
class Published:
    """A table of published values."""

    title: str
    """What the figures are."""
    source: str
    """Where they were published, and which version."""
    url: str
    """Address of the source."""
    columns: dict[str, str]
    """Meaning and unit of each column, by its name."""
    table: pd.DataFrame
    """One row a model: its name and the columns."""


def published() -> dict[str, Published]:
    """All tables of published values, by short name."""
    tree = yaml.safe_load(asset("reference", "published.yaml").read_text(encoding="utf-8"))
    return {name: _table(entry) for name, entry in tree["tables"].items()}


def _table(entry: dict[str, Any]) -> Published:
    return Published(entry["title"], entry["source"], entry["url"], entry["columns"], pd.DataFrame(entry["values"]))


def lambench_sets() -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """Return LAMBench's domains (set → domain) and the published errors of its dummy (set → quantity → RMSE)."""
    tree = yaml.safe_load(asset("reference", "published.yaml").read_text(encoding="utf-8"))["lambench_sets"]["values"]
    domains = {name: entry["domain"] for name, entry in tree.items()}
    dummies = {name: {q: v for q, v in entry.items() if q != "domain"} for name, entry in tree.items()}
    return domains, dummies


def madbench_tag(errors: ForceErrors) -> str | None:
    """Return the tag that names the subset: the first of subset, set, source, origin, dataset, name that splits the data."""
    there = set(errors.by_subset["tag"])
    return next((name for name in _SUBSET_TAGS if name in there), None)


def madbench_table(errors: ForceErrors, *, tag: str | None = None) -> pd.DataFrame:
    """Errors by subset in the layout of MADBench: energies in meV/atom, forces in meV/Å, mean absolute errors.

    Parameters
    ----------
    errors : ForceErrors
    tag : str, optional
        Tag that names the subset; without, that of :func:`madbench_tag`.

    Returns
    -------
    DataFrame
        subset, n_structures, energy_mae (meV/atom, after one per-element offset over all subsets), forces_mae (meV/Å).

    Raises
    ------
    SettingsError
        If no tag splits the data.
    """
    there = list(dict.fromkeys(errors.by_subset["tag"]))
    tag = tag or madbench_tag(errors)
    if tag not in there:
        raise SettingsError(f"No tag {tag!r} splits these data; there are: {', '.join(there) or 'none'}.")
    rows = errors.by_subset[errors.by_subset["tag"] == tag]
    energy = rows["energy_mae"].to_numpy(dtype=float) if len(rows) else np.array([])
    return pd.DataFrame(
        {
            "subset": rows["value"].to_numpy(),
            "n_structures": rows["n_structures"].to_numpy(),
            "energy_mae": 1000 * energy,
            "forces_mae": 1000 * rows["mae"].to_numpy(),
        }
    )
