"""Figures drawn as plain dictionaries: Plotly checks every property at every call, which costs more than the figure."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.widgets.logarithmic import named

Cell = tuple[int, int]
"""Row and column of a panel, from 1."""

_PARENTS = ("font", "line", "marker", "tickfont", "title")
"""Properties whose parts may be named in one word, as in ``line_width``."""


class Canvas:
    """Collects what a figure shows, by the names of Plotly's own methods; nothing is checked on the way.

    Parameters
    ----------
    rows, cols : int
        Panels.
    **geometry
        What else :func:`plotly.subplots.make_subplots` takes of numbers and text: spacings, shared axes.
    """

    def __init__(self, rows: int = 1, cols: int = 1, **geometry: Any) -> None:
        self._cells = {(row, col): (row - 1) * cols + col for row in range(1, rows + 1) for col in range(1, cols + 1)}
        self._data: list[dict[str, Any]] = []
        self._layout: dict[str, Any] = deepcopy(_panels(rows, cols, tuple(sorted(geometry.items()))))
        self._drawn: set[Cell] = set()

    def add(self, kind: str, *, row: int = 1, col: int = 1, **trace: Any) -> None:
        """Add a trace of a kind ("scatter", "box", …) to a panel."""
        number = self._cells[row, col]
        axes = {"xaxis": _axis("x", number), "yaxis": _axis("y", number)}
        self._data.append({"type": kind, **axes, **_nested(trace)})
        self._drawn.add((row, col))

    def add_scatter(self, **trace: Any) -> None:
        """Add points or lines."""
        self.add("scatter", **trace)

    def add_box(self, **trace: Any) -> None:
        """Add a distribution."""
        self.add("box", **trace)

    def add_bar(self, **trace: Any) -> None:
        """Add bars."""
        self.add("bar", **trace)

    def update_layout(self, **layout: Any) -> None:
        """Change the layout; dictionaries are changed, not replaced."""
        _merge(self._layout, layout)

    def update_xaxes(self, *, row: int | None = None, col: int | None = None, **axis: Any) -> None:
        """Change horizontal axes: of one panel, of a row, of a column, or all."""
        self._update("xaxis", row, col, axis)

    def update_yaxes(self, *, row: int | None = None, col: int | None = None, **axis: Any) -> None:
        """Change vertical axes: of one panel, of a row, of a column, or all."""
        self._update("yaxis", row, col, axis)

    def add_hline(self, y: float, *, row: int | None = None, col: int | None = None, **line: Any) -> None:
        """Draw a horizontal line over the panels that show something."""
        self.add_hrect(y, y, row=row, col=col, type="line", **line)

    def add_vline(self, x: float, *, row: int | None = None, col: int | None = None, **line: Any) -> None:
        """Draw a vertical line over the panels that show something."""
        for number in self._shown(row, col):
            span = {"x0": x, "x1": x, "xref": _axis("x", number), "y0": 0, "y1": 1}
            self._add_shape({"type": "line", **span, "yref": f"{_axis('y', number)} domain", **line})

    def add_hrect(self, y0: float, y1: float, *, row: int | None = None, col: int | None = None, **area: Any) -> None:
        """Shade between two heights over the panels that show something."""
        for number in self._shown(row, col):
            span = {"y0": y0, "y1": y1, "yref": _axis("y", number), "x0": 0, "x1": 1}
            self._add_shape({"type": "rect", **span, "xref": f"{_axis('x', number)} domain", **area})

    def add_annotation(self, *, row: int = 1, col: int = 1, **annotation: Any) -> None:
        """Write a word at a place, by the axes of a panel unless it names others."""
        number = self._cells[row, col]
        place = {"xref": _axis("x", number), "yref": _axis("y", number)}
        self._layout.setdefault("annotations", []).append({**place, **_nested(annotation)})

    def name_ticks(self) -> None:
        """Name the ticks of logarithmic axes in full."""
        self.update_layout(**named(self._layout, self._data))

    def figure(self) -> go.Figure:
        """Return the figure; what it is made of was not checked."""
        return go.Figure({"data": self._data, "layout": self._layout}, _validate=False)

    def _update(self, name: str, row: int | None, col: int | None, axis: Mapping[str, Any]) -> None:
        axis = _nested(axis)
        if isinstance(axis.get("title"), str):
            axis["title"] = {"text": axis["title"]}
        for cell in self._chosen(row, col):
            _merge(self._layout.setdefault(_axis(name, self._cells[cell]), {}), axis)

    def _add_shape(self, shape: dict[str, Any]) -> None:
        self._layout.setdefault("shapes", []).append(_nested(shape))

    def _shown(self, row: int | None, col: int | None) -> list[int]:
        return [self._cells[cell] for cell in self._chosen(row, col) if cell in self._drawn]

    def _chosen(self, row: int | None, col: int | None) -> Iterator[Cell]:
        return (cell for cell in self._cells if row in (None, cell[0]) and col in (None, cell[1]))


@cache
def _panels(rows: int, cols: int, geometry: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """Layout of the panels, as Plotly lays them out."""
    layout: dict[str, Any] = make_subplots(rows, cols, **dict(geometry)).layout.to_plotly_json()
    layout.pop("template", None)
    return layout


def _axis(name: str, number: int) -> str:
    return name if number == 1 else f"{name}{number}"


def _nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``line_width=1`` as ``line={"width": 1}``, as Plotly does."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        first, _, rest = name.partition("_")
        _merge(found, {first: {rest: value}} if rest and first in _PARENTS else {name: value})
    return found


def _merge(old: dict[str, Any], new: Mapping[str, Any]) -> None:
    for name, value in new.items():
        if isinstance(value, Mapping) and isinstance(old.get(name), dict):
            _merge(old[name], value)
        else:
            old[name] = deepcopy(dict(value)) if isinstance(value, Mapping) else value
