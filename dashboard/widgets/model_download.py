"""A model that only the hub has, as a visitor sees it: what it is, how large, under which licence, and a way to get it."""

from collections.abc import Callable

import streamlit as st

from dashboard.downloads import Download, on_its_way
from dashboard.widgets.frame import plain
from dashboard.widgets.ticker import ticker
from mlip_core.home import models_folder
from mlip_core.models.catalogue import Entry, entry
from mlip_core.models.download import byte_count
from mlip_core.models.files import hub_cache
from mlip_core.models.hub import REPOSITORY, Published, hub

TICK = 0.5
"""Seconds between two looks at a download."""


def model_download(model: Entry, *, key: str) -> None:
    """Offer a model that is not on this machine, and show how far its download is.

    The hub is asked for its size as soon as somebody looks at it; nothing is downloaded before the click.

    Parameters
    ----------
    model : Entry
        What is missing; where no hub has it, only what to do is said.
    key : str
        Name of this place on its page.
    """
    if not model.downloadable():
        st.warning(model.missing(), icon=":material/download:")
        return

    @st.fragment
    def panel() -> None:
        if entry(model.name).available():
            st.rerun()
        way = on_its_way(model.name)
        if not (way.offer or way.problem or way.doing):
            way.ask()
        with st.container(border=True, key=f"download-{key}"):
            where = "is on its way" if way.doing == "loading" else "is not on this machine"
            st.markdown(f":material/cloud_download: **{model.title} {where}.**")
            if way.offer is not None:
                _terms(model, way.offer)
            _state(model, way, key)
        if way.doing:
            ticker(TICK, _look, key=f"download-clock-{key}")

    panel()


def _look() -> None:
    """Draw the panel once more: that is all a tick is for."""


def _terms(model: Entry, offer: Published) -> None:
    st.markdown(
        f"Version {plain(offer.version)} · **{byte_count(offer.size)}** from {plain(hub())}/{REPOSITORY} · licence of the weights: **{plain(model.licence)}**"
    )


def _state(model: Entry, way: Download, key: str) -> None:
    """Show what can be done now, or how far it is."""
    if way.doing == "asking":
        st.caption("Asking the hub what it has …")
    elif way.doing == "loading" and way.offer is not None:
        st.progress(min(way.here / way.offer.size, 1.0), _how_far(way.here, way.offer.size, way.rate))
        if st.button("Cancel", key=f"download-cancel-{key}"):
            way.cancel()
    else:
        if way.problem:
            st.warning(plain(way.problem), icon=":material/cloud_off:")
        _buttons(way, key)
        if way.offer is None:
            st.caption(f"Without the network, put `{model.name}-v<version>.ckpt` into `{models_folder()}`.")
        else:
            st.caption(
                f"It is kept in `{hub_cache()}`, after its checksum was compared. A checkpoint runs code when it is loaded: take it if you trust those who made it."
            )


def _buttons(way: Download, key: str) -> None:
    if way.offer is None:
        if st.button("Ask again", key=f"download-ask-{key}", icon=":material/refresh:"):
            _do(way.ask)
        return
    here, whole = way.here, way.offer.size
    title = (
        f"Go on: {byte_count(whole - here)} of {byte_count(whole)} to come" if here else f"Download {byte_count(whole)}"
    )
    if st.button(title, key=f"download-start-{key}", icon=":material/download:", type="primary", width="stretch"):
        _do(way.start)
    if here and st.button("Throw away what has come", key=f"download-drop-{key}", type="tertiary"):
        _do(way.throw_away)


def _do(act: Callable[[], None]) -> None:
    """Do what a button says, and draw the whole page: the same model may be shown at several places of it."""
    act()
    st.rerun()


def _how_far(here: int, whole: int, rate: float) -> str:
    """Write bytes, rate and what is left: ``12.3 MB of 48.3 MB · 5.1 MB/s · about 7 s left``."""
    so_far = f"{byte_count(here)} of {byte_count(whole)}"
    return f"{so_far} · {byte_count(rate)}/s · about {(whole - here) / rate:.0f} s left" if rate else so_far
