"""Tables by structure, element, magnitude of the force and subset."""

from typing import Any

import numpy as np
import pandas as pd
from ase.data import chemical_symbols

from mlip_core.calculations.force_errors.measures import SUMS, added, metrics, offsets
from mlip_core.calculations.force_errors.plots import MAGNITUDES
from mlip_core.calculations.force_errors.record import ForceErrors
from mlip_core.calculations.force_errors.suspects import named_in_words


def structures(
    rows: list[dict[str, Any]], sums: pd.DataFrame, counts: list[np.ndarray]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Table with one row a structure, and the fields about energies.

    Parameters
    ----------
    rows : list of dict
        What is kept of each structure.
    sums : DataFrame
        Sums over its atoms, by structure.
    counts : list of (119,) array
        Atoms of each element.

    Returns
    -------
    DataFrame, dict
    """
    table = pd.DataFrame([{k: v for k, v in row.items() if k not in ("tags", "hypotheses")} for row in rows])
    sums = sums.loc[table["structure"]].reset_index(drop=True)
    table = pd.concat([table, metrics(sums), sums[SUMS].add_prefix("sum_")], axis=1)
    table["stress_rmse"] = np.sqrt(table["stress_square"] / 9)
    table["energy_error"], energy = _energies(table, np.array(counts))
    size = (table["sum_ref_square"] / (3 * table["sum_atoms"])) ** 0.5
    tags = pd.DataFrame([row["tags"] for row in rows], index=table.index)
    hypotheses = pd.DataFrame([row["hypotheses"] for row in rows])
    table["suspect"] = named_in_words(table["rmse"], size, hypotheses, tags)
    return pd.concat([table, tags.add_prefix("tag:")], axis=1), energy


def _energies(table: pd.DataFrame, counts: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """Energy error per atom after the offset, for structures that have a reference energy."""
    error = np.full(len(table), np.nan)
    have = np.flatnonzero(table["energy_ref"].notna())
    empty: dict[str, Any] = {
        "energy_mae": None,
        "energy_rmse": None,
        "energy_offsets": {},
        "energy_note": "The reference has no energies.",
    }
    if not len(have):
        return error, empty
    elements = np.flatnonzero(counts[have].any(axis=0))
    some = counts[np.ix_(have, elements)].astype(float)
    difference = (table["energy"] - table["energy_ref"]).to_numpy()[have]
    shift, rank = offsets(some, difference)
    error[have] = (difference - some @ shift) / some.sum(axis=1)
    note = f"A least-squares offset for each of {len(elements)} elements was removed."
    if len(have) <= rank:
        note += f" With {len(have)} structures it explains every difference: these energy errors say nothing."
    elif len(have) < 3 * rank:
        note += f" There are only {len(have)} structures for {rank} independent offsets: energy errors are too small."
    return error, {
        "energy_mae": float(np.abs(error[have]).mean()),
        "energy_rmse": float(np.sqrt((error[have] ** 2).mean())),
        "energy_offsets": {chemical_symbols[z]: float(e) for z, e in zip(elements, shift, strict=True)},
        "energy_note": note,
    }


def as_in(by_structure: pd.DataFrame, whole: ForceErrors) -> dict[str, Any]:
    """Give a part of the structures the energy offsets and suspicions of all of them.

    Parameters
    ----------
    by_structure : DataFrame
        Of the part; changed in place.
    whole : ForceErrors

    Returns
    -------
    dict
        The fields about energies.
    """
    table = whole.by_structure.set_index("structure").loc[by_structure["structure"]]
    for column in ("energy_error", "suspect"):
        by_structure[column] = table[column].to_numpy()
    error = by_structure["energy_error"].dropna()
    note = whole.energy_note + " Offsets are those of the whole data set." * bool(len(error))
    return {
        "energy_mae": float(error.abs().mean()) if len(error) else None,
        "energy_rmse": float(np.sqrt((error**2).mean())) if len(error) else None,
        "energy_offsets": whole.energy_offsets,
        "energy_note": note,
    }


def elements(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Metrics of the atoms of each element."""
    sums = _joined(parts)
    table = metrics(sums)
    table.insert(0, "element", [chemical_symbols[z] for z in sums.index])
    return table.reset_index(drop=True)


def magnitudes(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Metrics of the atoms in each class of |F_ref|."""
    sums = _joined(parts)
    table = metrics(sums)
    table.insert(0, "low", MAGNITUDES[sums.index])
    table.insert(1, "high", MAGNITUDES[sums.index + 1])
    table["relative"] = np.sqrt(3) * table["rmse"] / table["mean_force"].where(table["mean_force"] > 0)
    return table.reset_index(drop=True)


def subsets(by_structure: pd.DataFrame, tags: dict[str, int]) -> pd.DataFrame:
    """Metrics of the structures that share a tag's value, for every tag that splits the data."""
    blocks = []
    for tag in tags:
        column = f"tag:{tag}"
        if column not in by_structure or by_structure[column].isna().all():
            continue
        values = by_structure[column].map(tag_text)
        sums = by_structure[[f"sum_{name}" for name in SUMS]].rename(columns=lambda name: name.removeprefix("sum_"))
        block = metrics(added(sums.assign(max_error=by_structure["max_error"]), values))
        block.insert(0, "tag", tag)
        block.insert(1, "value", block.index)
        block.insert(2, "n_structures", values.value_counts().loc[block.index].to_numpy())
        block["energy_mae"] = by_structure["energy_error"].abs().groupby(values).mean()
        blocks.append(block)
    columns = [
        "tag",
        "value",
        "n_structures",
        "n_atoms",
        "mae",
        "rmse",
        "max_error",
        "magnitude_mae",
        "cosine",
        "softening",
        "mean_force",
        "energy_mae",
    ]
    return pd.concat(blocks, ignore_index=True)[columns] if blocks else pd.DataFrame(columns=columns)


def tag_text(value: Any) -> str:
    """Write a tag's value as it stands in :attr:`ForceErrors.by_subset`; "" where the tag is missing."""
    return "" if pd.isna(value) else str(value)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    whole = pd.concat(parts)
    return added(whole, whole.index.to_numpy())
