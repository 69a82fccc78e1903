"""One way to show a figure: as it was drawn, with a camera button that saves a vector picture."""

from collections.abc import Callable
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from dashboard.widgets.figure_page import config

OnSelect = Literal["ignore", "rerun"] | Callable[[], None]


def chart(figure: go.Figure, key: str, *, on_select: OnSelect = "ignore") -> Any:
    """Show a figure over the width that is there.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        What to show.
    key : str
        In the session's state, and the name of the picture that the camera saves.
    on_select : "ignore", "rerun" or callable
        What a click on a point does.

    Returns
    -------
    object
        What was clicked, under ``selection``, where clicks are not ignored.
    """
    return st.plotly_chart(
        figure, theme=None, key=key, config=config(key), on_select=on_select, selection_mode="points"
    )
