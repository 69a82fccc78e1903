"""The browser's history: one entry a page, so that Back needs one press."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

_CODE = Path(__file__).with_name("address.js").read_text(encoding="utf-8")
_component = st.components.v2.component("address", js=_CODE)
AWAY = "<style>.st-key-address { position: absolute; }</style>"
"""It takes no room on the page."""


def one_entry_a_page(lacking: Mapping[str, str]) -> None:
    """Have the browser make an entry of its history for every page, and not for every part of an address.

    Parameters
    ----------
    lacking : mapping of str to str
        What the browser itself is to write into the address: what the server writes while a page is being opened for the
        first time, before this is there, would make a second entry.
    """
    with st.container(key="address"):
        _component(key="address-keeper", data={"lacking": dict(lacking)}, height=1)
        st.html(AWAY)
