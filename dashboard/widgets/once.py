"""Figures and numbers that everybody sees, computed once for all."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from dashboard.widgets.theme import Look, Style

T = TypeVar("T")
MOST = 128
"""Values that are remembered."""


def once(compute: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Return ``compute(*arguments, **options)``, computed once for all visitors as long as it is remembered.

    Arguments are told apart cheaply: text, numbers, styles and looks by what they are, works by their ``mark``,
    lists by their members, and everything else (stored records among them, of which this server keeps one copy)
    by being the same object.

    Parameters
    ----------
    compute : callable
        A function of a module, which depends on nothing but its arguments.
    *arguments, **options
        What it is given.

    Returns
    -------
    object
        What it returned; shared, so not to be changed.
    """
    place = compute.__code__.co_filename, compute.__qualname__  # every page is called __main__
    mark = repr((place, _mark(arguments), _mark(sorted(options.items()))))
    value, _ = _kept(mark, compute, arguments, options)
    return value


@st.cache_resource(show_spinner=False, max_entries=MOST)
def _kept(mark: str, _compute: Callable[..., T], _arguments: tuple, _options: dict) -> tuple[T, object]:
    """Keep the arguments as well: while they live, no other object can have their identity."""
    return _compute(*_arguments, **_options), (_arguments, _options)


def _mark(value: Any) -> object:
    if isinstance(value, list | tuple):
        return [_mark(member) for member in value]
    if value is None or isinstance(value, bool | int | float | str | Style | Look):
        return value
    return getattr(value, "mark", None) or f"object {id(value)}"
