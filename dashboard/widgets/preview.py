"""What a page answers, how to begin and what it looks like with results, as long as it has none."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import state
from mlip_core.assets import asset

WIDTH = 640
"""px at a desk."""
SHOWN = "Silicon as two bundled models see it"
"""What most pictures show."""
ANY_QUESTION = "What does each model say?"
"""What a page answers that declares no question of its own."""


def welcome(words: str, *, shown: str | None = SHOWN) -> DeltaGenerator:
    """Say what the open page answers and how to begin.

    Parameters
    ----------
    words : str
        What to do and what comes of it, in Markdown.
    shown : str, optional
        What is seen in the picture of the page; None for no picture.

    Returns
    -------
    DeltaGenerator
        A place between words and picture.
    """
    with st.container(key="empty"):
        st.subheader(st.session_state.get(state.QUESTION) or ANY_QUESTION)
        st.markdown(words)
        place = st.container()
        if shown:
            preview(shown)
    return place


def preview(shown: str = SHOWN) -> None:
    """Show a small picture of the open page with the results of an example, and say of what; nothing where there is none."""
    path = picture_of(st.session_state.get(state.FOLDER, ""))
    if path.is_file():
        st.image(str(path), width=WIDTH, caption=f"{shown}: what this page shows.")


def picture_of(folder: str) -> Path:
    """Return the file with the picture of a page by its folder, light or dark as the open page is."""
    shade = "dark" if st.context.theme.type == "dark" else "light"
    return asset("pictures", f"{folder}-{shade}.webp")
