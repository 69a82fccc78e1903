"""Figures drawn as plain dictionaries are those that Plotly itself would have made of the same calls."""

import json

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from plotly.subplots import make_subplots

from dashboard.widgets.canvas import Canvas
from dashboard.widgets.theme import Look, style

GEOMETRY = {"column_widths": (0.8, 0.2), "shared_yaxes": True, "horizontal_spacing": 0.02}
MARKS = [style(0, constrained=True, corrected=False, label="one"), style(1, constrained=False, corrected=True, label="two")]  # fmt: skip


def draw(figure):
    """Use everything that a canvas offers."""
    figure.add_scatter(x=np.arange(3.0), y=np.array([1.0, np.nan, 2.0]), mode="lines", line={"width": 2}, row=1, col=1)
    figure.add_scatter(x=[1], y=[2], marker_size=4, row=1, col=2)
    figure.add_box(y=[1.0, 2.0, 4.0], row=2, col=1)
    figure.add_bar(x=[1, 2], y=[3, 4], row=2, col=1)
    figure.update_xaxes(title="both")
    figure.update_xaxes(title_text="right", tickfont_size=9, row=1, col=2)
    figure.update_yaxes(range=[0, 3], row=2)
    figure.update_layout(margin={"l": 3})
    figure.update_layout(margin={"t": 5}, hovermode="closest")
    figure.add_hline(0, line={"color": "#123456"}, layer="below")
    figure.add_vline(1.5, line_width=1, opacity=0.5, col=1)
    figure.add_hrect(y0=-1, y1=0, fillcolor="#abcdef", line_width=0, row=1, col=2)
    figure.add_annotation(text="here", x=1, y=2, font_color="#123456", row=2, col=1)
    return figure


def plain(figure):
    """What the browser gets, with every property checked."""
    return json.loads(pio.to_json(go.Figure(figure.to_plotly_json()), engine="json"))


def by_plotly(rows, cols, **geometry):
    return draw(make_subplots(rows=rows, cols=cols, **geometry))


@pytest.mark.parametrize("projector", [False, True])
def test_the_same_calls_give_the_same_figure(projector):
    look = Look(projector=projector)
    options = {"height": 300, "uirevision": "here", "legend": {"x": 0.5}}
    ours = look.finish(draw(Canvas(rows=2, cols=2, **GEOMETRY)), MARKS, **options)
    theirs = look.finish(by_plotly(2, 2, **{**GEOMETRY, "column_widths": [0.8, 0.2]}), MARKS, **options)
    expected = plain(theirs)
    for trace in expected["data"]:
        if "xaxis" not in trace:  # the legend's own, which Plotly leaves without axes: the first ones
            trace |= {"xaxis": "x", "yaxis": "y"}
    assert plain(ours) == expected


def test_lines_go_over_panels_that_show_something_only():
    canvas = Canvas(rows=1, cols=3)
    for col in (1, 3):
        canvas.add_scatter(x=[0], y=[0], col=col)
    canvas.add_hline(1)
    assert [shape.yref for shape in canvas.figure().layout.shapes] == ["y", "y3"]


def test_one_figure_does_not_change_the_next():
    first = Canvas(rows=1, cols=2)
    first.update_xaxes(title="mine", range=[0, 1])
    look = Look()
    look.finish(first, MARKS, height=100, legend={"x": 0.3})
    second = look.finish(Canvas(rows=1, cols=2), height=100)
    assert second.layout.xaxis.title.text is None
    assert second.layout.xaxis.range is None
    assert second.layout.legend.x is None


def test_a_property_that_does_not_exist_is_found_when_it_is_checked():
    canvas = Canvas()
    canvas.add_scatter(x=[0], y=[0], colour="red")
    with pytest.raises(ValueError, match="colour"):
        plain(canvas.figure())
