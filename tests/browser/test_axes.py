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
    title: axis.title.text ?? axis._name,
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


@pytest.mark.parametrize("name", CALCULATIONS)
def test_ticks_are_named_in_full(page, answer, name):
    mark = style(0, constrained=True, corrected=False, label="EMT")
    figures = PAGES[page_of(name)].shows[name].figures([(mark, answer(name))])
    page.set_content(figures_page(name, figures))
    for axis in page.evaluate(TICKS):
        assert len(axis["ticks"]) >= 2, axis["title"]
        for place, text in axis["ticks"]:
            assert said(text) == pytest.approx(10**place), axis["title"]
