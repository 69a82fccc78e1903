"""The app: page configuration and navigation, nothing else."""

import streamlit as st

from dashboard import state
from dashboard.widgets.frame import guarded
from mlip_core.assets import asset

PAGES = ["structure", "lineup", "relax", "phonons", "forces", "rotations", "conservation", "runs"]
TITLES = {
    "structure": "Structure",
    "lineup": "Line-up",
    "relax": "Relax",
    "phonons": "Phonons",
    "forces": "Force errors",
    "rotations": "Rotations",
    "conservation": "Conservation",
    "runs": "Runs",
}


def main() -> None:
    """Lay out the navigation and run the page that was asked for."""
    st.set_page_config(page_title="mlip-dashboard", page_icon=str(asset("icon.png")), layout="wide")
    pages = [st.Page(f"views/{name}.py", title=TITLES[name], url_path=name, default=name == PAGES[0]) for name in PAGES]
    page = st.navigation(pages, position="top")
    state.restore()
    with guarded():
        page.run()


if __name__ == "__main__":
    main()
