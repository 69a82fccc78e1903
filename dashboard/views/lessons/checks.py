"""What came beside what was expected, as a table that a class can read."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from dashboard.widgets.numbers import MISSING, raised
from mlip_core.teaching.lessons import Expected

SIGNS = {True: "✓ as expected", False: "≠ other than expected"}
CSS = """<style>
table.lesson { width: 100%; border-collapse: collapse; table-layout: fixed; font-size: 1rem; font-variant-numeric: tabular-nums; }
table.lesson th { text-align: left; font-weight: 600; opacity: .75; }
table.lesson th, table.lesson td { padding: .35em .7em; border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
table.lesson th:first-child { width: 40%; }
table.lesson th:first-child, table.lesson td:first-child { padding-left: 0; }
table.lesson td.found { font-weight: 700; }
table.lesson span { white-space: nowrap; padding: .15em .6em; border-radius: .4em; }
table.lesson span.kept { background: rgba(0, 158, 115, .24); }
table.lesson span.doubtful { background: rgba(230, 159, 0, .27); }
</style>"""
"""Colours that read on white and on black, as those of the summary."""


NARROW = """<style>
@media (max-width: 1000px) {
  [class*="st-key-lesson-step"] [data-testid="stHorizontalBlock"] > * { flex: 1 1 100%; min-width: 100%; }
}
</style>"""
"""On a narrow screen the buttons of a step stand below its words."""


class Check(NamedTuple):
    """One number of a lesson."""

    expected: Expected
    """What it is and where it should lie."""
    found: float | None
    """What came, in the unit of what is expected; None until it is computed, or where it was not measured."""


def check_table(checks: Sequence[Check]) -> str:
    """Return the numbers of a step in HTML: what it is, what was found, what was expected, and whether they agree."""
    rows = "".join(map(_row, checks))
    return f"{CSS}<table class='lesson'><thead><tr><th>What</th><th>Found</th><th>Expected</th><th></th></tr></thead><tbody>{rows}</tbody></table>"


def _row(check: Check) -> str:
    one, value = check
    unit = f" {one.unit}" if one.unit else ""
    between = f"{one.low:g}" if one.low == one.high else f"{one.low:g} to {one.high:g}"
    found = MISSING if value is None else raised(f"{value:.3g}") + unit
    return (
        f"<tr><td>{escape(one.name)}</td><td class='found'>{escape(found)}</td>"
        f"<td>{escape(raised(between) + unit)}</td><td>{_verdict(one, value)}</td></tr>"
    )


def _verdict(one: Expected, value: float | None) -> str:
    if value is None:
        return ""
    holds = one.holds(value)
    return f"<span class='{'kept' if holds else 'doubtful'}'>{SIGNS[holds]}</span>"
