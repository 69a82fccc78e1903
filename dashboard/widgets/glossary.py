"""Terms of the field, explained where they are used."""

from functools import lru_cache

import streamlit as st
import yaml

from dashboard import state
from mlip_core.assets import asset


def terms() -> None:
    """Offer what the terms of the open page mean; nothing where it declares none."""
    names = st.session_state.get(state.TERMS, ())
    if not names:
        return
    with st.popover("Terms", icon=":material/menu_book:", type="tertiary", width="content"):
        for name in names:
            term, words = glossary()[name]
            st.markdown(f"**{term}** — {words}")


@lru_cache(maxsize=1)
def glossary() -> dict[str, tuple[str, str]]:
    """Return every term by its short name: how it is written, and what it means, in Markdown."""
    found = yaml.safe_load(asset("glossary.yaml").read_text(encoding="utf-8"))
    return {name: (item["term"], item["words"]) for name, item in found.items()}
