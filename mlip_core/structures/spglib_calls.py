"""Calls of spglib, which announces on every call how it will report errors one day."""

import warnings
from collections.abc import Callable
from typing import Any


def quietly(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function of spglib without that announcement; errors pass."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Set OLD_ERROR_HANDLING", DeprecationWarning)
        return function(*arguments, **options)
