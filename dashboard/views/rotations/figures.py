"""How predictions depend on orientation: distributions, angles, degrees, the sphere, and what a correction buys."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from dashboard.units import MEV
from dashboard.widgets.canvas import Canvas
from dashboard.widgets.theme import COLORS, DESK, Look, Style, translucent
from mlip_core.units import EV_PER_A3_IN_GPA

if TYPE_CHECKING:
    from mlip_core.calculations.rotations.correction_cost import CorrectionCost
    from mlip_core.calculations.rotations.variance import RotationalVariance

    Measured = Sequence[tuple[Style, RotationalVariance]]

_LEAST = 1e-7
"""Smaller deviations are drawn here: a logarithmic axis has no zero."""
_SYMBOLS = {"none": "circle", "tetrahedral": "triangle-up", "octahedral": "diamond", "icosahedral": "star"}


def distribution_figure(measured: "Measured", *, look: Look = DESK) -> go.Figure:
    """Draw the deviation from the mean in every orientation, with the noise floor of each configuration.

    Parameters
    ----------
    measured : sequence of (Style, RotationalVariance)
        One a configuration.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Panels of |E − Ē| (meV/atom), root mean square |F − F̄| (meV/Å) and ‖σ − σ̄‖/3 (GPa), logarithmic.
    """
    with_stress = any(result.stress_rot_std is not None for _, result in measured)
    titles = ["energy (meV/atom)", "forces (meV/Å)", *(["stress (GPa)"] if with_stress else [])]
    figure = Canvas(rows=1, cols=len(titles), horizontal_spacing=look.gap(0.1))
    for place, (mark, result) in enumerate(measured):
        floors = (result.floor.energy_rot_std, result.floor.forces_rot_std, result.floor.stress_rot_std)
        factors = (MEV, MEV, EV_PER_A3_IN_GPA)
        for column, (values, floor, factor) in enumerate(zip(_deviations(result), floors, factors, strict=True), 1):
            if values is None or column > len(titles):
                continue
            figure.add_box(
                x=np.full(len(values), place),
                y=np.maximum(values * factor, _LEAST),
                boxpoints="all",
                jitter=0.6,
                pointpos=0,
                marker={"color": mark.color, "size": 5, "opacity": 0.75},
                line={"color": mark.color, "width": 1},
                fillcolor="rgba(0,0,0,0)",
                name=mark.label,
                showlegend=False,
                hovertemplate=f"{mark.label}<br>%{{y:.3g}}<extra></extra>",
                row=1,
                col=column,
            )
            if floor:
                figure.add_scatter(
                    x=[place - 0.4, place + 0.4],
                    y=[max(floor * factor, _LEAST)] * 2,
                    mode="lines",
                    line={"color": look.ink.faint, "width": 2, "dash": "dot"},
                    showlegend=False,
                    hovertemplate="noise floor %{y:.2g}<extra></extra>",
                    row=1,
                    col=column,
                )
    for column, title in enumerate(titles, 1):
        figure.update_yaxes(type="log", title=f"deviation of the {title}", row=1, col=column)
        figure.update_xaxes(showticklabels=False, ticks="", row=1, col=column)
    return look.finish(figure, [mark for mark, _ in measured], height=420)


def angle_figure(measured: "Measured", axis: int, *, look: Look = DESK) -> go.Figure:
    """Draw the deviation from the start against the angle of a turn about one axis.

    Parameters
    ----------
    measured : sequence of (Style, RotationalVariance)
        Results with an angle scan.
    axis : int
        Which axis of the scan.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        ΔE (meV/atom) and the root mean square force difference (meV/Å) over a full turn.
    """
    figure = Canvas(rows=1, cols=2, horizontal_spacing=look.gap(0.11))
    for mark, result in measured:
        scan = result.angles
        if scan is None:
            continue
        angles = np.append(scan.angles, 360.0)
        for column, values in enumerate((scan.energy_deviations[axis], scan.force_deviations[axis]), 1):
            closed = np.append(values, values[0]) * MEV
            figure.add_scatter(
                x=angles, y=closed, mode="lines+markers", line=look.line(mark), marker={"size": 5},
                **mark.group, row=1, col=column,
            )  # fmt: skip
    figure.update_xaxes(title="angle (°)", dtick=60, range=[0, 360])
    figure.update_yaxes(title="ΔE (meV/atom)", row=1, col=1)
    figure.update_yaxes(title="force difference (meV/Å)", rangemode="tozero", row=1, col=2)
    return look.finish(figure, [mark for mark, _ in measured], height=400, hovermode="x unified")


def spectrum_figure(measured: "Measured", *, look: Look = DESK) -> go.Figure:
    """Draw which degrees l of the rotations the symmetry breaking has.

    Parameters
    ----------
    measured : sequence of (Style, RotationalVariance)
        Results with a degree spectrum.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        √p_l of energy (meV/atom) and forces (meV/Å) for l ≥ 1, logarithmic.
    """
    figure = Canvas(rows=1, cols=2, horizontal_spacing=look.gap(0.11))
    for mark, result in measured:
        spectrum = result.spectrum
        if spectrum is None:
            continue
        for column, power in enumerate((spectrum.energy, spectrum.forces), 1):
            size = np.sqrt(np.clip(power[1:], 0, None)) * MEV
            figure.add_scatter(
                x=spectrum.degrees[1:], y=np.maximum(size, _LEAST), mode="lines+markers",
                line=look.line(mark), marker={"size": 9},
                **mark.group, row=1, col=column,
            )  # fmt: skip
    figure.update_xaxes(title="degree l", dtick=1)
    figure.update_yaxes(type="log")
    figure.update_yaxes(title="energy, √p_l (meV/atom)", row=1, col=1)
    figure.update_yaxes(title="forces, √p_l (meV/Å)", row=1, col=2)
    return look.finish(figure, [mark for mark, _ in measured], height=400)


def globe_figure(
    result: "RotationalVariance",
    *,
    component: tuple[int, int] | None = None,
    towards: tuple[float, float] | None = None,
    look: Look = DESK,
) -> go.Figure:
    """Draw a quantity over the sphere: the colour at a point is its value with that direction of the structure turned to +z.

    Parameters
    ----------
    result : RotationalVariance
        With an orientation map.
    component : (int, int), optional
        Atom and axis (0, 1, 2) of the force that is drawn, in the structure's own frame; the energy by default.
    towards : (float, float), optional
        Polar angle and azimuth, degrees, of a direction that is marked.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        E (meV/atom) or a force component (meV/Å), less its mean over the sphere.
    """
    sphere = result.orientation_map
    assert sphere is not None
    values, name, unit = sphere.energies * MEV, "E − Ē", "meV/atom"
    if component is not None:
        values, name, unit = sphere.force(*component) * MEV, f"F{'xyz'[component[1]]} − mean", "meV/Å"
    x, y, z = np.moveaxis(sphere.directions, -1, 0)
    limit = max(float(np.abs(values).max()), _LEAST)
    figure = go.Figure(
        go.Surface(
            x=x, y=y, z=z, surfacecolor=values, customdata=values, cmin=-limit, cmax=limit, colorscale="RdBu_r",
            colorbar={"title": {"text": f"{name}<br>({unit})"}, "thickness": 16, "len": 0.7, "exponentformat": "power"},
            lighting={"ambient": 0.85, "diffuse": 0.3, "specular": 0.05},
            hovertemplate=f"(%{{x:.2f}}, %{{y:.2f}}, %{{z:.2f}})<br>%{{customdata:.3g}} {unit}<extra></extra>",
        )
    )  # fmt: skip
    for axis, letter in enumerate("xyz"):
        _arrow(figure, 1.35 * np.eye(3)[axis], letter, color=look.ink.faint, text=look.ink.text)
    if towards is not None:
        _arrow(figure, 1.5 * direction(*towards), "up", color=COLORS[4], text=look.ink.text)
    hidden = {"visible": False}
    return look.finish(
        figure,
        height=520,
        taller=1.2,
        scene={
            "xaxis": hidden,
            "yaxis": hidden,
            "zaxis": hidden,
            "aspectmode": "data",
            "camera": {"eye": {"x": 1.2, "y": 1.2, "z": 0.7}},
        },
        uirevision="globe",
    )


def direction(polar: float, azimuth: float) -> np.ndarray:
    """(3,): unit vector of a polar angle and an azimuth, degrees."""
    theta, phi = np.radians([polar, azimuth])
    return np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])


def split_figure(measured: "Measured", reference: str, *, look: Look = DESK) -> go.Figure:
    """Draw how much of the difference to a reference is symmetry breaking.

    Parameters
    ----------
    measured : sequence of (Style, RotationalVariance)
        Results with an error split.
    reference : str
        Name of the reference, for the axis.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Bars of mean squares, (meV/Å)²: what is left of the averaged forces, and on it the variance over orientations.
    """
    figure = Canvas()
    shown = [(mark, result.error_split) for mark, result in measured if result.error_split is not None]
    labels = [mark.label for mark, _ in shown]
    parts = (
        ("of the averaged forces", [split.averaged_square_error for _, split in shown], 1.0),
        ("symmetry breaking", [split.variance for _, split in shown], 0.35),
    )
    for name, values, strength in parts:
        figure.add_bar(
            y=labels, x=[value * MEV**2 for value in values], orientation="h", name=name, showlegend=False,
            marker={"color": [translucent(mark.color, strength) for mark, _ in shown], "line": {"width": 1.5, "color": [mark.color for mark, _ in shown]}, "pattern": {"shape": "" if strength == 1 else "/"}},
            hovertemplate=f"%{{y}}<br>{name}: %{{x:.3g}} (meV/Å)²<extra></extra>",
        )  # fmt: skip
    grey = look.ink.faint
    for name, shape in (("left after averaging", ""), ("symmetry breaking (hatched)", "/")):
        marker = {"color": translucent(grey, 0.35 if shape else 1.0), "pattern": {"shape": shape}}
        figure.add_bar(y=[None], x=[None], orientation="h", name=name, marker=marker)
    figure.update_xaxes(title=f"mean squared difference to {reference} ((meV/Å)²)")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return look.finish(figure, height=300 if len(shown) > 2 else 210, barmode="stack")


def cost_figure(
    costs: "Sequence[tuple[Style, CorrectionCost]]",
    *,
    reference: str = "the reference",
    look: Look = DESK,
) -> go.Figure:
    """Draw what is left of the rotational deviation against the evaluations a correction takes.

    Parameters
    ----------
    costs : sequence of (Style, CorrectionCost)
        One a configuration.
    reference : str
        Name of the model whose forces were compared, for the axis.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Log–log; a panel of the difference to the reference is added where one was given.
    """
    with_error = any(point.force_error is not None for _, cost in costs for point in cost.points)
    figure = Canvas(rows=1, cols=1 + with_error, horizontal_spacing=look.gap(0.1))
    for mark, cost in costs:
        points = sorted(cost.points, key=lambda point: point.evaluations)
        values: list[list[float | None]] = [[point.forces_rot_std for point in points]]
        values += [[point.force_error for point in points]] if with_error else []
        for column, row in enumerate(values, 1):
            figure.add_scatter(
                x=[point.evaluations for point in points],
                y=[None if value is None else max(value * MEV, _LEAST) for value in row],
                mode="markers",
                marker={"color": mark.color, "size": 12, "symbol": [_symbol(point.grid) for point in points], "line": {"width": 1, "color": look.ink.paper}},
                text=[point.grid for point in points],
                customdata=[[1000 * point.seconds] for point in points],
                hovertemplate=f"<b>%{{text}}</b> · {mark.label}<br>%{{x}} evaluations, %{{customdata[0]:.0f}} ms<br>%{{y:.3g}} meV/Å<extra></extra>",
                **mark.group, row=1, col=column,
            )  # fmt: skip
    figure.update_xaxes(type="log", title="evaluations for one prediction")
    figure.update_yaxes(type="log")
    figure.update_yaxes(title="residual rotational deviation of the forces (meV/Å)", row=1, col=1)
    if with_error:
        figure.update_yaxes(title=f"difference to {reference} (meV/Å)", row=1, col=2)
    return look.finish(figure, [mark for mark, _ in costs], height=460)


def _deviations(result: "RotationalVariance") -> tuple[np.ndarray | None, ...]:
    spread = result.scatter
    forces = np.sqrt(np.mean(spread.force_deviations**2, axis=1) / 3)
    return np.abs(spread.energy_deviations), forces, spread.stress_deviations


def _arrow(figure: go.Figure, tip: np.ndarray, name: str, *, color: str, text: str) -> None:
    ends = np.array([np.zeros(3), tip])
    figure.add_scatter3d(
        x=ends[:, 0], y=ends[:, 1], z=ends[:, 2], mode="lines+text", text=["", name], hoverinfo="skip", showlegend=False,
        line={"color": color, "width": 4}, textfont={"color": text, "size": 16},
    )  # fmt: skip


def _symbol(grid: str) -> str:
    return _SYMBOLS.get(grid, "square" if grid.startswith("lebedev") else "x")
