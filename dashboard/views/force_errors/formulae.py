"""Formulae of labelled structures as people write them: SiC where the record says C4Si4, but C₆H₆ for a molecule."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from ase import Atoms

from mlip_core.structures import formula


def with_formulae(table: pd.DataFrame, dataset: Path) -> pd.DataFrame:
    """Return a table of structures with the formulae that people would write.

    Parameters
    ----------
    table : pandas.DataFrame
        Numbers of the structures under "structure", formulae that count every atom under "formula".
    dataset : Path
        File with the structures.

    Returns
    -------
    pandas.DataFrame
        The same rows; a crystal by its formula unit.
    """
    crystals = _periodic(dataset)[table["structure"].to_numpy(dtype=int)]
    return table.assign(
        formula=[written(text, periodic=bool(k)) for text, k in zip(table["formula"], crystals, strict=True)]
    )


@lru_cache(maxsize=10_000)
def written(text: str, *, periodic: bool) -> str:
    """Write "O2Ti" as "TiO₂"; ``periodic`` structures by their formula unit."""
    return formula(Atoms(text, pbc=periodic))


@st.cache_resource(show_spinner=False, max_entries=8)
def _periodic(dataset: Path) -> np.ndarray:
    """(n_structures,): whether each structure of a file is periodic in any direction."""
    import pyarrow.parquet as pq

    return np.array([any(along) for along in pq.read_table(dataset, columns=["pbc"]).column("pbc").to_pylist()])
