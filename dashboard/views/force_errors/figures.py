"""Where force errors are: their distribution, by element, subset and size of the force; energies, stress, speed, and the split."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.units import MEV
from dashboard.widgets.theme import DESK, Look, Style, translucent
from mlip_core.units import EV_PER_A3_IN_GPA

if TYPE_CHECKING:
    from mlip_core.calculations.force_errors import Comparison, ErrorSplit, ForceErrors

    Compared = Sequence[tuple[Style, ForceErrors]]

MOST_POINTS = 2500
"""Points of one configuration that are drawn without WebGL."""
MOST_CATEGORIES = 24
"""Categories of one breakdown; the largest are drawn."""


def word(compared: "Compared") -> str:
    """Return "error", or "difference" where the reference is itself a model."""
    return compared[0][1].kind


def tags(compared: "Compared") -> list[str]:
    """Return the tags that split the data into subsets."""
    return list(dict.fromkeys(tag for _, errors in compared for tag in errors.by_subset["tag"]))


def distribution_figure(compared: "Compared", *, look: Look = DESK) -> go.Figure:
    """Draw how large the errors of the force components are.

    Parameters
    ----------
    compared : sequence of (Style, ForceErrors)
        One a configuration.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Left: share of components a decade against |ΔF| (meV/Å, logarithmic). Right: share with a larger |ΔF|.
    """
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=look.gap(0.08))
    for mark, errors in compared:
        filled = np.flatnonzero(errors.error_counts)
        part = slice(max(filled[0] - 1, 0), filled[-1] + 2)
        edges = errors.error_edges * MEV
        share = errors.error_counts / errors.error_counts.sum()
        density = share / np.diff(np.log10(edges))
        larger = 100 * (1 - np.cumsum(share))
        line = {**look.line(mark), "shape": "spline", "smoothing": 0.6}
        for column, values in enumerate((_smooth(density), larger), 1):
            figure.add_scatter(
                x=np.sqrt(edges[1:] * edges[:-1])[part] if column == 1 else edges[1:][part], y=values[part], mode="lines",
                line=line, **mark.group, row=1, col=column,
                hovertemplate="%{x:.3g} meV/Å: %{y:.3g}" + (" %" if column == 2 else "") + f"<extra>{mark.label}</extra>",
            )  # fmt: skip
    figure.update_xaxes(type="log", title=f"|{word(compared)} of a force component| (meV/Å)")
    figure.update_yaxes(title="share of components per decade", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title="components with a larger one (%)", range=[0, 101], row=1, col=2)
    return look.finish(figure, [mark for mark, _ in compared], height=400)


def breakdown_figure(compared: "Compared", table: str, column: str, title: str, *, look: Look = DESK) -> go.Figure:
    """Draw the force error of each category, for the whole line-up.

    Parameters
    ----------
    compared : sequence of (Style, ForceErrors)
        One a configuration.
    table : "by_element" or "by_subset"
        Where the categories are.
    column : str
        Column of the table that names them; of ``by_subset`` a tag.
    title : str
        What the categories are.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Mean |ΔF| of a component (meV/Å); a bar's ``x`` is the category.
    """
    figure = go.Figure()
    tables = [_categories(getattr(errors, table), column) for _, errors in compared]
    names = _largest(tables)
    for (mark, _), found in zip(compared, tables, strict=True):
        rows = found.reindex(names)
        figure.add_bar(
            x=names, y=MEV * rows["mae"], name=mark.label, showlegend=False,
            marker={"color": translucent(mark.color, 0.8), "line": {"color": mark.color, "width": 1}, "pattern": _pattern(mark)},
            customdata=rows[["n_atoms", "softening", "mean_force"]].to_numpy(),
            hovertemplate="%{x}: %{y:.3g} meV/Å<br>%{customdata[0]:.0f} atoms, mean |F| %{customdata[2]:.2f} eV/Å"
            "<br>softening %{customdata[1]:.3f}" + f"<extra>{mark.label}</extra>",
        )  # fmt: skip
    figure.update_xaxes(type="category", title=title, showgrid=False)
    figure.update_yaxes(title=f"mean |{word(compared)}| (meV/Å)", rangemode="tozero")
    figure.update_layout(barmode="group", bargap=0.25, bargroupgap=0.06)
    return look.finish(figure, [mark for mark, _ in compared], height=400)


def magnitude_figure(compared: "Compared", *, look: Look = DESK) -> go.Figure:
    """Draw the error against the size of the reference force.

    Returns
    -------
    plotly.graph_objects.Figure
        Mean |ΔF| of a component (meV/Å) and the root mean square of ΔF over the mean |F_ref| (%), both logarithmic,
        against the mean |F_ref| of each class (eV/Å).
    """
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=look.gap(0.09))
    for mark, errors in compared:
        rows = errors.by_magnitude[errors.by_magnitude["mean_force"] > 0]
        for column, values in enumerate((MEV * rows["mae"], 100 * rows["relative"]), 1):
            figure.add_scatter(
                x=rows["mean_force"], y=values, mode="lines+markers", line=look.line(mark),
                marker={"size": 7}, name=mark.label, showlegend=False, row=1, col=column, customdata=rows["n_atoms"],
                hovertemplate=f"%{{x:.3g}} eV/Å: %{{y:.3g}} {'meV/Å' if column == 1 else '%'}, %{{customdata:.0f}} atoms<extra>{mark.label}</extra>",
            )  # fmt: skip
    figure.update_xaxes(type="log", title="mean reference |force| of the class (eV/Å)")
    figure.update_yaxes(type="log", title=f"mean |{word(compared)}| (meV/Å)", row=1, col=1)
    figure.update_yaxes(type="log", title="Relative to forces (%)", row=1, col=2)
    return look.finish(figure, [mark for mark, _ in compared], height=400)


def per_structure_figure(
    compared: "Compared", column: str, title: str, *, factor: float = MEV, look: Look = DESK
) -> go.Figure:
    """Draw one number of every structure.

    Parameters
    ----------
    compared : sequence of (Style, ForceErrors)
        One a configuration.
    column : str
        Of ``by_structure``.
    title : str
        Of the vertical axis, with the unit.
    factor : float
        From the record's unit to the one shown.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        A point's ``customdata`` is (structure,).
    """
    figure = go.Figure()
    for mark, errors in compared:
        rows = errors.by_structure.dropna(subset=[column])
        draw = figure.add_scattergl if len(rows) > MOST_POINTS else figure.add_scatter
        draw(
            x=rows["structure"], y=factor * rows[column], mode="markers", name=mark.label, showlegend=False,
            marker={"color": mark.color, "size": 2.8 * look.line_width, "opacity": 0.7},
            customdata=rows[["structure", "where", "formula"]].to_numpy(),
            hovertemplate="%{customdata[2]}, %{customdata[1]}<br>%{y:.3g}" + f"<extra>{mark.label}</extra>",
        )  # fmt: skip
    figure.add_hline(y=0, line=look.guide)
    figure.update_xaxes(title="structure (number in the data set)")
    figure.update_yaxes(title=title)
    return look.finish(figure, [mark for mark, _ in compared], height=400)


def energy_figure(compared: "Compared", *, look: Look = DESK) -> go.Figure:
    """Draw the error of the energy of every structure, meV/atom, after the offset."""
    return per_structure_figure(compared, "energy_error", f"energy {word(compared)} (meV/atom)", look=look)


def stress_figure(compared: "Compared", *, look: Look = DESK) -> go.Figure:
    """Draw the root mean square error of the stress of every structure, GPa."""
    title = f"RMS {word(compared)} of the stress (GPa)"
    return per_structure_figure(compared, "stress_rmse", title, factor=EV_PER_A3_IN_GPA, look=look)


def speed_figure(compared: "Compared", *, look: Look = DESK) -> go.Figure:
    """Draw accuracy beside speed: mean |ΔF| (meV/Å) against the time an atom (μs), both logarithmic, both measured here."""
    figure = go.Figure()
    for mark, errors in compared:
        if errors.us_per_atom is None:
            continue
        low, high = errors.intervals.get("mae", (errors.mae, errors.mae))
        figure.add_scatter(
            x=[errors.us_per_atom], y=[MEV * errors.mae], mode="markers", name=mark.label, showlegend=False,
            marker={"color": mark.color, "size": 13},
            error_y={"array": [MEV * (high - errors.mae)], "arrayminus": [MEV * (errors.mae - low)], "color": mark.color},
            hovertemplate="%{x:.3g} μs/atom, %{y:.3g} meV/Å" + f"<extra>{mark.label}</extra>",
        )  # fmt: skip
    figure.update_xaxes(type="log", title="time (μs/atom, in batches, beside other work)")
    figure.update_yaxes(type="log", title=f"mean |{word(compared)}| (meV/Å)")
    return look.finish(figure, [mark for mark, _ in compared], height=400)


def split_figure(splits: "Sequence[tuple[Style, ErrorSplit]]", *, look: Look = DESK) -> go.Figure:
    """Draw the mean square error as the sum of broken symmetry and the rest.

    Parameters
    ----------
    splits : sequence of (Style, ErrorSplit)
        One a configuration.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Bars of the share of ⟨RMSE²⟩ (%), written on them the root of each part (meV/Å).
    """
    figure = go.Figure()
    names = [mark.label for mark, _ in splits]
    parts = (("the rest of the error", "averaged_rmse", 0.35), ("broken rotational symmetry", "symmetry_rmse", 1.0))
    for title, field, alpha in parts:
        values = [getattr(split, field) for _, split in splits]
        totals = [split.total_rmse for _, split in splits]
        figure.add_bar(
            y=names, x=[100 * (v / t) ** 2 if t else 0 for v, t in zip(values, totals, strict=True)], orientation="h",
            name=title, showlegend=False, marker={"color": [translucent(mark.color, alpha) for mark, _ in splits]},
            text=[f"{MEV * v:.3g}" for v in values], textposition="auto", insidetextanchor="middle", textangle=0,
            hovertemplate=f"{title}: %{{text}} meV/Å, %{{x:.2g}} % of the mean square<extra>%{{y}}</extra>",
        )  # fmt: skip
    figure.update_xaxes(title="share of the mean square error (%)", range=[0, 100])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return look.finish(figure, height=90 + 44 * len(splits), barmode="stack")


def comparison_figure(comparison: "Comparison", *, look: Look = DESK) -> go.Figure:
    """Draw the difference of two configurations' errors on every structure, with its mean and interval (meV/Å)."""
    colors = look.ink
    values = MEV * comparison.differences
    figure = go.Figure(go.Histogram(x=values, nbinsx=60, marker={"color": colors.faint}, hovertemplate="%{x} meV/Å: %{y}<extra></extra>"))  # fmt: skip
    low, high = (MEV * edge for edge in comparison.interval)
    figure.add_vrect(x0=low, x1=high, fillcolor=colors.shade, line_width=0)
    figure.add_vline(x=MEV * comparison.difference, line={"color": colors.text, "width": 2})
    figure.add_vline(x=0, line={"color": colors.faint, "width": 1, "dash": "dot"})
    figure.update_xaxes(title="MAE of the first − MAE of the second, each structure (meV/Å)")
    figure.update_yaxes(title="structures")
    return look.finish(figure, height=300)


def _categories(table: pd.DataFrame, column: str) -> pd.DataFrame:
    if "tag" in table:
        return table[table["tag"] == column].set_index("value")
    return table.set_index(column)


def _largest(tables: Sequence[pd.DataFrame]) -> list[str]:
    """Categories in their own order; where there are too many, those with most atoms."""
    every = pd.concat([found["n_atoms"] for found in tables]).groupby(level=0, sort=False).max()
    return [name for name in every.index if name in set(every.nlargest(MOST_CATEGORIES).index)]


def _smooth(values: np.ndarray) -> np.ndarray:
    return np.convolve(np.pad(values, 2, mode="edge"), [0.1, 0.2, 0.4, 0.2, 0.1], mode="valid")


def _pattern(mark: Style) -> dict[str, object]:
    """Hatching that says in bars what the dash says in lines."""
    return {"shape": {"solid": "", "dash": "/", "dot": "."}[mark.dash], "size": 6, "solidity": 0.25}
