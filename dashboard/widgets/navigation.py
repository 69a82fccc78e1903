"""Ways from page to page."""

import streamlit as st


def script(folder: str) -> str:
    """Return the file of a page by its folder, as Streamlit names pages."""
    return f"views/{folder}/page.py"


def link(folder: str, text: str) -> None:
    """Offer the way to another page."""
    st.page_link(script(folder), label=text, icon=":material/arrow_forward:")
