"""A structure or an animation as a view of py3Dmol, for a notebook or as one HTML page, without any other host.

This module loads py3Dmol; import it where a picture is drawn.
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import py3Dmol
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors

from mlip_core.errors import SettingsError
from mlip_core.structures.formula import formula
from mlip_core.viewing import fetch
from mlip_core.viewing.geometry import ball_radius, bonds, edges, hex_color, images, thinned

DrawStyle = Literal["ball-stick", "spheres"]

STICK = 0.105
"""Radius of a bond, Å."""
EDGE = {"color": "#8592a3", "radius": 0.024, "fromCap": 1, "toCap": 1}
"""An edge of the cell: a grey that shows on white and on black; the radius is in Å."""
FRONT = ((-76, "x"), (-24, "z"))
"""Rotations in degrees from 3Dmol's first view: c upwards, a to the right and a little towards the eye, seen from
slightly above."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; img-src data: blob:">
<title>{title}</title>
<style>
html, body {{ height: 100%; margin: 0; color-scheme: light dark; }}
body > div {{ width: 100% !important; height: 100% !important; }}
</style>
</head>
<body>
{view}
</body>
</html>
"""
"""The policy has the browser refuse every address outside of the page itself."""


class Picture(py3Dmol.view):
    """A view of py3Dmol that brings its own 3Dmol.js, so that it needs no network.

    Everything that py3Dmol offers can be asked of it: ``spin``, ``addLabel``, ``setStyle``, …
    """

    def __init__(self, *, title: str, width: str, height: str) -> None:
        super().__init__(width=width, height=height, js=_library())
        self._title = title

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a script with all it needs, and nothing that came from a file as text."""
        return self.write_html()

    def page(self) -> str:
        """Return one HTML page that fills the window and needs neither a server nor a network."""
        return _PAGE.format(title=self._title, view=self.write_html())


def picture(
    frames: Sequence[Atoms],
    *,
    supercell: tuple[int, int, int] = (1, 1, 1),
    style: DrawStyle = "ball-stick",
    fps: float = 12,
    width: str = "100%",
    height: str = "480px",
) -> Picture:
    """Draw a structure with its cell, or an animation.

    Parameters
    ----------
    frames : sequence of Atoms
        One structure, or the frames of an animation: the same atoms in the same order, in cells that may change.
    supercell : (int, int, int)
        How often the cell is repeated along its periodic directions.
    style : "ball-stick" or "spheres"
        Small balls joined by bonds, or spheres of the covalent radius.
    fps : float
        Frames a second.
    width, height : str
        Size as CSS spells it: "640px", "100%".

    Returns
    -------
    Picture

    Raises
    ------
    SettingsError
        If there is no atom to draw, or the frames hold different atoms.
    FetchError
        If 3Dmol.js is not installed here.
    """
    frames = _checked(frames)
    first, home = frames[0], _mean(frames)
    repeats = tuple(n if periodic else 1 for n, periodic in zip(supercell, first.pbc, strict=True))
    parent, shift = images(home, repeats)
    joined = bonds(first.numbers[parent], home.positions[parent] + shift @ home.cell.array)
    positions = np.round([frame.positions[parent] + shift @ frame.cell.array for frame in frames], 4)
    drawn = Picture(title=f"{formula(first)}, {len(first)} atoms", width=width, height=height)
    drawn.setBackgroundColor("white", 0)  # transparent, for light and dark pages
    drawn.addModel()
    drawn.getModel().addAtoms(_atoms(first.numbers[parent], positions[0], joined, style))
    _draw_cells(drawn, [frame.cell.array for frame in frames] if first.cell.rank == 3 else [])
    if len(frames) > 1:
        drawn.getModel().setCoordinates(positions.tolist(), "array")
        drawn.animate({"loop": "forward", "interval": 1000 / fps})
    for angle, axis in FRONT:
        drawn.rotate(angle, axis)
    drawn.zoomTo()
    return drawn


def _library() -> str:
    """Return 3Dmol.js as an address that holds the file itself."""
    if not fetch.LIBRARY.is_file():
        raise fetch.FetchError(f"3Dmol.js is not installed; run `{fetch.COMMAND}`.")
    return "data:text/javascript;base64," + b64encode(fetch.LIBRARY.read_bytes()).decode("ascii")


def _checked(frames: Sequence[Atoms]) -> list[Atoms]:
    """Return the frames that are drawn, at least one; refuse what is no animation."""
    if not frames or not len(frames[0]):
        raise SettingsError("there is no atom to draw")
    if any(not np.array_equal(frame.numbers, frames[0].numbers) for frame in frames):
        raise SettingsError("the frames of an animation must hold the same atoms in the same order")
    return [frames[k] for k in thinned(len(frames), len(frames[0]))]


def _mean(frames: list[Atoms]) -> Atoms:
    """Return the structure that the frames swing about: it decides which copies of an atom and which bonds are drawn."""
    home = frames[0].copy()
    home.positions = np.mean([frame.positions for frame in frames], axis=0)
    home.cell = np.mean([frame.cell.array for frame in frames], axis=0)
    return home


def _atoms(numbers: np.ndarray, positions: np.ndarray, pairs: np.ndarray, style: DrawStyle) -> list[dict[str, Any]]:
    """Describe atoms as 3Dmol.js takes them: numbers and chemical symbols only."""
    joined: list[list[int]] = [[] for _ in numbers]
    for i, j in pairs.tolist():
        joined[i].append(j)
        joined[j].append(i)
    return [
        {
            "elem": chemical_symbols[number],
            "serial": k,
            "index": k,
            "bonds": joined[k],
            "bondOrder": [1] * len(joined[k]),
            "style": _style(number, style),
            **dict(zip("xyz", positions[k].tolist(), strict=True)),
        }
        for k, number in enumerate(numbers.tolist())
    ]


def _style(number: int, style: DrawStyle) -> dict[str, Any]:
    color = hex_color(jmol_colors[number])
    if style == "spheres":
        return {"sphere": {"radius": float(covalent_radii[number]), "color": color}}
    return {"sphere": {"radius": ball_radius(number), "color": color}, "stick": {"radius": STICK, "color": color}}


def _draw_cells(drawn: Picture, cells: list[np.ndarray]) -> None:
    """Draw the edges of the cell, once where it stays, with each frame where it changes."""
    moving = any(not np.array_equal(cell, cells[0]) for cell in cells)
    for number, cell in enumerate(cells if moving else cells[:1]):
        frame = {"frame": number} if moving else {}
        for start, end in np.round(edges(cell), 4).tolist():
            ends = {"start": dict(zip("xyz", start, strict=True)), "end": dict(zip("xyz", end, strict=True))}
            drawn.addCylinder(EDGE | frame | ends)
