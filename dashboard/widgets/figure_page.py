"""Figures to take along: pictures from the camera button, and one page that needs no network."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

import plotly.graph_objects as go
from plotly.io import to_html

from dashboard.widgets.theme import FONT, LIGHT

Figures = Mapping[str, go.Figure]
"""By their headings."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ max-width: 1400px; margin: 2rem auto; padding: 0 1.5rem; font-family: {font}; color: {color}; background: {paper}; }}
h2 {{ margin: 2.5rem 0 0.75rem; font-size: 1.2rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
{figures}
</body>
</html>
"""


def file_name(label: str) -> str:
    """Turn a label into the name of a file."""
    return re.sub(r"[^\w.+-]+", "_", label).strip("_")


def config(name: str) -> dict[str, Any]:
    """Return Plotly's options: no logo, no sending to its cloud, and a camera that saves a vector picture with this name."""
    picture = {"format": "svg", "filename": file_name(name)}
    return {"displaylogo": False, "showSendToCloud": False, "toImageButtonOptions": picture}


def figures_page(title: str, figures: Figures) -> str:
    """Return a page of interactive figures that holds all it needs.

    Parameters
    ----------
    title : str
        Of the page, as plain text.
    figures : mapping of str to plotly.graph_objects.Figure
        Drawn below their headings, which are plain text too.

    Returns
    -------
    str
        HTML, with Plotly's library in it once.
    """
    parts = [f"<h2>{escape(heading)}</h2>\n{part}" for heading, part in figure_parts(figures).items()]
    return _PAGE.format(title=escape(title), font=FONT, color=LIGHT.text, paper=LIGHT.paper, figures="\n".join(parts))


def figure_parts(figures: Figures) -> dict[str, str]:
    """Return interactive figures as parts of a page, in HTML.

    Parameters
    ----------
    figures : mapping of str to plotly.graph_objects.Figure
        By their headings.

    Returns
    -------
    dict of str to str
        By the same headings; the first part brings Plotly's library.
    """
    return {
        heading: to_html(figure, config=config(heading), include_plotlyjs=place == 0, full_html=False)
        for place, (heading, figure) in enumerate(figures.items())
    }
