"""A table of numbers: one to sort and search at a desk, and one in large type for a room."""

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard import state
from dashboard.widgets.numbers import MISSING, Write, column, raised

_CSS = """<style>
.large-table { overflow-x: auto; }
.large-table table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.large-table th, .large-table td { padding: .3em .7em; text-align: right; vertical-align: bottom;
  border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.large-table th { font-weight: 600; max-width: 9em; }
.large-table td.text, .large-table th:first-child { text-align: left; max-width: 22em; }
.large-table .unit { white-space: nowrap; }
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
        A Styler's colours are kept; it shows its columns in their own order, without its index.
    column_config : mapping, optional
        Headings, formats and explanations of columns, as ``st.dataframe`` takes them.
    column_order : sequence of str, optional
        Which columns, in this order; all of them by default.
    hide_index : bool
        Whether the index is left out.
    **desk
        More for ``st.dataframe``: what a table in a room has not.
    """
    config = headed(data, column_config or {})
    if state.on(state.PROJECTOR):
        st.html(_CSS + large_table(data, config, column_order=column_order, hide_index=hide_index))
        return
    written, config = as_read(data, config)
    st.dataframe(
        written, column_config=config, column_order=column_order, hide_index=hide_index, placeholder=MISSING, **desk
    )


def headed(data: pd.DataFrame | Styler, column_config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns with headings in sentence case, where these begin with a word.

    Parameters
    ----------
    data : pandas.DataFrame or Styler
        A column without a heading is called by its name.
    column_config : mapping
        As ``st.dataframe`` takes it.
    """
    frame: pd.DataFrame = data.data if isinstance(data, Styler) else data
    headings = {}
    for name in [*frame.columns, *filter(None, frame.index.names)]:
        given = column_config.get(name) or {}
        config = {"label": given} if isinstance(given, str) else dict(given)
        label = str(config.get("label") or name)
        headings[name] = config | {"label": label[0].upper() + label[1:] if re.match("[a-z]{2}", label) else label}
    return headings


def as_read(data: pd.DataFrame | Styler, column_config: Mapping[str, Any]) -> tuple[Styler, dict[str, Any]]:
    """Return a table with its numbers as people read them, and what is left to say of its columns.

    Parameters
    ----------
    data : pandas.DataFrame or Styler
        Its values stay numbers, by which its columns are sorted.
    column_config : mapping of str to mapping
        Whose printf formats are taken over.

    Returns
    -------
    Styler
        With "−1.18", "4.8×10⁻⁶" and "–" written; what a Styler brings written otherwise stays.
    dict
        The columns without those formats.
    """
    styler: Styler = deepcopy(data) if isinstance(data, Styler) else data.style
    frame: pd.DataFrame = styler.data
    left = deepcopy(dict(column_config))
    writers = {name: write for name in frame if (write := _write(left.get(name, {}), frame[name])) is not None}
    for name in writers:
        del left[name]["type_config"]["format"]
    if not isinstance(data, Styler):
        writers = dict.fromkeys(frame.select_dtypes("float"), _four_digits) | writers
    return styler.format(writers, subset=list(writers)), left


def _write(config: Mapping[str, Any], values: pd.Series) -> Write | None:
    """Return how a column of numbers is written that has a printf format."""
    pattern = (config.get("type_config") or {}).get("format")
    return column(pattern, pd.to_numeric(values, errors="coerce").tolist()) if isinstance(pattern, str) else None


def _four_digits(value: float | None) -> str:
    return MISSING if value is None or pd.isna(value) else raised(f"{value:.4g}")


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
    own = [
        name
        for name in frame.select_dtypes("number")
        if isinstance(data, Styler) and not _write(given[name], frame[name])
    ]
    writers = {name: _formatted(config, frame[name]) for name, config in configs.items() if name not in own}
    styler.format(writers, subset=list(writers)).hide(axis="index")
    order = column_order if isinstance(data, Styler) and column_order is not None else list(frame)
    styler.hide(subset=[name for name in frame if name not in order], axis="columns")
    headings = [_heading(name, config) for name, config in configs.items() if name in order]
    styler.relabel_index(headings, axis="columns")
    return f"<div class='large-table'>{styler.set_td_classes(classes).to_html()}</div>"


def _formatted(config: Mapping[str, Any], values: pd.Series) -> Callable[[object], str]:
    """Return how the values of a column are written."""
    number = _write(config, values)

    def write(value: object) -> str:
        if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
            return MISSING
        if isinstance(value, bool | np.bool):
            return "✓" if value else MISSING
        if isinstance(value, str):
            return escape(value)
        if number is not None:
            return number(value)
        return _four_digits(value) if isinstance(value, float) else escape(str(value))

    return write


def _heading(name: object, config: Mapping[str, Any]) -> str:
    """Return the heading of a column, with its explanation where the pointer rests."""
    label, words = config.get("label") or name, config.get("help")
    title = f" title='{escape(str(words))}'" if words else ""
    words_and_unit = re.sub(r"(\([^()]*\))$", r"<span class='unit'>\1</span>", escape(str(label)))
    return f"<span{title}>{words_and_unit}</span>"
