"""Ways from page to page."""

import streamlit as st

from dashboard import state


def script(folder: str) -> str:
    """Return the file of a page by its folder, as Streamlit names pages."""
    return f"views/{folder}/page.py"


def link(folder: str, text: str) -> None:
    """Offer the way to another page."""
    st.page_link(script(folder), label=text, icon=":material/arrow_forward:")


def go(page: str) -> None:
    """Leave for another page, as :func:`script` names it.

    What holds on every page goes along in the address, and so do the settings that were chosen for the page.
    Streamlit's own way refuses to leave a page whose widgets have anything in the address, unless it is told what to keep.
    """
    carried = {key: str(st.session_state[key]) for key in state.CARRIED if key in st.session_state}
    st.switch_page(page, query_params=carried | state.opened())
