"""One labelled structure with reference and predicted forces as two sets of arrows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.views.force_errors.comparison import Compared, opened
from dashboard.widgets.frame import look, plain
from dashboard.widgets.table import show_table
from dashboard.widgets.viewer import Arrows, viewer
from mlip_core.calculations.force_errors.predictions import open_predictions
from mlip_core.calculations.force_errors.suspects import UNEXPLAINED
from mlip_core.structures import formula

WORST = 3
"""Atoms that are marked."""
_BY = "predicted-by"


def structure_panel(compared: Sequence[Compared], point: tuple[int, int, int]) -> None:
    """Draw the structure that was clicked.

    Parameters
    ----------
    compared : sequence of Compared
        Who predicted.
    point : (structure, atom, place)
        What was clicked: numbers in the data set, and the place of the configuration.
    """
    index, atom, _ = point
    names = [item.member.label for item in compared]
    bar = st.container(horizontal=True, vertical_alignment="bottom")
    chosen = compared[names.index(choose_prediction(bar, names, point))]
    if bar.button("Close", icon=":material/close:"):
        state.forget(state.POINT)
        st.rerun(scope="fragment")
    frame = opened(chosen.dataset).frame(index)
    answer = open_predictions(chosen.predictions).at(index)
    if answer.prediction is None or frame.forces is None:
        st.info(f"{chosen.member.label} gave no answer for this structure. {answer.reason}")
        return
    st.markdown(f"**Structure {index}** · {formula(frame.atoms)} · {plain(frame.where)}")
    said = chosen.errors.by_structure.set_index("structure")["suspect"].get(index, "")
    if said:
        doubt = "An outlier" if said == UNEXPLAINED else "The reference looks wrong here"
        st.warning(f"{doubt}: {said}.", icon=":material/warning:")
    error = np.linalg.norm(answer.prediction.forces - frame.forces, axis=1)
    worst = np.argsort(error)[::-1][:WORST]
    marked = [atom, *(int(k) for k in worst if k != atom)][:WORST]
    reference_name = "reference" if chosen.errors.kind == "error" else chosen.reference
    viewer(
        frame.atoms,
        key="labelled-structure",
        height=420,
        arrows=[
            Arrows(frame.forces, look().ink.faint, reference_name),
            Arrows(answer.prediction.forces, chosen.style.color, names[compared.index(chosen)]),
        ],
        selected=marked,
    )
    st.caption("Marked: the atom that was clicked and the worst of this structure.")
    show_table(
        pd.DataFrame(
            {
                "atom": [f"{k} {frame.atoms.symbols[k]}" for k in marked],
                "reference": np.linalg.norm(frame.forces, axis=1)[marked],
                "predicted": np.linalg.norm(answer.prediction.forces, axis=1)[marked],
                "difference": error[marked],
            }
        ),
        hide_index=True,
        column_config={
            "reference": st.column_config.NumberColumn("|F_ref| (eV/Å)", format="%.3f"),
            "predicted": st.column_config.NumberColumn("|F| (eV/Å)", format="%.3f"),
            "difference": st.column_config.NumberColumn("|ΔF| (eV/Å)", format="%.3f"),
        },
    )
    if st.button("Use this structure on every page", icon=":material/arrow_forward:"):
        state.choose_structure(frame.atoms, frame.where)
        st.rerun()


def choose_prediction(bar: Any, names: Sequence[str], point: tuple[int, int, int]) -> str:
    """Offer whose prediction is looked at; it is kept, and put into the address, with what was clicked."""
    structure, atom, place = point

    def take() -> None:
        state.pick(state.POINT, (structure, atom, names.index(st.session_state[_BY])))

    st.session_state[_BY] = names[min(place, len(names) - 1)]
    return str(bar.selectbox("Predicted by", names, key=_BY, on_change=take))
