"""A clock in the browser that has a page look again, and rests while the tab is hidden."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import streamlit as st

_CODE = Path(__file__).with_name("ticker.js").read_text(encoding="utf-8")
_component = st.components.v2.component("ticker", js=_CODE)


def ticker(seconds: float, on_tick: Callable[[], None], *, key: str) -> None:
    """Call ``on_tick`` every so many seconds, as long as the page can be seen and this is drawn.

    Parameters
    ----------
    seconds : float
        Time between two calls, s.
    on_tick : callable
        A widget callback: it may rerun fragments by their keys.
    key : str
        Name of this clock on its page.
    """
    _component(key=key, data={"seconds": seconds, "chart": chart_code()}, height=1, on_tick_change=on_tick)


@cache
def chart_code() -> str | None:
    """Return where Streamlit's code for charts is, below the server's address: 5 MB, fetched ahead of the first result."""
    static = Path(st.__file__).with_name("static")
    return next((path.relative_to(static).as_posix() for path in static.glob("static/js/PlotlyChart.*.js")), None)
