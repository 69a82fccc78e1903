"""The app: page configuration and navigation, nothing else."""

import streamlit as st

from dashboard import state
from dashboard.views import FOLDERS, PAGES
from dashboard.widgets.address import one_entry_a_page
from dashboard.widgets.frame import guarded
from dashboard.widgets.navigation import script
from mlip_core.assets import asset


def main() -> None:
    """Lay out the navigation and run the page that was asked for."""
    st.set_page_config(page_title="mlip-dashboard", page_icon=str(asset("icon.png")), layout="wide")
    pages = [
        st.Page(script(folder), title=page.title, url_path=page.address, default=folder == FOLDERS[0])
        for folder, page in PAGES.items()
    ]
    page = st.navigation(pages, position="top")
    one_entry_a_page(state.restore())
    folder, declared = next(item for item in PAGES.items() if item[1].title == page.title)
    state.enter(folder, question=declared.question, terms=declared.terms)
    with guarded():
        page.run()


if __name__ == "__main__":
    main()
