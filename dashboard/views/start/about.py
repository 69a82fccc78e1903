"""What to cite, and what is installed."""

from importlib.metadata import version

import pandas as pd
import streamlit as st

from dashboard.widgets.table import show_table
from mlip_core.models.catalogue import catalogue

PACKAGES = ("mlip-dashboard", "ase", "phonopy", "spglib", "torch", "chgnet", "sevenn", "upet", "streamlit", "plotly")
PAPER = """@article{bigi2026pushing,
  title  = {Pushing the limits of unconstrained machine-learned interatomic potentials},
  author = {Bigi, Filippo and Pegolo, Paolo and Mazitov, Arslan and Ceriotti, Michele},
  year   = {2026},
  eprint = {2601.16195},
  archivePrefix = {arXiv},
}"""


def citations() -> None:
    """Show what to cite: the paper, and each model that was used."""
    st.markdown("The paper that this program grew from:")
    st.code(PAPER, language="bibtex")
    st.markdown("And each model that you used:")
    show_table(
        pd.DataFrame([{"model": item.title, "cite": item.citation} for item in catalogue() if item.citation]),
        hide_index=True,
    )


def about() -> None:
    """Show versions, licences and where each model's weights come from."""
    st.markdown("mlip-dashboard is free software (BSD-3-Clause). Installed here:")
    st.markdown(" · ".join(f"{name} {version(name)}" for name in PACKAGES))
    show_table(
        pd.DataFrame(
            [
                {
                    "model": item.title,
                    "here": "✓" if item.available() else "–",
                    "weights": item.weights,
                    "licence of the weights": item.licence,
                    "trained on": item.functional,
                    "elements": len(item.elements) or "not listed",
                }
                for item in catalogue()
            ]
        ).astype({"elements": str}),
        hide_index=True,
    )
