"""Relaxations side by side: energy, force, volume and space group against the step, live or finished."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import plotly.graph_objects as go

from dashboard.widgets.canvas import Canvas
from dashboard.widgets.theme import DESK, Look, Style
from dashboard.widgets.thinning import thinned

if TYPE_CHECKING:
    from mlip_core.calculations.relaxation.calculation import RelaxationResult

State = Literal["running", "converged", "stopped"]

_END = {"running": "circle-open", "converged": "circle", "stopped": "x"}
_WORK_TOLERANCE = 0.1
"""meV/atom: below it the work of the forces and the energy are one line."""
_LONGER = 10
"""How many times longer than the second longest a relaxation must be for its steps to be drawn on a logarithmic axis."""
_THIN = 0.85
"""Opacity of a second quantity in the same panel."""
_FLOOR = 1e-9
"""eV/Å: smaller forces are zero by symmetry and have no place on a logarithmic axis."""


@dataclass(frozen=True, kw_only=True)
class RelaxationTrace:
    """One configuration's relaxation, as far as it went; entry 0 of every array is the start."""

    style: Style
    """How it is drawn."""
    state: State
    """Whether it still runs, reached its criterion, or ended otherwise."""
    steps: np.ndarray
    """(n,), step numbers."""
    energy: np.ndarray
    """(n,), relative to the start, meV/atom."""
    fmax: np.ndarray
    """(n,), longest force on atoms and cell, the one that is compared with the criterion, eV/Å."""
    atoms_fmax: np.ndarray
    """(n,), longest force on an atom, eV/Å."""
    volume: np.ndarray | None
    """(n,), change relative to the start, per cent; None without a 3D cell."""
    groups: tuple[str | None, ...]
    """(n,), space group at the tight tolerance, "Fm-3m (225)"."""
    groups_loose: tuple[str | None, ...]
    """(n,), at the loose tolerance."""
    work: np.ndarray | None = None
    """(n,), work −Σ F·dx of the forces from the start, meV/atom; None where not known."""
    target: float | None = None
    """The criterion, eV/Å; None where not known."""

    @classmethod
    def from_result(cls, style: Style, result: "RelaxationResult") -> Self:
        """Take a finished relaxation."""
        per_atom = 1000 / len(result.structure)
        volumes = result.volumes
        return cls(
            style=style,
            state="converged" if result.converged else "stopped",
            steps=np.arange(len(result.energies)),
            energy=(result.energies - result.energies[0]) * per_atom,
            fmax=result.generalized_fmax,
            atoms_fmax=result.fmax,
            volume=None if volumes is None else (volumes / volumes[0] - 1) * 100,
            groups=result.space_groups,
            groups_loose=result.space_groups_loose,
            work=result.work * per_atom,
            target=result.settings.fmax,
        )

    @classmethod
    def from_rows(
        cls, style: Style, rows: Sequence[dict[str, Any]], *, n_atoms: int, target: float | None = None
    ) -> Self | None:
        """Take what a running relaxation has reported; None when that is nothing to draw yet.

        Parameters
        ----------
        style : Style
            How it is drawn.
        rows : sequence of dict
            Progress rows: ``done`` and ``values`` with energy (eV), fmax and
            generalized_fmax (eV/Å), volume (Å³), space_group, space_group_loose.
        n_atoms : int
            Atoms in the cell.
        target : float, optional
            The criterion, eV/Å.

        Returns
        -------
        RelaxationTrace or None
            Rows without an energy (other stages of the same run) are left out.
        """
        values = [(row["done"], row["values"]) for row in rows if row["values"].get("energy") is not None]
        if not values:
            return None

        def column(name: str) -> list[Any]:
            return [value.get(name) for _, value in values]

        energies = np.array(column("energy"), dtype=float)
        volumes = np.array(column("volume"), dtype=float)
        fmax = np.array(column("fmax"), dtype=float)
        general = np.array(column("generalized_fmax"), dtype=float)
        return cls(
            style=style,
            state="running",
            steps=np.array([done for done, _ in values]),
            energy=(energies - energies[0]) * 1000 / n_atoms,
            fmax=np.where(np.isnan(general), fmax, general),
            atoms_fmax=fmax,
            volume=None if np.isnan(volumes).any() else (volumes / volumes[0] - 1) * 100,
            groups=tuple(column("space_group")),
            groups_loose=tuple(column("space_group_loose")),
            target=target,
        )


def relaxation_figure(traces: Sequence[RelaxationTrace], *, look: Look = DESK) -> go.Figure:
    """Draw the relaxations of a line-up together, one panel a quantity, on one axis of steps.

    Parameters
    ----------
    traces : sequence of RelaxationTrace
        One a configuration, in the order of the line-up.
    look : Look
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Panels that would be empty (no cell, no symmetry) are left out.
    """
    panels = _panels(traces)
    rows = (len(panels) + 1) // 2
    figure = Canvas(rows=rows, cols=2, shared_xaxes="all", vertical_spacing=0.07, horizontal_spacing=look.gap(0.11))
    for number, panel in enumerate(panels):
        place = {"row": number // 2 + 1, "col": number % 2 + 1}
        for trace in traces:
            _draw(figure, trace, panel, place, look)
    _label(figure, panels, traces, look)
    marks = [trace.style for trace in traces]
    return look.finish(figure, marks, height=40 + 300 * rows, taller=1.25, uirevision="relaxation", hovermode="closest")


def _panels(traces: Sequence[RelaxationTrace]) -> list[str]:
    panels = ["energy", "fmax"]
    volumes = [trace.volume for trace in traces if trace.volume is not None]
    if any(len(volume) == 1 or np.ptp(volume) > 0 for volume in volumes):
        panels.append("volume")
    if any(group is not None for trace in traces for group in (*trace.groups, *trace.groups_loose)):
        panels.append("symmetry")
    return panels


def _draw(figure: Canvas, trace: RelaxationTrace, panel: str, place: dict[str, int], look: Look) -> None:
    line = look.line(trace.style)
    if panel == "energy":
        if trace.work is not None and np.abs(trace.work - trace.energy).max() > _WORK_TOLERANCE:
            _add(
                figure,
                trace,
                trace.work,
                place,
                line=_thin(trace, look),
                hover="work %{y:.3f} meV/atom",
                end=False,
                opacity=_THIN,
            )
            _name_work(figure, trace, trace.work, place, look)
        _add(figure, trace, trace.energy, place, line=line, hover="ΔE %{y:.3f} meV/atom")
    elif panel == "fmax":
        forces = np.where(trace.fmax > _FLOOR, trace.fmax, np.nan)
        extra = [f"{value:.3g}" for value in trace.atoms_fmax]
        hover = "atoms and cell %{y:.3g} eV/Å<br>atoms alone %{customdata} eV/Å"
        _add(figure, trace, forces, place, line=line, hover=hover, customdata=extra)
        if _cell_pulls(trace):
            atoms = np.where(trace.atoms_fmax > _FLOOR, trace.atoms_fmax, np.nan)
            thin = _thin(trace, look)
            _add(figure, trace, atoms, place, line=thin, hover="atoms alone %{y:.3g} eV/Å", end=False, opacity=_THIN)
    elif panel == "volume" and trace.volume is not None:
        _add(figure, trace, trace.volume, place, line=line, hover="ΔV %{y:.3f} %")


def _cell_pulls(trace: RelaxationTrace) -> bool:
    """Whether the cell moved too, so that the criterion is not the force on atoms alone."""
    return not np.allclose(trace.fmax, trace.atoms_fmax, equal_nan=True)


def _thin(trace: RelaxationTrace, look: Look) -> dict[str, Any]:
    """Line of a second quantity in the same panel."""
    return {"color": trace.style.color, "dash": "solid", "width": look.line_width / 2}


def _name_work(figure: Canvas, trace: RelaxationTrace, work: np.ndarray, place: dict[str, int], look: Look) -> None:
    """Write what the thin line is beside its end: as a point of its own, which finds its place on a logarithmic axis too."""
    figure.add_scatter(
        x=trace.steps[-1:],
        y=work[-1:],
        mode="text",
        text=["work "],
        textposition="middle left",
        textfont={"color": look.ink.text},
        hoverinfo="skip",
        **trace.style.group,
        **place,
    )


def _add(
    figure: Canvas,
    trace: RelaxationTrace,
    y: np.ndarray,
    place: dict[str, int],
    *,
    line: dict[str, Any],
    hover: str,
    end: bool = True,
    **options: Any,
) -> None:
    """Add a curve, thinned where it is long; its last point carries a mark that says how it ended."""
    kept = thinned(y)
    if "customdata" in options:
        options["customdata"] = [options["customdata"][index] for index in kept]
    sizes = np.zeros(len(kept))
    if end:
        sizes[-1] = 4 * line["width"]
    figure.add_scatter(
        x=trace.steps[kept],
        y=y[kept],
        mode="lines+markers" if end else "lines",
        line=line,
        marker={
            "size": sizes,
            "symbol": _END[trace.state],
            "color": trace.style.color,
            "opacity": 1,
            "line": {"width": 2 if trace.state == "running" else 0, "color": trace.style.color},
        },
        **trace.style.group,
        hovertemplate=f"<b>{trace.style.label}</b><br>step %{{x}}<br>{hover}<extra></extra>",
        **options,
        **place,
    )


def _symmetry(figure: Canvas, traces: Sequence[RelaxationTrace], place: dict[str, int], look: Look) -> None:
    """Draw space groups as steps: thick at the tight tolerance, thin at the loose one; members a little apart."""
    found = {group for trace in traces for group in (*trace.groups, *trace.groups_loose) if group is not None}
    levels = {group: level for level, group in enumerate(sorted(found, key=_number))}
    apart = 0.09
    for k, trace in enumerate(traces):
        shift = apart * (k - (len(traces) - 1) / 2)
        line = look.line(trace.style) | {"shape": "hv"}
        thin = {"color": trace.style.color, "width": look.line_width / 2, "shape": "hv"}
        for groups, drawn, tolerance in ((trace.groups_loose, thin, "loose"), (trace.groups, line, "tight")):
            y = np.array([np.nan if group is None else levels[group] + shift for group in groups])
            _add(
                figure, trace, y, place, line=drawn, hover=f"%{{customdata}} at the {tolerance} tolerance",
                end=tolerance == "tight", customdata=[group or "" for group in groups],
                opacity=1 if tolerance == "tight" else _THIN,
            )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(levels.values()),
        ticktext=[typeset(group) for group in levels],
        range=[-0.5, len(levels) - 0.5],
        side="right" if place["col"] == 2 else "left",
        **place,
    )


def _label(figure: Canvas, panels: list[str], traces: Sequence[RelaxationTrace], look: Look) -> None:
    which = ", atoms and cell" if any(map(_cell_pulls, traces)) else ""
    titles = {
        "energy": "energy − start (meV/atom)",
        "fmax": f"largest force{which} (eV/Å)",
        "volume": "volume − start (%)",
        "symmetry": None,
    }
    for number, panel in enumerate(panels):
        place = {"row": number // 2 + 1, "col": number % 2 + 1}
        figure.update_yaxes(title_text=titles[panel], **place)
        if panel == "fmax":
            figure.update_yaxes(type="log", tickfont_size=16 if look.projector else 11, **place)
            for target in sorted({trace.target for trace in traces if trace.target is not None}):
                figure.add_hline(target, line={**look.guide, "dash": "longdash"}, **place)
        elif panel == "symmetry":
            _symmetry(figure, traces, place, look)
        if number >= len(panels) - 2:
            figure.update_xaxes(title_text="step", showticklabels=True, **place)
    _scale_steps(figure, sorted(int(trace.steps[-1]) for trace in traces))
    if len(panels) % 2:
        figure.update_xaxes(visible=False, row=(len(panels) + 1) // 2, col=2)
        figure.update_yaxes(visible=False, row=(len(panels) + 1) // 2, col=2)


def _scale_steps(figure: Canvas, lengths: list[int]) -> None:
    """Give all panels one axis of steps: logarithmic where one relaxation alone would leave no room for the others.

    Step 0 has no place on a logarithmic axis, and is left out there.
    """
    longest = lengths[-1]
    if len(lengths) > 1 and longest >= _LONGER * max(lengths[-2], 1):
        figure.update_xaxes(type="log", range=[-0.03, 1.03 * np.log10(longest)])
    else:
        figure.update_xaxes(range=[-0.02 * max(longest, 4), 1.03 * max(longest, 4)], rangemode="nonnegative")


def typeset(group: str) -> str:
    """Write a space group, such as "P-42_1m (113)", with a bar and an index."""
    return re.sub(
        r"_(\d)", r"<sub>\1</sub>", re.sub(r"-(\d)", r'<span style="text-decoration:overline">\1</span>', group)
    )


def _number(group: str) -> int:
    found = re.search(r"\((\d+)\)", group)
    return int(found.group(1)) if found else 0
