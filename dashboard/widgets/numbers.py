"""Numbers as people read them, and small tables of them that wrap and grow with the page."""

import math
import re
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
        rounded = f"{value:.{digits}e}"
        exponent = int(rounded.partition("e")[2])
        if -2 <= exponent <= digits:
            return f"{float(rounded):.{digits - exponent}f}".replace("-", "−")
        return raised(rounded)

    return write


def raised(text: str) -> str:
    """Write "1.2e-05" as "1.2×10⁻⁵", and other numbers with a true minus."""
    mantissa, _, exponent = text.partition("e")
    power_of_ten = f"×10{str(int(exponent)).translate(_RAISED)}" if exponent else ""
    return f"{mantissa}{power_of_ten}".replace("-", "−")


def decimals(values: Sequence[float], digits: int = 2) -> int:
    """Return how many decimals show so many digits of the smallest value that is not zero; three at most."""
    least = min((abs(value) for value in values if value and math.isfinite(value)), default=1.0)
    return min(max(digits - 1 - math.floor(math.log10(least)), 0), 3)


def column(pattern: str, values: Sequence[float]) -> Write | None:
    """Return how to write the numbers of a column with one precision.

    Parameters
    ----------
    pattern : str
        As Python and Streamlit take them: "%.3f" for so many decimals, "%.1e" for sizes far apart, "%.2g" for so many
        digits of the smallest.
    values : sequence of float
        All numbers of the column.

    Returns
    -------
    callable or None
        None for other patterns.
    """
    found = re.fullmatch(r"%\.(\d)([efg])", pattern)
    if found is None:
        return None
    digits, kind = int(found[1]), found[2]
    if kind == "f":
        return fixed(digits)
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    if kind == "e" or (sizes and min(sizes) < max(1e-3, 1e-3 * max(sizes))):
        return power(digits - (kind == "g"))
    return fixed(decimals(sizes, digits))


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
