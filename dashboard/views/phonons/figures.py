"""Phonons side by side: bands on one shared path, densities of states beside them, thermal properties."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import plotly.graph_objects as go

from dashboard.views.phonons.naming import around_gamma, gamma, special_points
from dashboard.widgets.canvas import Canvas
from dashboard.widgets.theme import DESK, Look, Style, translucent
from mlip_core.units import THZ_IN_CM1, THZ_IN_KELVIN, THZ_IN_MEV

if TYPE_CHECKING:
    from mlip_core.calculations.phonons import Phonons
    from mlip_core.calculations.phonons.bands import BandStructure
    from mlip_core.calculations.phonons.dos import TotalDos

Unit = Literal["THz", "cm⁻¹", "meV"]

FACTORS: dict[str, float] = {"THz": 1.0, "cm⁻¹": THZ_IN_CM1, "meV": THZ_IN_MEV}
"""One THz in each unit."""

IMAGINARY = 0.05
"""THz: below its negative a frequency is called imaginary; above, rounding at Γ."""

BOLTZMANN = THZ_IN_MEV / THZ_IN_KELVIN / 1000
"""k_B, eV/K."""
_MANY_POINTS = 15_000
"""More points than this are drawn by the graphics card."""
_HEADROOM = 0.04
"""Share of the frequency axis left free above and below."""
_FADED = 0.28
"""Opacity of those that are not accented."""
_ACOUSTIC = 3
"""Branches that a zoom at Γ shows."""


@dataclass(frozen=True, kw_only=True)
class PhononSeries:
    """One set of force constants of one configuration."""

    style: Style
    """How it is drawn."""
    bands: "BandStructure"
    """Frequencies along the shared path, THz."""
    dos: "TotalDos | None" = None
    """Density of states, modes/THz; None draws bands only."""
    raw: bool = False
    """Whether this is before the correction of the force constants; drawn thinner."""
    exact: tuple[int, ...] = ()
    """Index of q of points to mark with a circle: where a reference's supercell is exact."""

    @classmethod
    def from_result(cls, style: Style, result: "Phonons", *, raw: bool = False) -> Self:
        """Take the corrected or the raw half of a phonon calculation."""
        if raw:
            return cls(style=style, bands=result.raw_band_structure, dos=result.raw_total_dos, raw=True)
        return cls(style=style, bands=result.band_structure, dos=result.total_dos)

    @property
    def name(self) -> str:
        """What hover boxes say."""
        return f"{self.style.label} (raw)" if self.raw else self.style.label


def phonon_figure(
    series: Sequence[PhononSeries],
    *,
    unit: Unit = "THz",
    reference: PhononSeries | None = None,
    accent: str | None = None,
    at_gamma: bool = False,
    look: Look = DESK,
) -> go.Figure:
    """Draw the bands of a line-up on one path, with densities of states on the same frequency axis.

    Parameters
    ----------
    series : sequence of PhononSeries
        On one path; every point's ``customdata`` is its :func:`code`, for pages that let a branch be clicked.
    unit : str
        "THz", "cm⁻¹" or "meV".
    reference : PhononSeries, optional
        Drawn in broad grey under the others, its colour left aside.
    accent : str, optional
        Label of the configuration that is drawn above the others, which fade; by default all are alike.
    at_gamma : bool
        Show the acoustic branches about Γ only.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Imaginary frequencies are negative, on shaded ground.
    """
    figure = Canvas(rows=1, cols=2, column_widths=(0.8, 0.2), shared_yaxes=True, horizontal_spacing=0.015)
    if reference is not None:
        _add_reference(figure, reference, unit, color=look.ink.faint, width=2.5 * look.line_width)
    gl = sum(one.bands.frequencies.size for one in series) > _MANY_POINTS
    for place, one in sorted(enumerate(series), key=lambda pair: pair[1].style.label == accent):
        line = look.line(one.style)
        if one.raw:
            line["width"] = look.line_width / 2
        faded = accent is not None and one.style.label != accent
        _add_series(figure, one, unit, line, gl=gl, faded=faded, codes=(place, len(series)))
    drawn = [*series, *([reference] if reference else [])]
    _axes(figure, drawn, unit, look)
    if at_gamma:
        _zoom(figure, drawn, unit)
    return look.finish(
        figure,
        list(dict.fromkeys(one.style for one in series)),
        height=560,
        uirevision=f"phonons {unit}{' at Γ' * at_gamma}",
        hovermode="closest",
        clickmode="event+select",
        dragmode="zoom",
    )


def _add_series(
    figure: Canvas,
    one: PhononSeries,
    unit: str,
    line: dict[str, Any],
    *,
    gl: bool,
    faded: bool = False,
    codes: tuple[int, int] | None = None,
) -> None:
    """Draw bands and density of states; ``codes`` are place and number of series where points can be clicked."""
    factor = FACTORS[unit]
    x, y, points = _one_line(one.bands)
    kind = "scattergl" if gl else "scatter"
    picking: dict[str, Any] = {"mode": "lines", "hoverinfo": "skip"}
    if codes is not None:
        picking = {
            "mode": "lines+markers",
            "marker": {"size": 9, "opacity": 0, "color": line["color"]},
            "selected": {"marker": {"opacity": 1}},
            "unselected": {"marker": {"opacity": 0}},
            "customdata": code(*codes, len(one.bands.distances), points),
            "text": _named(one.bands, points),
            "hovertemplate": f"<b>{one.name}</b><br>%{{y:.4~g}} {unit}%{{text}}<extra></extra>",
        }
    shared: dict[str, Any] = {"line": line, "name": one.name, "legendgroup": one.style.label, "showlegend": False}
    opacity: dict[str, Any] = {"opacity": _FADED} if faded else {}
    figure.add(kind, x=x, y=y * factor, connectgaps=False, **opacity, **shared, **picking)
    if one.dos is not None:
        fill = {} if codes is None or one.raw else {"fill": "tozerox", "fillcolor": translucent(line["color"], 0.07)}
        if faded:
            shared["line"], fill = {**line, "color": translucent(line["color"], _FADED)}, {}
        figure.add_scatter(
            x=one.dos.density / factor, y=one.dos.frequencies * factor, mode="lines", hoverinfo="skip",
            **shared, **fill, row=1, col=2,
        )  # fmt: skip


def _add_reference(figure: Canvas, one: PhononSeries, unit: str, *, color: str, width: float) -> None:
    """Draw a broad pale line that thin ones can lie on, and circles where it is exact."""
    line = {"color": translucent(color, 0.5), "width": width}
    _add_series(figure, one, unit, line, gl=False)
    name = one.style.label
    figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=name, legendgroup=name, hoverinfo="skip")
    if one.exact:
        exact = list(one.exact)
        y = one.bands.frequencies[exact] * FACTORS[unit]
        figure.add_scatter(
            x=np.repeat(one.bands.distances[exact], y.shape[1]), y=y.ravel(), mode="markers", cliponaxis=False,
            marker={"symbol": "circle-open", "size": 2 * width, "color": color, "line": {"width": width / 4}},
            unselected={"marker": {"opacity": 1}}, legendgroup=name, showlegend=False, hoverinfo="skip", row=1, col=1,
        )  # fmt: skip


def _one_line(bands: "BandStructure") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """String all branches on one line with gaps between branches and segments.

    Returns
    -------
    x, y : (n,)
        Distance and frequency (THz), NaN where the pen is lifted.
    points : (n, 2)
        Index of q and branch of every point, −1 at the gaps.
    """
    order = np.concatenate([[*range(start, stop), -1] for start, stop in bands.segments])
    n_bands = bands.frequencies.shape[1]
    lifted = order < 0
    x = np.where(lifted, np.nan, bands.distances[order])
    y = np.where(lifted[:, None], np.nan, bands.frequencies[order])
    branch = np.repeat(np.arange(n_bands), len(order))
    q = np.tile(order, n_bands)
    x, y = np.tile(x, n_bands), y.T.ravel()
    return x.astype(np.float32), y.astype(np.float32), np.column_stack([q, np.where(q < 0, -1, branch)])


def code(place: int, n_series: int, n_q: int, points: np.ndarray) -> np.ndarray:
    """Number the points of a series so that one number tells whose, which q and which branch; see :func:`decode`.

    Parameters
    ----------
    place : int
        Place of the series among ``n_series`` drawn.
    n_series, n_q : int
        How many series, and how many points of q on their path.
    points : (n, 2) array
        Index of q and branch, −1 at the gaps.

    Returns
    -------
    (n,) array of int32
        −1 at the gaps. An array of plain numbers: rows of three cost more than all else in the figure.
    """
    q, branch = points.T
    return np.where(q < 0, -1, (branch * n_q + q) * n_series + place).astype(np.int32)


def decode(number: int, n_series: int, n_q: int) -> tuple[int, int, int]:
    """Return place of the series, index of q and branch of a point that :func:`code` numbered."""
    rest, place = divmod(number, n_series)
    branch, q = divmod(rest, n_q)
    return place, q, branch


def _named(bands: "BandStructure", points: np.ndarray) -> list[str]:
    """Say " at X" of points with a name, for hover boxes."""
    names = special_points(bands)
    return [f" at {names[q]}" if q in names else "" for q in points[:, 0].tolist()]


def _axes(figure: Canvas, series: Sequence[PhononSeries], unit: str, look: Look) -> None:
    bands = series[0].bands
    low, high = _frequency_range(series)
    factor = FACTORS[unit]
    places = bands.distances[bands.label_indices]
    figure.update_xaxes(
        tickvals=places,
        ticktext=list(bands.labels),
        range=[places[0], places[-1]],
        showgrid=False,
        ticks="",
        tickfont_size=22 if look.projector else 15,
        col=1,
    )
    for place in places[1:-1]:
        figure.add_vline(place, line=look.guide, opacity=0.55, layer="below", col=1)
    figure.update_yaxes(range=[low * factor, high * factor])
    figure.update_yaxes(title_text=f"frequency ({unit})", col=1)
    figure.update_xaxes(
        title_text=f"states/{unit}", showgrid=False, rangemode="tozero", nticks=3, ticklabelshift=8, col=2
    )
    if low < -IMAGINARY:
        figure.add_hrect(y0=low * factor, y1=0, fillcolor=look.ink.shade, line_width=0, layer="below")
        figure.add_annotation(
            text="imaginary", x=1, xref="x2 domain", xanchor="right", y=0, yref="y", yanchor="top", opacity=0.8
        )
    figure.add_hline(0, line=look.guide, layer="below")


def _zoom(figure: Canvas, series: Sequence[PhononSeries], unit: str) -> None:
    """Show the three lowest branches about Γ, and say where the path leads on either side."""
    bands = series[0].bands
    low, high = around_gamma(bands)
    inside = (bands.distances >= low) & (bands.distances <= high)
    lowest = [np.sort(one.bands.frequencies[inside], axis=1)[:, :_ACOUSTIC] for one in series]
    bottom, top = min(float(y.min()) for y in lowest), max(float(y.max()) for y in lowest)
    room = 2 * _HEADROOM * max(top - bottom, 1e-3)
    marks = bands.distances[bands.label_indices].tolist()
    before = [name.rpartition("|")[2] for name, x in zip(bands.labels, marks, strict=True) if x < low]
    after = [name.partition("|")[0] for name, x in zip(bands.labels, marks, strict=True) if x > high]
    ticks = {low: f"← {before[-1]}" if before else "", float(bands.distances[gamma(bands)]): "Γ"}
    ticks[high] = f"{after[0]} →" if after else ""
    figure.update_xaxes(range=[low, high], tickvals=list(ticks), ticktext=list(ticks.values()), col=1)
    figure.update_yaxes(range=[(bottom - room) * FACTORS[unit], (top + room) * FACTORS[unit]])


def _frequency_range(series: Sequence[PhononSeries]) -> tuple[float, float]:
    lowest = min(float(np.nanmin(one.bands.frequencies)) for one in series)
    highest = max(float(np.nanmax(one.bands.frequencies)) for one in series)
    room = _HEADROOM * max(highest, -lowest, 1e-3)
    return (lowest - room if lowest < -IMAGINARY else min(lowest, 0.0)), highest + room


def thermal_figure(results: Sequence[tuple[Style, "Phonons"]], *, look: Look = DESK) -> go.Figure:
    """Draw free energy, entropy and heat capacity against temperature.

    Parameters
    ----------
    results : sequence of (Style, Phonons)
        One a configuration.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        F in meV/atom; S and C_v in k_B/atom, with the classical limit 3.
    """
    figure = Canvas(rows=1, cols=3, horizontal_spacing=look.gap(0.075))
    for style, result in results:
        thermal = result.thermal
        line = look.line(style)
        note = f"<br>{thermal.imaginary_share:.1%} of the modes imaginary, left out" if thermal.imaginary_share else ""
        curves = (
            (thermal.free_energy * 1000, "F %{y:.2f} meV/atom"),
            (thermal.entropy / BOLTZMANN, "S %{y:.3f} k<sub>B</sub>/atom"),
            (thermal.heat_capacity / BOLTZMANN, "C<sub>v</sub> %{y:.3f} k<sub>B</sub>/atom"),
        )
        for number, (y, hover) in enumerate(curves):
            figure.add_scatter(
                x=thermal.temperatures, y=y, mode="lines", line=line, **style.group,
                hovertemplate=f"<b>{style.label}</b><br>%{{x:.0f}} K: {hover}{note}<extra></extra>", row=1, col=number + 1,
            )  # fmt: skip
    titles = (
        "free energy (meV/atom)",
        "entropy (k<sub>B</sub>/atom)",
        "heat capacity C<sub>v</sub> (k<sub>B</sub>/atom)",
    )
    for number, title in enumerate(titles):
        figure.update_yaxes(title_text=title, col=number + 1)
    figure.add_hline(3, line={**look.guide, "dash": "longdash"}, col=3)
    figure.update_xaxes(title_text="temperature (K)", rangemode="tozero")
    marks = [style for style, _ in results]
    return look.finish(figure, marks, height=380, uirevision="thermal", hovermode="closest")
