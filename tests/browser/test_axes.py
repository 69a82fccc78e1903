"""Logarithmic axes as they are drawn: every tick is named in full, and there are enough of them to read a value."""

import re

import pytest

from dashboard.views import PAGES, page_of
from dashboard.widgets.figure_page import figures_page
from dashboard.widgets.theme import style
from mlip_core.calculations import CALCULATIONS

TICKS = """
() => [...document.querySelectorAll('.js-plotly-plot')].flatMap((drawn) =>
  Object.values(drawn._fullLayout).filter((axis) => axis && axis.type === 'log' && axis._vals && axis.showticklabels).map((axis) => ({
    title: `${drawn.parentElement.previousElementSibling.textContent}: ${axis.title.text ?? axis._name}`,
    ticks: axis._vals.filter((tick) => tick.text && !tick.noTick).map((tick) => [tick.x, tick.text]),
  })))
"""
SIZE = re.compile(r"(?:([\d.,]+)×)?10<sup>([−-]?\d+)</sup>")


def said(text):
    """The number that a label stands for."""
    power = SIZE.fullmatch(text)
    if power is None:
        return float(text.replace("−", "-").replace(",", ""))
    return float(power[1] or 1) * 10.0 ** int(power[2].replace("−", "-"))


def logarithmic(figure):
    layout = figure.layout.to_plotly_json()
    return any(name[1:5] == "axis" and axis.get("type") == "log" for name, axis in layout.items())


@pytest.fixture
def figures(answer):
    """Those of all questions that have a logarithmic axis."""
    mark = style(0, constrained=True, corrected=False, label="EMT")
    drawn = {
        f"{name}, {heading}": figure
        for name in CALCULATIONS
        for heading, figure in PAGES[page_of(name)].shows[name].figures([(mark, answer(name))]).items()
    }
    return {heading: figure for heading, figure in drawn.items() if logarithmic(figure)}


def test_ticks_are_named_in_full(page, figures):
    page.set_content(figures_page("Logarithmic axes", figures))
    axes = page.evaluate(TICKS)
    assert len(figures) > 3
    assert len(axes) >= len(figures)
    for axis in axes:
        assert len(axis["ticks"]) >= 2, axis["title"]
        for place, text in axis["ticks"]:
            assert said(text) == pytest.approx(10**place), axis["title"]
