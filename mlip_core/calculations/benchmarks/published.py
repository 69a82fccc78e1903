"""Figures from the literature, each with its source; never to be mixed with what was measured here."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import ase.units
import numpy as np
import pandas as pd
import yaml

from mlip_core.assets import asset
from mlip_core.calculations.force_errors.record import ForceErrors
from mlip_core.errors import SettingsError

PUBLISHED_DRIFT_UNIT: float = ase.units.fs
"""eV/atom/ps; the unit of the energy drifts that LAMBench publishes.

They are given out as eV/atom/ps. The benchmark's code (``nve_md.py``) multiplies the time in
femtoseconds by ``ase.units.fs``, which is 0.0982, before it fits the energy, and the slope by
1000 as if the time were femtoseconds still: the result is 10.18 times too large.
"""
_SUBSET_TAGS = ("subset", "set", "source", "origin", "dataset", "name")


@dataclass(frozen=True)
class Column:
    """What a column of published values is."""

    label: str
    """Its heading, with the unit if there is one."""
    meaning: str
    """A sentence or two on what was measured, with unit and range."""
    best: Literal["lowest", "highest"] | None = None
    """Which value is best; None for words."""
    format: str | None = None
    """How a value is written ("%.3f"), with as many digits as were published; None for words."""


@dataclass(frozen=True)
class Published:
    """A table of published values."""

    title: str
    """What the figures are."""
    version: str
    """Version of the benchmark that the figures belong to."""
    date: date
    """Day of the commit that they were read at."""
    commit: str
    """That commit of the source's repository, 40 hexadecimal digits."""
    source: str
    """Repository and files they were read from, and the paper."""
    url: str
    """Address of the source at that commit."""
    columns: dict[str, Column]
    """Name of the column → what it is; all columns but `model`."""
    note: str
    """What must be known to read the figures right."""
    table: pd.DataFrame
    """model and the columns, best first by the column that the benchmark ranks by."""


def published() -> dict[str, Published]:
    """All tables of published values, by short name."""
    return {name: _table(entry) for name, entry in _tree()["tables"].items()}


def _tree() -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(asset("reference", "published.yaml").read_text(encoding="utf-8"))
    return tree


def _table(entry: dict[str, Any]) -> Published:
    columns = {name: Column(**column) for name, column in entry["columns"].items()}
    table = pd.DataFrame(entry["values"])
    if "drift_as_published" in table:
        table["drift"] = PUBLISHED_DRIFT_UNIT * table["drift_as_published"]
    facts = {name: value for name, value in entry.items() if name not in ("columns", "values")}
    return Published(columns=columns, table=table[["model", *columns]], **facts)


def lambench_sets() -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """LAMBench's test sets: their domains and the published errors of its dummy.

    Returns
    -------
    domains : dict
        Set → domain. A set goes by the folder of its test data and by its name in the benchmark.
    dummies : dict
        Set → quantity → RMSE of the dummy (energy in eV/atom, forces in eV/Å, virial in eV/atom).
        Three sets have labels of two levels of theory, a folder and a dummy for each; under the
        name alone they have none, as it leaves open which labels are meant.
    """
    domains: dict[str, str] = {}
    dummies: dict[str, dict[str, float]] = {}
    for row in _tree()["lambench_sets"]["values"]:
        errors = {quantity: row[quantity] for quantity in ("energy", "forces", "virial") if quantity in row}
        for name, known in ((row["set"], {} if "labels" in row else errors), (row["folder"], errors)):
            domains[name], dummies[name] = row["domain"], known
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
