"""A table of numbers: one to sort and search at a desk, and one in large type for a room."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard import state

NOTHING = "–"
_CSS = """<style>
.large-table { overflow-x: auto; }
.large-table table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.large-table th, .large-table td { padding: .3em .7em; text-align: right; vertical-align: bottom;
  border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.large-table th { font-weight: 600; max-width: 9em; }
.large-table td.text, .large-table th:first-child { text-align: left; max-width: 22em; }
.large-table td:first-child { min-width: 10em; }
</style>"""


def show_table(
    data: pd.DataFrame | Styler,
    *,
    column_config: Mapping[str, Any] | None = None,
    column_order: Sequence[str] | None = None,
    hide_index: bool = False,
    **desk: Any,
) -> None:
    """Show a table; at the projector as HTML, because the one for a desk is a picture whose type does not grow.

    Parameters
    ----------
    data : pandas.DataFrame or Styler
        A Styler's colours are kept; it shows all its columns, without its index.
    column_config : mapping, optional
        Headings, formats and explanations of columns, as ``st.dataframe`` takes them.
    column_order : sequence of str, optional
        Which columns, in this order; all of them by default.
    hide_index : bool
        Whether the index is left out.
    **desk
        More for ``st.dataframe``: what a table in a room has not.
    """
    if state.on(state.PROJECTOR):
        st.html(_CSS + large_table(data, column_config or {}, column_order=column_order, hide_index=hide_index))
    else:
        st.dataframe(data, column_config=column_config, column_order=column_order, hide_index=hide_index, **desk)


def large_table(
    data: pd.DataFrame | Styler,
    column_config: Mapping[str, Any],
    *,
    column_order: Sequence[str] | None = None,
    hide_index: bool = False,
) -> str:
    """Return the table as HTML, with the headings and formats of its columns and "–" for what is not there."""
    if isinstance(data, Styler):
        styler = deepcopy(data)
    else:
        shown = data if column_order is None else data[[name for name in column_order if name in data]]
        styler = (shown if hide_index else shown.reset_index()).style
    frame: pd.DataFrame = styler.data
    classes = pd.DataFrame("", index=frame.index, columns=frame.columns)
    classes.loc[:, [pd.to_numeric(frame[name], errors="coerce").isna().all() for name in frame]] = "text"
    given = {name: column_config.get(name) or {} for name in frame.columns}
    configs = {name: {"label": config} if isinstance(config, str) else config for name, config in given.items()}
    styler.format({name: _formatted(config) for name, config in configs.items()}).hide(axis="index")
    styler.relabel_index([_heading(name, config) for name, config in configs.items()], axis="columns")
    return f"<div class='large-table'>{styler.set_td_classes(classes).to_html()}</div>"


def _formatted(config: Mapping[str, Any]) -> Callable[[object], str]:
    """Return how the values of a column are written."""
    pattern = (config.get("type_config") or {}).get("format")

    def write(value: object) -> str:
        if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
            return NOTHING
        if isinstance(value, bool | np.bool):
            return "✓" if value else NOTHING
        if isinstance(value, str):
            return escape(value)
        if isinstance(pattern, str) and pattern.startswith("%"):
            return escape(pattern % value)
        return f"{value:.4g}" if isinstance(value, float) else escape(str(value))

    return write


def _heading(name: object, config: Mapping[str, Any]) -> str:
    """Return the heading of a column, with its explanation where the pointer rests."""
    label, words = config.get("label") or name, config.get("help")
    title = f" title='{escape(str(words))}'" if words else ""
    return f"<span{title}>{escape(str(label))}</span>"
