"""Predicted against reference forces: every component while they are few, their density and the worst when they are many."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from ase.data import chemical_symbols
from plotly.subplots import make_subplots

from dashboard.widgets.theme import DESK, Look, Style, translucent

if TYPE_CHECKING:
    from mlip_core.calculations.force_errors import Density, ForceErrors

    Compared = Sequence[tuple[Style, ForceErrors]]

Quantity = Literal["components", "magnitudes"]

MOST_POINTS = 2500
"""Points of one panel; beyond, their density is drawn."""
WORST_POINTS = 300
"""Points drawn above a density, so that outliers can be chosen."""


def parity_figure(
    compared: "Compared",
    quantity: Quantity = "components",
    *,
    marked: int | None = None,
    columns: int = 3,
    look: Look = DESK,
) -> go.Figure:
    """Draw predicted against reference forces, one panel a configuration on shared axes.

    Parameters
    ----------
    compared : sequence of (Style, ForceErrors)
        One a configuration.
    quantity : "components" or "magnitudes"
        Each Cartesian component, or |F|.
    marked : int, optional
        Structure whose points are ringed.
    columns : int
        Panels side by side.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Axes in eV/Å. A point's ``customdata`` is (structure, atom, its element and axis, place of the configuration).
    """
    columns = min(len(compared), columns)
    rows = -(-len(compared) // columns)
    figure = make_subplots(
        rows=rows, cols=columns, shared_xaxes="all", shared_yaxes="all",
        horizontal_spacing=0.03, vertical_spacing=0.26 / rows,
        subplot_titles=[f"{mark.label}<br>{_headline(errors)}" for mark, errors in compared],
    )  # fmt: skip
    low, high = _range(compared, quantity)
    for position, (mark, errors) in enumerate(compared):
        at = {"row": position // columns + 1, "col": position % columns + 1}
        points = _points(errors.atoms, quantity)
        if len(points) > MOST_POINTS or not errors.atoms_complete:
            figure.add_trace(_density(getattr(errors, quantity), mark), **at)
            points = points.nlargest(WORST_POINTS, "error")
        figure.add_trace(_scatter(points, mark, position, look), **at)
        if marked is not None and (points["structure"] == marked).any():
            figure.add_trace(_rings(points[points["structure"] == marked], look), **at)
        figure.add_shape(
            type="line", x0=low, y0=low, x1=high, y1=high, layer="below",
            line={"color": look.ink.faint, "width": 1.2}, **at,
        )  # fmt: skip
    name = "force component" if quantity == "components" else "|force|"
    figure.update_xaxes(range=[low, high], title=None)
    figure.update_yaxes(range=[low, high], title=None)
    for column in range(1, columns + 1):
        figure.update_xaxes(title=f"reference {name} (eV/Å)", showticklabels=True, row=_last(len(compared), column, columns), col=column)  # fmt: skip
    for row in range(1, rows + 1):
        figure.update_yaxes(title=f"predicted {name} (eV/Å)", row=row, col=1)
    figure.update_annotations(font_size=look.font_size + 2)
    margin = {"t": 4 * look.font_size}
    return look.finish(figure, height=290 * rows + 100, taller=1.25, margin=margin, showlegend=False, dragmode="pan")


def _headline(errors: "ForceErrors") -> str:
    word = "MAE" if errors.kind == "error" else "mean |difference|"
    return f"<b>{1000 * errors.mae:.3g}</b> meV/Å {word}"


def _last(n: int, column: int, columns: int) -> int:
    """Lowest row that has a panel in this column."""
    return -(-(n - column + 1) // columns)


def _range(compared: "Compared", quantity: Quantity) -> tuple[float, float]:
    top = max(_reach(getattr(errors, quantity)) for _, errors in compared)
    return (-top, top) if quantity == "components" else (0.0, top)


def _reach(density: "Density") -> float:
    """Edge of what is not empty, with a little room, eV/Å."""
    filled = np.flatnonzero(density.counts.sum(axis=0) + density.counts.sum(axis=1))
    if not len(filled):
        return float(density.edges[-1])
    return 1.04 * float(max(abs(density.edges[filled[0]]), abs(density.edges[filled[-1] + 1])))


def _points(atoms: pd.DataFrame, quantity: Quantity) -> pd.DataFrame:
    """One row a point: reference, predicted (eV/Å), structure, atom, axis, symbol, error."""
    reference, predicted = (atoms[[f"{name}_{axis}" for axis in "xyz"]].to_numpy() for name in ("ref", "pred"))
    symbols = np.array(chemical_symbols)[atoms["number"].to_numpy()]
    if quantity == "magnitudes":
        reference, predicted = (np.linalg.norm(values, axis=1)[:, None] for values in (reference, predicted))
    times = reference.shape[1]
    return pd.DataFrame(
        {
            "reference": reference.ravel(),
            "predicted": predicted.ravel(),
            "structure": np.repeat(atoms["structure"].to_numpy(), times),
            "atom": np.repeat(atoms["atom"].to_numpy(), times),
            "what": np.char.add(np.repeat(symbols, times), np.tile([f" {a}" for a in "xyz"][:times] if times == 3 else [""], len(atoms))),
            "error": np.abs(predicted - reference).ravel(),
        }
    )  # fmt: skip


def _scatter(points: pd.DataFrame, mark: Style, position: int, look: Look) -> go.Scatter:
    return go.Scatter(
        x=points["reference"].round(5),
        y=points["predicted"].round(5),
        mode="markers",
        marker={"color": mark.color, "size": 2.6 * look.line_width, "opacity": 0.55},
        customdata=points[["structure", "atom", "what"]].assign(position=position).to_numpy(),
        hovertemplate="structure %{customdata[0]}, atom %{customdata[1]} (%{customdata[2]})"
        "<br>reference %{x:.3f}, predicted %{y:.3f} eV/Å<extra></extra>",
        name=mark.label,
        unselected={"marker": {"opacity": 0.55}},
        selected={"marker": {"opacity": 1, "size": 11}},
    )


def _rings(points: pd.DataFrame, look: Look) -> go.Scatter:
    return go.Scatter(
        x=points["reference"],
        y=points["predicted"],
        mode="markers",
        marker={"symbol": "circle-open", "size": 10, "color": look.ink.text, "line": {"width": 1.5}},
        hoverinfo="skip",
    )


def _density(density: "Density", mark: Style) -> go.Heatmap:
    centres = np.round((density.edges[1:] + density.edges[:-1]) / 2, 5)
    counts = density.counts.T.astype(float)
    shown = np.round(np.log10(counts, out=np.full_like(counts, np.nan), where=counts > 0), 3)
    return go.Heatmap(
        x=centres,
        y=centres,
        z=shown,
        zmin=0,
        colorscale=[[0, translucent(mark.color, 0.25)], [1, mark.color]],
        showscale=False,
        hovertemplate="reference %{x:.2f}, predicted %{y:.2f} eV/Å<br>10<sup>%{z:.1f}</sup> components<extra></extra>",
        hoverongaps=False,
    )
