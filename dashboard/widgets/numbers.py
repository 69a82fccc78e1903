"""Numbers as people read them, and small tables of them that wrap and grow with the page."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

Write = Callable[[Any], str]
MISSING = "–"
"""Where there is no number."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def fixed(digits: int, *, factor: float = 1.0) -> Write:
    """Return how to write numbers with so many digits behind the point: "−1.18", "–" for None; never "−0.00"."""

    def write(value: float | None) -> str:
        if value is None or not math.isfinite(value):
            return MISSING
        text = f"{factor * value:.{digits}f}"
        return text.removeprefix("-") if not float(text) else text.replace("-", "−")

    return write


def power(digits: int = 1) -> Write:
    """Return how to write numbers of very different sizes: "4.8×10⁻⁶", "0.59", "0" for 0, "–" for None.

    Parameters
    ----------
    digits : int
        Behind the point of the first factor; as many count in plain numbers.
    """

    def write(value: float | None) -> str:
        if value is None or not math.isfinite(value):
            return MISSING
        if value == 0:
            return "0"
        mantissa, exponent = f"{value:.{digits}e}".split("e")
        if digits - 3 <= int(exponent) <= digits:
            return f"{float(f'{mantissa}e{exponent}'):.{digits - int(exponent)}f}".replace("-", "−")
        return f"{mantissa}×10{str(int(exponent)).translate(_RAISED)}".replace("-", "−")

    return write


def as_text(value: object) -> str:
    """Write text as it is, and "–" for None."""
    return MISSING if value is None or value == "" else str(value)


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, tuple[str, Write]], *, name: str = "") -> None:
    """Show rows as a table whose headings wrap.

    Parameters
    ----------
    rows : sequence of mapping
        One a configuration; its name under "configuration".
    columns : mapping of str to (str, callable)
        Key in the rows → heading with the unit, and how the numbers are written.
    name : str
        Heading of the configurations.
    """
    frame = pd.DataFrame(
        {heading: [write(row[key]) for row in rows] for key, (heading, write) in columns.items()},
        index=pd.Index([_plain(row["configuration"]) for row in rows], name=name or "Configuration"),
    )
    st.table(frame, border="horizontal")


def _plain(label: object) -> str:
    """Escape what Markdown would read as markup."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|$:~" else letter for letter in str(label))
