"""The summary as one table in HTML: for the page, where its cells lead on, and for the report."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from dashboard.widgets.theme import Style
from mlip_core.summary.rules import Level

CSS = """
table.summary { width: 100%; border-collapse: separate; border-spacing: 3px; font-size: .86em; line-height: 1.25; table-layout: fixed; }
.place { overflow-x: auto; }
@media screen and (max-width: 1000px) { table.summary { min-width: 1300px; } }
table.summary th { text-align: left; vertical-align: bottom; font-weight: 600; padding: .25em .45em; overflow-wrap: break-word; }
table.summary td, table.summary th.member { text-align: left; vertical-align: top; padding: .45em; border-radius: .4em; overflow-wrap: break-word; }
table.summary th.member { font-weight: 600; }
table.summary small { display: block; opacity: .75; font-size: .84em; margin-top: .15em; }
table.summary td.kept { background: rgba(0, 158, 115, .24); }
table.summary td.doubtful { background: rgba(230, 159, 0, .27); }
table.summary td.broken { background: rgba(213, 94, 0, .34); }
table.summary td.plain, table.summary td.missing { background: rgba(128, 128, 128, .12); }
table.summary td.missing { opacity: .8; }
table.summary td[data-open] { cursor: pointer; }
table.summary td[data-open]:hover, table.summary td[data-open]:focus-visible { outline: 2px solid currentColor; }
table.summary td.conclusion { font-size: 1.02em; }
table.summary span.line { display: inline-block; width: 1.7em; vertical-align: middle; border-top: 4px solid; margin-right: .35em; }
"""
"""Colours that read on white and on black."""
_WIDTHS = {"member": 10.0, "cell": 7.2, "conclusion": 18.0}
"""Widths of the columns, %: a member, ten cells, a sentence."""


class Cell(NamedTuple):
    """One cell."""

    headline: str
    """What stands large, as plain text."""
    small: str
    """What stands below, as plain text."""
    level: Level | None
    """Its colour; None is grey."""
    missing: bool = False
    """Whether nothing is there yet."""
    opens: str = ""
    """What a click on it asks for; "" where it leads nowhere."""


class Row(NamedTuple):
    """One member."""

    style: Style
    """Its colour and name."""
    cells: Sequence[Cell]
    """In the order of the columns."""
    conclusion: str
    """The sentence, as plain text."""


def table(titles: Sequence[str], rows: Sequence[Row]) -> str:
    """Return the table in HTML; everything that came from a person is escaped.

    Parameters
    ----------
    titles : sequence of str
        Headings of the cells.
    rows : sequence of Row
    """
    widths = [_WIDTHS["member"], *[_WIDTHS["cell"]] * len(titles), _WIDTHS["conclusion"]]
    columns = "".join(f"<col style='width:{width}%'>" for width in widths)
    head = "".join(f"<th scope='col'>{_heading(title)}</th>" for title in ("", *titles, "What to conclude"))
    body = "".join(_row(row) for row in rows)
    return f"<table class='summary'><colgroup>{columns}</colgroup><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _heading(title: str) -> str:
    """Write a heading that may break behind the slash of a unit and, with a hyphen, in its longest word."""
    return escape(title).replace("/", "/<wbr>").replace("Orientation", "Orien&shy;tation")


def _row(row: Row) -> str:
    dash = {"solid": "solid", "dash": "dashed", "dot": "dotted"}[row.style.dash]
    line = f"<span class='line' style='border-top-color:{row.style.color};border-top-style:{dash}'></span>"
    cells = "".join(_cell(cell) for cell in row.cells)
    conclusion = "".join(f"<div>{escape(part)}</div>" for part in _sentences(row.conclusion))
    return (
        f"<tr><th scope='row' class='member'>{line}{escape(row.style.label)}</th>{cells}"
        f"<td class='plain conclusion'>{conclusion}</td></tr>"
    )


def _cell(cell: Cell) -> str:
    look = "missing" if cell.missing else cell.level or "plain"
    opens = f" data-open='{escape(cell.opens, quote=True)}' tabindex='0' role='link'" if cell.opens else ""
    small = f"<small>{escape(cell.small)}</small>" if cell.small else ""
    return f"<td class='{look}'{opens}>{escape(cell.headline)}{small}</td>"


def _sentences(text: str) -> list[str]:
    """Split "Relax: yes. Phonons: no (…)." into one line a use."""
    return [f"{part.rstrip('.')}." for part in text.split(". ") if part]
