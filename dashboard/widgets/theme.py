"""How figures look: one colour and dash a configuration, one template for light, dark and projector."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from dashboard.widgets.canvas import Canvas
from dashboard.widgets.logarithmic import named

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's colour-blind safe palette without black and yellow, which vanish on one of the two backgrounds."""

FONT = '"Source Sans", "Source Sans 3", "Helvetica Neue", Arial, sans-serif'

Dash = Literal["solid", "dash", "dot"]


@dataclass(frozen=True)
class Style:
    """How one configuration is drawn, the same in every figure."""

    label: str
    """What the legend says."""
    color: str
    """"#rrggbb", by place in the line-up."""
    dash: Dash
    """"solid" constrained, "dash" unconstrained, "dot" corrected: a black-and-white print still reads."""

    @property
    def group(self) -> dict[str, object]:
        """Plotly's description of a trace that belongs to this configuration: one entry of the legend stands for all of them."""
        return {"name": self.label, "legendgroup": self.label, "showlegend": False}


@dataclass(frozen=True)
class Ink:
    """Colours of everything that is not data."""

    text: str
    """Labels of axes and legends."""
    faint: str
    """Axis lines, path separators, zero line."""
    grid: str
    """Grid lines."""
    shade: str
    """Zones that are pointed out, translucent."""
    paper: str
    """Behind hover boxes."""


LIGHT = Ink(text="#16202c", faint="#8592a3", grid="rgba(22,32,44,0.09)", shade="rgba(213,94,0,0.09)", paper="#ffffff")
DARK = Ink(
    text="#e8edf3", faint="#7f8ea0", grid="rgba(232,237,243,0.10)", shade="rgba(230,159,0,0.13)", paper="#1a222d"
)


def style(position: int, *, constrained: bool, corrected: bool, label: str) -> Style:
    """Return how the configuration at a place of the line-up is drawn.

    Parameters
    ----------
    position : int
        Place in the line-up, from zero; it chooses the colour.
    constrained : bool
        Whether the model obeys rotations and −∂E/∂x by construction.
    corrected : bool
        Whether a correction is applied at inference time.
    label : str
        Name of the configuration.

    Returns
    -------
    Style
        Colour and dash.
    """
    dash: Dash = "dot" if corrected else "solid" if constrained else "dash"
    return Style(label=label, color=COLORS[position % len(COLORS)], dash=dash)


LEGEND_WIDTH = 900
"""px that a row of the legend has at least, on a page 1440 px wide."""


DESK_HEADING = 16
"""px that Plotly gives the headings of subplots."""


@dataclass(frozen=True)
class Look:
    """Where figures are seen: on a light or a dark page, at a desk or in a room."""

    dark: bool = False
    """Light ink for a dark page; the background itself is transparent."""
    projector: bool = False
    """Larger type and stronger lines, for a room."""

    @property
    def ink(self) -> Ink:
        """Colours that suit the background."""
        return DARK if self.dark else LIGHT

    @property
    def line_width(self) -> float:
        """Width of a data line, px."""
        return 3.4 if self.projector else 2.0

    @property
    def font_size(self) -> int:
        """Size of labels, px."""
        return 21 if self.projector else 14

    @property
    def guide(self) -> dict[str, object]:
        """Plotly's description of a thin line that is not data, such as zero."""
        return {"color": self.ink.faint, "width": 1}

    def gap(self, share: float) -> float:
        """Return the space between two panels, where it is this share of the width at a desk: ticks and titles stand in it."""
        return 1.5 * share if self.projector else share

    def line(self, mark: Style) -> dict[str, object]:
        """Return Plotly's description of a configuration's line."""
        return {"color": mark.color, "dash": mark.dash, "width": self.line_width}

    def finish(
        self,
        figure: Canvas | go.Figure,
        marks: Sequence[Style] = (),
        *,
        height: float,
        taller: float = 1.3,
        **layout: object,
    ) -> go.Figure:
        """Give a figure its legend, template and height.

        Parameters
        ----------
        figure : Canvas or plotly.graph_objects.Figure
            With its data; it is changed in place.
        marks : sequence of Style
            Entries of the legend; traces join theirs by :attr:`Style.group`.
        height : float
            At a desk, px.
        taller : float
            How many times higher it is in a room.
        **layout
            More of Plotly's layout.

        Returns
        -------
        plotly.graph_objects.Figure
            The figure, to be shown.
        """
        if marks:
            self._add_legend(figure, marks)
        if self.projector:
            height *= taller
        if isinstance(figure, Canvas):
            figure.update_layout(template=_plain_template(self), height=height, **layout)
            figure.name_ticks()
            return figure.figure()
        if self.projector:
            figure.update_annotations(selector={"font.size": DESK_HEADING}, font_size=self.font_size + 1)
        figure.update_layout(**named(figure.layout.to_plotly_json(), (trace.to_plotly_json() for trace in figure.data)))
        return figure.update_layout(template=self.template(), height=height, **layout)

    def template(self) -> go.layout.Template:
        """Return fonts, grids, axes, legend and hover boxes."""
        colors = self.ink
        size = self.font_size
        axis = {
            "showline": True,
            "linecolor": colors.faint,
            "linewidth": 1.6 if self.projector else 1,
            "mirror": True,
            "ticks": "outside",
            "ticklen": 7 if self.projector else 5,
            "tickcolor": colors.faint,
            "gridcolor": colors.grid,
            "gridwidth": 1,
            "zeroline": False,
            "automargin": True,
            "title": {"standoff": 10, "font": {"size": size + 1}},
            "tickfont": {"size": size - 1},
            "minor": {"showgrid": False},
            "exponentformat": "power",
        }
        return go.layout.Template(
            layout={
                "font": {"family": FONT, "size": size, "color": colors.text},
                "paper_bgcolor": "rgba(0,0,0,0)",
                "plot_bgcolor": "rgba(0,0,0,0)",
                "colorway": list(COLORS),
                "xaxis": axis,
                "yaxis": axis,
                "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
                "legend": {
                    "orientation": "h",
                    "x": 0,
                    "xanchor": "left",
                    "y": 1.02,
                    "yanchor": "bottom",
                    "font": {"size": size},
                    "bgcolor": "rgba(0,0,0,0)",
                    "itemwidth": 48,
                },
                "hoverlabel": {
                    "bgcolor": colors.paper,
                    "bordercolor": colors.faint,
                    "font": {"family": FONT, "size": size - 1, "color": colors.text},
                    "namelength": -1,
                },
                "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colors.faint, "activecolor": colors.text},
                "annotationdefaults": {
                    "font": {"family": FONT, "size": size - 1, "color": colors.text},
                    "showarrow": False,
                },
            }
        )

    def _add_legend(self, figure: Canvas | go.Figure, marks: Sequence[Style]) -> None:
        """Add one entry a configuration, in as many rows as they need."""
        letter, row = (11, 36) if self.projector else (7.5, 26)
        length = sum(letter * len(mark.label) + 70 for mark in marks)
        rows = int(np.ceil(length / LEGEND_WIDTH))
        figure.update_layout(legend={"yref": "container", "y": 1, "yanchor": "top"}, margin={"t": 8 + row * rows})
        for mark in marks:
            figure.add_scatter(
                x=[None],
                y=[None],
                mode="lines",
                line=self.line(mark),
                name=mark.label,
                legendgroup=mark.label,
                hoverinfo="skip",
            )


@cache
def _plain_template(look: Look) -> dict[str, Any]:
    """Template as a dictionary; not to be changed."""
    return look.template().to_plotly_json()


DESK = Look()
"""How figures look unless told otherwise."""


def translucent(color: str, alpha: float) -> str:
    """Return "#rrggbb" as "rgba(…)"."""
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
