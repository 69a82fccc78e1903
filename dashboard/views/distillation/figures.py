"""How a student learned: both heads as oriented, on turned copies, and how far the two are from turning with the structure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.widgets.theme import COLORS, DESK, Dash, Look, Style
from mlip_core.calculations.distillation.publishing import BARS
from mlip_core.models.model import Forces

if TYPE_CHECKING:
    from mlip_core.calculations.distillation import Distillation

HEADS: dict[Forces, str] = {"direct": COLORS[1], "conservative": COLORS[2]}
"""Colour of each head."""
PANELS = {"": "as oriented", "_turned": "turned", "_rotational": "spread over turned copies"}
"""What is drawn of each head, and what it is called; the last is the rotational error."""
PERCENT = 100.0


@dataclass(frozen=True)
class Course:
    """How one student learned, so far or to its end."""

    history: Mapping[str, Sequence[float]]
    """Columns of :class:`mlip_core.calculations.distillation.History`, by name."""
    mean_force: float
    """What errors are relative to, eV/Å."""
    turned: bool
    """Whether the training data were turned at random."""
    teacher: str
    """Name of the teacher's configuration."""


def course_of(result: "Distillation", teacher: str) -> Course:
    """How a finished student learned."""
    return Course(vars(result.history), result.mean_force, result.settings.augmentation, teacher)


def learning_figure(courses: Sequence[Course], *, look: Look = DESK) -> go.Figure:
    """Draw errors against epochs.

    Parameters
    ----------
    courses : sequence of Course
        One student, or the one that learned turned copies and the one that did not.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Three panels with a logarithmic axis: force error as oriented and turned (% of the mean force), with a thin line
        below which a student is good, and the spread of the forces over turned copies (% of their root mean square).
    """
    figure = make_subplots(cols=3, horizontal_spacing=look.gap(0.075), subplot_titles=_titles(courses))
    marks = []
    for course in courses:
        for head in HEADS:
            mark = style_of_head(head, course, alone=len(courses) == 1)
            marks.append(mark)
            for column, kind in enumerate(PANELS, 1):
                _draw(figure, course, head + kind, mark, column=column, look=look)
    figure.update_xaxes(title_text="epoch", rangemode="tozero")
    figure.update_yaxes(type="log")
    teacher = courses[0].teacher if courses else "the teacher"
    figure.update_yaxes(title_text=f"force error (% of the mean force of {teacher})", col=1)
    for head, bar in BARS.items():
        _draw_bar(figure, PERCENT * bar, HEADS[head], "bottom" if bar == max(BARS.values()) else "top", look)
    figure.update_yaxes(matches="y", col=2)
    figure.update_yaxes(title_text="rotational error (% of the force)", col=3)
    look.finish(figure, marks, height=450, uirevision="learning", hovermode="x unified")
    return figure.update_layout(margin_t=figure.layout.margin.t + 2 * look.font_size)  # for the titles of the panels


def style_of_head(head: Forces, course: Course, *, alone: bool) -> Style:
    """Colour by head; dashed as what is not constrained is everywhere, dotted where the data were not turned."""
    dash: Dash = "dash" if course.turned else "dot"
    how = "" if alone else f", {how_taught(turned=course.turned)}"
    return Style(label=f"{head} forces{how}", color=HEADS[head], dash=dash)


def how_taught(*, turned: bool) -> str:
    """Tell the two students apart in words."""
    return "turned in training" if turned else "never turned"


def _titles(courses: Sequence[Course]) -> list[str]:
    title = "symmetry being learned" if any(course.turned for course in courses) else "symmetry not taught"
    return ["variants as oriented", "the same, turned", title]


def _draw_bar(figure: go.Figure, percent: float, color: str, anchor: str, look: Look) -> None:
    """Draw up to which error a student is good, where errors are measured as the variants lie."""
    figure.add_hline(percent, line={"color": color, "width": 0.5 * look.line_width}, opacity=0.6, row=1, col=1)
    figure.add_annotation(
        text=f"good: {percent:.0f} %",
        font={"color": color, "size": look.font_size - 2},
        showarrow=False,
        x=1,
        xref="x domain",
        xanchor="right",
        y=np.log10(percent),  # as annotations on a logarithmic axis are placed
        yref="y",
        yanchor=anchor,
    )


def _draw(figure: go.Figure, course: Course, name: str, mark: Style, *, column: int, look: Look) -> None:
    values = np.asarray(course.history[name], dtype=float)
    scale = 1.0 if name.endswith("_rotational") else course.mean_force or 1.0
    line: dict[str, Any] = look.line(mark)
    figure.add_scatter(
        x=list(course.history["epochs"]),
        y=PERCENT * values / scale,
        mode="lines+markers",
        line=line,
        marker={"size": 2.5 * look.line_width},
        **mark.group,
        hovertemplate=f"{mark.label}: %{{y:.2g}} %<extra></extra>",
        row=1,
        col=column,
    )
