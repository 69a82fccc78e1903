"""The views of the force errors in four groups, each a question."""

from collections.abc import Callable, Mapping

import streamlit as st

from dashboard.widgets.frame import tabs

GROUPS = {
    "How large": ("Parity", "Distribution", "Is it real?"),
    "Where": ("By element", "By subset", "By force", "Structures", "Outliers"),
    "Energy and stress": ("Energies", "Stress"),
    "Symmetry, speed, benchmarks": ("Split", "Speed", "Benchmarks"),
}
"""Group → its views, in their order."""
_VIEW, _GROUP = "view", "view_group"


def show_views(views: Mapping[str, Callable[[], None]]) -> None:
    """Show the views in their groups; which view is open, by a link say, decides which group is."""
    st.session_state[_GROUP] = group_of(st.session_state.get(_VIEW) or st.query_params.get(_VIEW))
    group = st.segmented_control(
        "Views", list(GROUPS), key=_GROUP, required=True, label_visibility="collapsed", on_change=_open_group
    )
    tabs({name: views[name] for name in GROUPS[str(group)]}, key=_VIEW)


def group_of(view: str | None) -> str:
    """Return the group of a view; the first where there is no such view."""
    return next((group for group, names in GROUPS.items() if view in names), next(iter(GROUPS)))


def _open_group() -> None:
    st.session_state[_VIEW] = GROUPS[st.session_state[_GROUP]][0]
