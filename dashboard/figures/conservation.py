"""Whether forces conserve energy: work around a loop, energy in a run, one head against the other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.theme import Style, add_legend, ink, legend_line, template

if TYPE_CHECKING:
    from mlip_core.conservation import Conservation

    Measured = Sequence[tuple[Style, Conservation]]

MEV = 1000.0
"""meV in an eV."""


def loop_figure(measured: "Measured", *, dark: bool = False, projector: bool = False, height: int = 380) -> go.Figure:
    """Draw the work accumulated around the loop; a conservative model comes back to zero.

    Parameters
    ----------
    measured : sequence of (Style, Conservation)
        Results with a loop.
    dark, projector : bool
        Theme.
    height : int
        px.

    Returns
    -------
    plotly.graph_objects.Figure
        ∫F·dx (meV/atom) against the angle; the bar at 360° is the error of the integration.
    """
    figure = go.Figure()
    for mark, result in measured:
        if result.loop is None:
            continue
        angles = np.linspace(0, 360, len(result.loop.accumulated))
        figure.add_scatter(
            x=angles, y=result.loop.accumulated * MEV, mode="lines", line=legend_line(mark, projector=projector),
            name=mark.label, legendgroup=mark.label, showlegend=False,
        )  # fmt: skip
        figure.add_scatter(
            x=[360], y=[result.loop.work * MEV], mode="markers", marker={"color": mark.color, "size": 10},
            error_y={"type": "constant", "value": result.loop.error * MEV, "color": mark.color},
            legendgroup=mark.label, showlegend=False, hovertemplate=f"{mark.label}<br>whole lap %{{y:.3g}} meV/atom<extra></extra>",
        )  # fmt: skip
    return _finished(
        figure,
        measured,
        "angle around the loop (°)",
        "work so far (meV/atom)",
        dark=dark,
        projector=projector,
        height=height,
    )


def energy_figure(measured: "Measured", *, dark: bool = False, projector: bool = False, height: int = 380) -> go.Figure:
    """Draw the total energy of the runs at constant energy.

    Parameters
    ----------
    measured : sequence of (Style, Conservation)
        Results with a run.
    dark, projector : bool
        Theme.
    height : int
        px.

    Returns
    -------
    plotly.graph_objects.Figure
        E(t) − E(0) (meV/atom) against time (ps).
    """
    figure = go.Figure()
    for mark, result in measured:
        if result.run is None:
            continue
        figure.add_scatter(
            x=result.run.times, y=result.run.total_energies * MEV, mode="lines", line=legend_line(mark, projector=projector),
            name=mark.label, legendgroup=mark.label, showlegend=False,
        )  # fmt: skip
    return _finished(
        figure, measured, "time (ps)", "total energy − start (meV/atom)", dark=dark, projector=projector, height=height
    )


def _finished(
    figure: go.Figure, measured: "Measured", x: str, y: str, *, dark: bool, projector: bool, height: int
) -> go.Figure:
    add_legend(figure, [mark for mark, _ in measured], projector=projector)
    figure.add_hline(0, line={"color": ink(dark=dark).faint, "width": 1}, layer="below")
    figure.update_xaxes(title=x)
    figure.update_yaxes(title=y)
    figure.update_layout(template=template(dark=dark, projector=projector), height=height * (1.3 if projector else 1))
    return figure
