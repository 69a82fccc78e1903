"""A structure as a picture that stands still: SVG, for pages that are printed."""

import numpy as np
from ase import Atoms
from ase.data.colors import jmol_colors

from mlip_core.viewing.geometry import ball_radius, bonds, edges, hex_color, images

TURN, TILT = -26.0, 12.0
"""From which side it is seen: turned about the vertical, then tilted towards the eye, degrees."""
_LINE = "stroke-linecap='round'"


def svg(atoms: Atoms, *, width: int = 230, height: int = 170) -> str:
    """Draw atoms, bonds and cell, what is behind first, in parallel projection; c points upwards.

    Parameters
    ----------
    atoms : Atoms
        At least one atom.
    width, height : int
        px.

    Returns
    -------
    str
        An ``<svg>`` element made of numbers only.
    """
    parent, shift = images(atoms, (1, 1, 1))
    positions, numbers = atoms.positions[parent] + shift @ atoms.cell.array, atoms.numbers[parent]
    lines = edges(atoms.cell.array) @ _eye() if atoms.cell.rank == 3 else np.zeros((0, 2, 3))
    seen = positions @ _eye()
    radii = np.array([ball_radius(int(number)) for number in numbers])
    everything = np.concatenate(
        [seen[:, :2] - radii[:, None], seen[:, :2] + radii[:, None], lines[..., :2].reshape(-1, 2)]
    )
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = float(min(np.array([width - 4, height - 4]) / np.maximum(high - low, 1e-9)))
    centre = (low + high) / 2

    def place(point: np.ndarray) -> tuple[float, float]:
        x, y = scale * (point[:2] - centre)
        return round(width / 2 + float(x), 1), round(height / 2 - float(y), 1)

    def line(one: np.ndarray, other: np.ndarray, color: str, thick: float) -> str:
        (x1, y1), (x2, y2) = place(one), place(other)
        return f"<line x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}' stroke='{color}' stroke-width='{thick:.1f}' {_LINE}/>"

    drawn = [(float(one[:, 2].min()) - 1e3, line(one[0], one[1], "#8592a3", 1.0)) for one in lines]
    for i, j in bonds(numbers, positions):
        depth = float(min(seen[i, 2], seen[j, 2]))
        drawn.append((depth, line(seen[i], seen[j], "#9aa5b1", 0.2 * scale)))
    for point, number, radius in zip(seen, numbers, radii, strict=True):
        x, y = place(point)
        color = hex_color(jmol_colors[number])
        ball = (
            f"<circle cx='{x}' cy='{y}' r='{scale * radius:.1f}' fill='{color}' stroke='#16202c' stroke-width='0.7'/>"
        )
        drawn.append((float(point[2]) + 1e-3, ball))
    parts = "".join(text for _, text in sorted(drawn, key=lambda part: part[0]))
    return f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 0 {width} {height}'>{parts}</svg>"


def _eye() -> np.ndarray:
    """Return the matrix (3, 3) that turns positions, as rows, into right, up and towards the eye."""
    turn, tilt = np.radians((TURN, TILT))
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    back = np.array([-np.sin(turn), np.cos(turn), 0.0])
    up = np.array([0.0, 0.0, 1.0]) * np.cos(tilt) + back * np.sin(tilt)
    return np.column_stack([right, up, np.cross(right, up)])
