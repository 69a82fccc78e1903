"""A file dropped anywhere on the page reaches the page's upload, not only one dropped into its small box."""

from pathlib import Path

import streamlit as st

_CODE = Path(__file__).with_name("page_drop.js").read_text(encoding="utf-8")
_component = st.components.v2.component("page_drop", js=_CODE)


def whole_page_takes_files() -> None:
    """Hand files dropped anywhere to the first upload of this page."""
    _component(key="page-drop", height=1)
