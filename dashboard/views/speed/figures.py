"""What an atom costs against the number of atoms, one structure at a time and in batches."""

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING, Literal

import numpy as np
import plotly.graph_objects as go

from dashboard.widgets.theme import DESK, Look, Style

if TYPE_CHECKING:
    from mlip_core.calculations.speed import Speed, Timing

    Measured = Sequence[tuple[Style, Speed]]

Clock = Literal["Wall time", "Processor time"]
CLOCKS: tuple[Clock, ...] = ("Wall time", "Processor time")
MICROSECONDS, MILLISECONDS = 1e6, 1e3
"""μs and ms in a second."""
_ROOM = 1.25
"""Factor by which an axis goes beyond the points."""


def seconds(timing: "Timing", clock: Clock) -> float:
    """Return the median time of one structure by a clock, s."""
    return timing.wall if clock == "Wall time" else timing.processor


def speed_figure(measured: "Measured", *, clock: Clock = "Wall time", look: Look = DESK) -> go.Figure:
    """Draw the cost of an atom against the number of atoms, both logarithmically.

    Parameters
    ----------
    measured : sequence of (Style, Speed)
        In the order of the line-up.
    clock : "Wall time" or "Processor time"
        Which time is drawn.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Filled points for one structure a call, joined by a line, with bars from the shortest to the longest call for wall
        time; open points for batches.
    """
    figure = go.Figure()
    for mark, result in measured:
        _draw(figure, mark, result.one_by_one, clock, look, batched=False)
        _draw(figure, mark, result.batched, clock, look, batched=True)
    drawn = [timing for _, result in measured for timing in result.timings]
    _name_axes(figure, drawn, clock)
    disturbed = [mark.label for mark, result in measured if result.disturbed]
    whose = "all" if len(disturbed) == len(measured) > 1 else "<br>".join(disturbed)
    said = "● one by one  ○ in a batch" + f"<br>disturbed: {whose}" * bool(disturbed)
    corner = {"x": 1, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "right", "yanchor": "bottom"}
    figure.add_annotation(text=said, align="right", **corner)
    marks = [mark for mark, _ in measured]
    look.finish(figure, marks, height=500, uirevision=f"speed, {clock}", hovermode="closest")
    lines = 1 + said.count("<br>")
    return figure.update_layout(
        margin_t=figure.layout.margin.t + 1.5 * lines * look.font_size
    )  # for the corner's words


def _draw(
    figure: go.Figure, mark: Style, timings: Sequence["Timing"], clock: Clock, look: Look, *, batched: bool
) -> None:
    """Draw one configuration asked in one way."""
    if not timings:
        return
    sizes = [timing.n_atoms for timing in timings]
    costs = [MICROSECONDS * seconds(timing, clock) / timing.n_atoms for timing in timings]
    way = "in a batch" if batched else "one by one"
    marker = {"color": mark.color, "size": (5 if batched else 3.5) * look.line_width}
    if batched:
        marker |= {"symbol": "circle-open", "line": {"width": 0.75 * look.line_width}}
    figure.add_scatter(
        x=sizes,
        y=costs,
        mode="markers" if batched else "lines+markers",
        line=look.line(mark),
        marker=marker,
        error_y=None if batched or clock != "Wall time" else _bars(timings, costs),
        **mark.group,
        customdata=[(MILLISECONDS * seconds(timing, clock), timing.n_structures, timing.n_calls) for timing in timings],
        hovertemplate=f"<b>{mark.label}</b><br>%{{x:,}} atoms, {way}<br>%{{y:,.3~g}} μs/atom<br>"
        "%{customdata[0]:,.3~g} ms a step<br>%{customdata[1]} a call, median of %{customdata[2]}<extra></extra>",
    )


def _bars(timings: Sequence["Timing"], costs: Sequence[float]) -> dict[str, object]:
    """Describe bars from the shortest to the longest call."""
    low, high = np.array([timing.wall_range for timing in timings]).T
    sizes = np.array([timing.n_atoms for timing in timings])
    return {
        "type": "data",
        "symmetric": False,
        "array": MICROSECONDS * high / sizes - costs,
        "arrayminus": costs - MICROSECONDS * low / sizes,
        "thickness": 1,
        "width": 3,
    }


def _name_axes(figure: go.Figure, timings: Sequence["Timing"], clock: Clock) -> None:
    """Say what both axes are, and give them logarithms."""
    sizes = [timing.n_atoms for timing in timings]
    costs = [MICROSECONDS * seconds(timing, clock) / timing.n_atoms for timing in timings]
    figure.update_xaxes(title_text="number of atoms", **_logarithmic(sizes))
    figure.update_yaxes(title_text=f"{clock.lower()} (μs/atom)", **_logarithmic(costs))


def _logarithmic(values: Sequence[float]) -> dict[str, object]:
    """Describe a logarithmic axis with some room around values."""
    positive = [value for value in values if value > 0]
    if not positive:
        return {}
    return {"type": "log", "range": [log10(min(positive) / _ROOM), log10(max(positive) * _ROOM)]}
