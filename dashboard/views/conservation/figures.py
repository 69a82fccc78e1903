"""Whether forces conserve energy: work around a loop, energy in a run, one head against the other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.units import MEV
from dashboard.widgets.canvas import Canvas
from dashboard.widgets.theme import DESK, Look, Style

if TYPE_CHECKING:
    from mlip_core.calculations.conservation.calculation import Conservation

    Measured = Sequence[tuple[Style, Conservation]]

_LEAST = 1e-9
"""meV/atom: smaller work is drawn here, as a logarithmic axis has no zero."""


def loop_figure(measured: "Measured", *, look: Look = DESK) -> go.Figure:
    """Draw the work accumulated around the loop; a conservative model comes back to zero.

    Parameters
    ----------
    measured : sequence of (Style, Conservation)
        Results with a loop.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        ∫F·dx (meV/atom) against the angle; the bar at 360° is the error of the integration.
    """
    figure = Canvas()
    for mark, result in measured:
        if result.loop is None:
            continue
        angles = np.linspace(0, 360, len(result.loop.accumulated))
        figure.add_scatter(x=angles, y=result.loop.accumulated * MEV, mode="lines", line=look.line(mark), **mark.group)
        figure.add_scatter(
            x=[360], y=[result.loop.work * MEV], mode="markers", marker={"color": mark.color, "size": 10}, **mark.group,
            error_y={"type": "constant", "value": result.loop.error * MEV, "color": mark.color},
            hovertemplate=f"{mark.label}<br>whole lap %{{y:.3g}} meV/atom<extra></extra>",
        )  # fmt: skip
    return _from_zero(figure, measured, "angle around the loop (°)", "work so far (meV/atom)", look)


def energy_figure(measured: "Measured", *, look: Look = DESK) -> go.Figure:
    """Draw the total energy of the runs at constant energy.

    Parameters
    ----------
    measured : sequence of (Style, Conservation)
        Results with a run.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        E(t) − E(0) (meV/atom) against time (ps).
    """
    figure = Canvas()
    for mark, result in measured:
        if result.run is None:
            continue
        energies = result.run.total_energies * MEV
        figure.add_scatter(x=result.run.times, y=energies, mode="lines", line=look.line(mark), **mark.group)
    return _from_zero(figure, measured, "time (ps)", "total energy − start (meV/atom)", look)


def random_loops_figure(measured: "Measured", *, look: Look = DESK) -> go.Figure:
    """Draw the work around random loops beside the error of its integration.

    Parameters
    ----------
    measured : sequence of (Style, Conservation)
        Results with random loops.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        |∮F·dx| (meV/atom, logarithmic): a filled point a loop, an open one its integration error, a bar the root mean square.
    """
    figure = Canvas()
    shown = [
        (mark, result.random_loops, result.random_loop_work)
        for mark, result in measured
        if result.random_loops and result.random_loop_work is not None
    ]
    for place, (mark, loops, root_mean_square) in enumerate(shown):
        spots = place + np.linspace(-0.3, 0.3, len(loops)) if len(loops) > 1 else np.array([float(place)])
        text = [f"atoms {loop.loop.atom_a} and {loop.loop.atom_b}" for loop in loops]
        for values, symbol, name in (
            ([abs(loop.work) for loop in loops], "circle", "work"),
            ([loop.error for loop in loops], "circle-open", "integration error"),
        ):
            figure.add_scatter(
                x=spots, y=np.maximum(np.array(values) * MEV, _LEAST), mode="markers", text=text,
                marker={"color": mark.color, "size": 9, "symbol": symbol}, **mark.group,
                hovertemplate=f"{mark.label}<br>%{{text}}<br>{name} %{{y:.2g}} meV/atom<extra></extra>",
            )  # fmt: skip
        figure.add_scatter(
            x=[place - 0.4, place + 0.4], y=[max(root_mean_square * MEV, _LEAST)] * 2, mode="lines",
            line={"color": mark.color, "width": 3}, **mark.group,
            hovertemplate=f"{mark.label}<br>root mean square %{{y:.2g}} meV/atom<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(showticklabels=False, ticks="")
    figure.update_yaxes(type="log", title="|∮F·dx| (meV/atom)")
    return look.finish(figure, [mark for mark, *_ in shown], height=340)


def heads_figure(measured: "Measured", *, look: Look = DESK) -> go.Figure:
    """Draw the force components of one head against those of the other.

    Parameters
    ----------
    measured : sequence of (Style, Conservation)
        Results of models with two heads, one result for each pair of heads.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Left: direct against conservative (eV/Å) with the diagonal; right: their difference (meV/Å).
    """
    figure = Canvas(rows=1, cols=2, horizontal_spacing=look.gap(0.1))
    shown = [(mark, result.heads) for mark, result in measured if result.heads is not None]
    reach = 0.0
    for mark, heads in shown:
        pair = (heads.forces.ravel(), heads.other_forces.ravel())
        direct, conservative = pair if heads.forces_kind == "direct" else pair[::-1]
        reach = max(reach, float(np.abs(pair).max()))
        for column, values in enumerate((direct, (direct - conservative) * MEV), 1):
            figure.add_scatter(
                x=conservative, y=values, mode="markers", marker={"color": mark.color, "size": 7, "opacity": 0.75},
                **mark.group, row=1, col=column,
                hovertemplate=f"{mark.label}<br>conservative %{{x:.4g}} eV/Å<br>%{{y:.4g}} {('eV/Å', 'meV/Å')[column - 1]}<extra></extra>",
            )  # fmt: skip
    figure.add_scatter(
        x=[-reach, reach],
        y=[-reach, reach],
        mode="lines",
        line=look.guide,
        hoverinfo="skip",
        showlegend=False,
        row=1,
        col=1,
    )
    figure.add_hline(0, line=look.guide, layer="below", row=1, col=2)
    figure.update_xaxes(title="conservative head, component of a force (eV/Å)")
    figure.update_yaxes(title="direct head (eV/Å)", row=1, col=1)
    figure.update_yaxes(title="direct − conservative (meV/Å)", row=1, col=2)
    return look.finish(figure, [mark for mark, _ in shown], height=420)


def _from_zero(figure: Canvas, measured: "Measured", x: str, y: str, look: Look) -> go.Figure:
    figure.add_hline(0, line=look.guide, layer="below")
    figure.update_xaxes(title=x)
    figure.update_yaxes(title=y)
    return look.finish(figure, [mark for mark, _ in measured], height=380)
