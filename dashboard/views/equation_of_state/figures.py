"""Energy and pressure against volume: two pressures of every configuration that should be one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.units import MEV
from dashboard.widgets.theme import DESK, Look, Style

if TYPE_CHECKING:
    from mlip_core.calculations.equation_of_state import EquationOfState
    from mlip_core.calculations.equation_of_state.reference import ReferenceEquation

    Computed = Sequence[tuple[Style, EquationOfState]]

REFERENCE = Style(label="PBE reference (GPAW)", color="#808080", dash="solid")
"""How the reference is drawn."""
_ENERGY = {"row": 1, "col": 1}
_PRESSURE = {"row": 1, "col": 2}
_DIFFERENCE = {"row": 2, "col": 2}


def equation_figure(
    computed: "Computed", *, reference: "ReferenceEquation | None" = None, look: Look = DESK
) -> go.Figure:
    """Draw energies, both pressures and their difference on one axis of volumes.

    Parameters
    ----------
    computed : sequence of (Style, EquationOfState)
        In the order of the line-up.
    reference : ReferenceEquation, optional
        PBE energies of the same crystal, drawn in grey.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Left: energy above the minimum of the fit (meV/atom) against volume (Å³/atom). Right: pressure (GPa) of the
        stress and of the energies, and below it, where there are any, the difference of the two.
    """
    compared = any(result.pressure_difference is not None for _, result in computed)
    figure = make_subplots(
        rows=2,
        cols=2,
        specs=[[{"rowspan": 2}, {}], [None, {}]] if compared else [[{"rowspan": 2}, {"rowspan": 2}], [None, None]],
        row_heights=[0.6, 0.4],
        vertical_spacing=0.06,
        horizontal_spacing=0.12 if look.projector else 0.09,
    )
    if reference is not None:
        _draw_reference(figure, reference, look)
    for mark, result in computed:
        _draw_energy(figure, mark, result, look)
        _draw_pressure(figure, mark, result, look)
        if result.pressure_difference is not None:
            _draw_difference(figure, mark, result, look)
    _label(figure, compared=compared, look=look)
    marks = [mark for mark, _ in computed] + ([] if reference is None else [REFERENCE])
    return look.finish(figure, marks, height=520, uirevision="equation of state", hovermode="closest")


def _draw_energy(figure: go.Figure, mark: Style, result: "EquationOfState", look: Look) -> None:
    """Draw points and fit above the minimum of the fit; a cross where the atoms did not relax."""
    n = len(result.structure)
    lowest = float(result.energies.min()) if result.fit is None else result.fit.energy
    if result.fit is not None:
        _line(
            figure,
            mark,
            result.fit.curve_volumes / n,
            (result.fit.curve_energies - lowest) * MEV / n,
            place=_ENERGY,
            look=look,
        )
    _points(
        figure,
        mark,
        result.volumes / n,
        (result.energies - lowest) * MEV / n,
        _ENERGY,
        marker={"symbol": np.where(result.converged, "circle", "x"), "size": 3.5 * look.line_width},
        customdata=result.energies / n,
        hover="%{y:.2f} meV/atom above the minimum<br>energy %{customdata:.5f} eV/atom",
    )


def _draw_pressure(figure: go.Figure, mark: Style, result: "EquationOfState", look: Look) -> None:
    """Draw −dE/dV of the fit as a line, that of the points as rings, and the stress as dots that should sit in them."""
    volumes = result.volumes / len(result.structure)
    if result.fit is not None:
        curve = result.fit.curve_volumes / len(result.structure)
        _line(figure, mark, curve, result.fit.curve_pressures, place=_PRESSURE, look=look)
    if result.point_pressures is not None:
        ring = {"symbol": "circle-open", "size": 5.5 * look.line_width, "line": {"width": 0.75 * look.line_width}}
        hover = "−dE/dV of the points %{y:.3f} GPa"
        _points(figure, mark, volumes, result.point_pressures, _PRESSURE, marker=ring, hover=hover)
    if result.pressures is not None:
        dot = {"symbol": "circle", "size": 2.5 * look.line_width}
        _points(figure, mark, volumes, result.pressures, _PRESSURE, marker=dot, hover="stress %{y:.3f} GPa")


def _draw_difference(figure: go.Figure, mark: Style, result: "EquationOfState", look: Look) -> None:
    """Draw what the stress says beyond −dE/dV of the points, with what the slopes leave uncertain."""
    assert result.pressures is not None
    assert result.point_pressures is not None
    error = result.point_pressure_error
    _points(
        figure,
        mark,
        result.volumes / len(result.structure),
        result.pressures - result.point_pressures,
        _DIFFERENCE,
        mode="lines+markers",
        line=look.line(mark),
        marker={"size": 3 * look.line_width},
        error_y=None if error is None else {"type": "constant", "value": error, "thickness": 1, "width": 3},
        hover="difference %{y:.3f} GPa" + ("" if error is None else f" ± {error:.2g}"),
    )


def _draw_reference(figure: go.Figure, reference: "ReferenceEquation", look: Look) -> None:
    """Draw the PBE points, and the equation through them, under the line-up."""
    n, fit = len(reference.structure), reference.fit
    _line(
        figure, REFERENCE, fit.curve_volumes / n, (fit.curve_energies - fit.energy) * MEV / n, place=_ENERGY, look=look
    )
    _line(figure, REFERENCE, fit.curve_volumes / n, fit.curve_pressures, place=_PRESSURE, look=look)
    above = (reference.energies - fit.energy) * MEV / n
    marker = {"symbol": "diamond", "size": 4 * look.line_width}
    volumes = reference.volumes / n
    _points(figure, REFERENCE, volumes, above, _ENERGY, marker=marker, hover="%{y:.2f} meV/atom above the minimum")
    hover = "−dE/dV of the points %{y:.3f} GPa"
    marker = marker | {"symbol": "diamond-open"}
    _points(figure, REFERENCE, volumes, reference.point_pressures, _PRESSURE, marker=marker, hover=hover)


def _line(figure: go.Figure, mark: Style, x: np.ndarray, y: np.ndarray, *, place: dict[str, int], look: Look) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line=look.line(mark),
        **mark.group,
        hoverinfo="skip",
        **place,
    )


def _points(
    figure: go.Figure,
    mark: Style,
    x: np.ndarray,
    y: np.ndarray,
    place: dict[str, int],
    *,
    marker: dict[str, Any],
    hover: str,
    mode: str = "markers",
    **options: Any,
) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode=mode,
        marker={"color": mark.color, **marker},
        **mark.group,
        hovertemplate=f"<b>{mark.label}</b><br>%{{x:.3f}} Å³/atom<br>{hover}<extra></extra>",
        **options,
        **place,
    )


def _label(figure: go.Figure, *, compared: bool, look: Look) -> None:
    volume = "volume (Å³/atom)"
    figure.update_xaxes(matches="x")
    figure.update_xaxes(title_text=volume, **_ENERGY)
    figure.update_xaxes(title_text=None if compared else volume, showticklabels=not compared, **_PRESSURE)
    figure.update_yaxes(title_text="energy − minimum (meV/atom)", **_ENERGY)
    figure.update_yaxes(title_text="pressure (GPa)", **_PRESSURE)
    figure.add_hline(0, line=look.guide, layer="below", **_PRESSURE)
    _corner(figure, "x", "● points  — fit")
    _corner(figure, "x2", "● stress  ○ points  — fit")
    if compared:
        figure.update_xaxes(title_text=volume, **_DIFFERENCE)
        figure.update_yaxes(title_text="stress − points (GPa)", **_DIFFERENCE)
        figure.add_hline(0, line=look.guide, layer="below", **_DIFFERENCE)


def _corner(figure: go.Figure, axis: str, text: str) -> None:
    """Say in the upper right corner of a panel what its marks mean."""
    place = {"xref": f"{axis} domain", "yref": f"{axis.replace('x', 'y')} domain", "xanchor": "right", "yanchor": "top"}
    figure.add_annotation(text=text, x=0.985, y=0.975, **place)
