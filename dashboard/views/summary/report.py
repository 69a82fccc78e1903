"""The report: the summary and the figures behind it as one HTML file that needs no network and prints on few pages."""

from collections.abc import Mapping, Sequence
from html import escape

from dashboard.views.summary.table import CSS, Row, table
from dashboard.widgets.figure_page import Figures, figure_parts
from dashboard.widgets.theme import FONT, LIGHT
from mlip_core.summary.rules import RULES, Rule

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<title>{title}</title>
<style>
body {{ max-width: 1400px; margin: 1.5rem auto; padding: 0 1.5rem; font-family: {font}; color: {color}; background: {paper}; line-height: 1.4; }}
h1 {{ font-size: 1.5rem; margin: 0 0 .3rem; }}
h2 {{ font-size: 1.15rem; margin: 1.8rem 0 .6rem; }}
section {{ break-inside: avoid; }}
table.plain {{ border-collapse: collapse; font-size: .82rem; }}
table.plain th, table.plain td {{ text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #ccd3dc; }}
.picture {{ float: right; width: 230px; height: 170px; margin: 0 0 .5rem 1rem; }}
{css}
@page {{ size: A4 landscape; margin: 10mm; }}
@media print {{
  body {{ margin: 0; padding: 0; max-width: none; font-size: 11px; -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
  .modebar {{ display: none; }}
}}
</style>
</head>
<body>
{picture}
<h1>{title}</h1>
{intro}
{table}
<p>{legend}</p>
{figures}
<section><h2>The rules</h2>{rules}</section>
<section><h2>With what it was computed</h2>{versions}</section>
</body>
</html>
"""
LEGEND = (
    "Green: kept. Amber: doubtful. Red: broken, whatever was claimed. The rules below say from which number on, and why. "
    "Tight and loose: space groups within 10⁻⁵ and 10⁻² Å."
)


def report(
    title: str,
    intro: str,
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    figures: Figures,
    versions: Mapping[str, str],
    picture: str = "",
) -> str:
    """Write the report.

    Parameters
    ----------
    title : str
        Heading, as plain text.
    intro : str
        What was compared, as plain text.
    columns, rows : sequences
        Of the summary (see :func:`dashboard.views.summary.table.table`).
    figures : mapping of str to plotly.graph_objects.Figure
        By their headings.
    versions : mapping of str to str
        What computed → version or hash.
    picture : str
        The structure, in SVG made here; "" for none.

    Returns
    -------
    str
        HTML with all that it needs; a policy in its head has the browser refuse every address outside.
    """
    parts = figure_parts(figures)
    return _PAGE.format(
        title=escape(title),
        intro=f"<p>{escape(intro)}</p>",
        font=FONT,
        color=LIGHT.text,
        paper=LIGHT.paper,
        css=CSS,
        picture=f"<div class='picture'>{picture}</div>" if picture else "",
        table=table(columns, rows),
        legend=escape(LEGEND),
        figures="\n".join(f"<section><h2>{escape(name)}</h2>{part}</section>" for name, part in parts.items()),
        rules=_plain(("Number", "Kept up to", "Broken above", "Reason"), [_rule(rule) for rule in RULES]),
        versions=_plain(("What", "Version or hash"), list(versions.items())),
    )


def _rule(rule: Rule) -> tuple[str, ...]:
    broken = "never" if rule.broken == float("inf") else f"{rule.broken:g} {rule.unit}"
    return rule.measure.replace("_", " "), f"{rule.kept:g} {rule.unit}", broken, rule.reason


def _plain(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(word)}</th>" for word in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(word)}</td>" for word in row) + "</tr>" for row in rows)
    return f"<table class='plain'><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
