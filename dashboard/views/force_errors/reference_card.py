"""How the data that come with the program were computed, and what they must not be used for."""

import pandas as pd
import streamlit as st

from dashboard.widgets.table import show_table
from mlip_core.reference.pbe import reference_card


@st.dialog("How these data were computed", width="large")
def show_reference_card() -> None:
    """Show settings, convergence and limits of the PBE reference."""
    card = reference_card()
    st.markdown(f"**{card['level_of_theory']}**, {card['code']}; {card['setups']}. {card['rattled']['content']}.")
    st.markdown("\n".join(f"- **{name.replace('_', ' ')}**: {value}" for name, value in card["settings"].items()))
    st.markdown("**How far the forces are converged**")
    number = st.column_config.NumberColumn
    show_table(pd.DataFrame(card["convergence"]["changes"]), hide_index=True, column_config={
        "kind": "frame",
        "name": "material",
        "setting": "finer",
        "max": number("largest change (meV/Å)", format="%.2f"),
        "rms": number("root mean square (meV/Å)", format="%.2f"),
    })  # fmt: skip
    st.caption(card["convergence"]["content"])
    st.markdown("**Limits**\n\n" + "\n".join(f"- {limit}" for limit in card["limits"]))
    st.markdown("**What changed**\n\n" + "\n".join(f"- {change}" for change in card["changed"]))
