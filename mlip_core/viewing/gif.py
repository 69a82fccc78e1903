"""An animation as a GIF, drawn without a browser: for slides and messages."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data.colors import jmol_colors
from PIL import Image, ImageDraw

from mlip_core.errors import SettingsError
from mlip_core.viewing.geometry import ball_radius, bonds, edges, images

SIZE = 480
"""Width and height, px."""
_FINER = 2
"""Drawn this many times larger and reduced: smooth edges."""
_COLORS = 128
_STICK = 0.105
"""Radius of a bond, Å."""
_GREY = (133, 146, 163)
_ARROW_HEAD = 0.3
"""Å"""


def gif(
    frames: Sequence[Atoms], *, arrows: np.ndarray | None = None, color: str = "#0072B2", fps: float = 18.0
) -> bytes:
    """Draw an animation that runs for ever, on white, seen as the viewer shows it at first.

    Parameters
    ----------
    frames : sequence of Atoms
        The same atoms in the same order, in one cell.
    arrows : (n_atoms, 3) array, optional
        A vector at every atom, as long as it is drawn, Å.
    color : str
        Of the arrows, "#rrggbb".
    fps : float
        Frames a second; a GIF counts in hundredths of a second.

    Returns
    -------
    bytes
        Of 480 × 480 px.

    Raises
    ------
    SettingsError
        If there is no atom to draw, or the frames hold different atoms.
    """
    if not frames or not len(frames[0]):
        raise SettingsError("there is no atom to draw")
    if any(not np.array_equal(frame.numbers, frames[0].numbers) for frame in frames):
        raise SettingsError("the frames of an animation must hold the same atoms in the same order")
    home = frames[0].copy()
    home.positions = np.mean([frame.positions for frame in frames], axis=0)
    parent, shift = images(home, (1, 1, 1))
    moved = np.array([frame.positions[parent] + shift @ home.cell.array for frame in frames])
    pairs = bonds(home.numbers[parent], moved.mean(axis=0))
    outline = edges(home.cell.array) if home.cell.rank == 3 else np.zeros((0, 2, 3))
    vectors = None if arrows is None else np.asarray(arrows, dtype=float)[parent]
    camera = _Camera(np.concatenate([moved.reshape(-1, 3), outline.reshape(-1, 3)]))
    balls = {number: _ball(number, camera.scale) for number in set(home.numbers.tolist())}
    scene = _Scene(camera, balls, home.numbers[parent], pairs, outline)
    drawn = [scene.frame(positions, vectors, color) for positions in moved]
    return _written(drawn, fps)


class _Camera:
    """c upwards, a to the right and a little towards the eye, seen from slightly above; no perspective."""

    def __init__(self, points: np.ndarray) -> None:
        tilt, turn = np.radians([-76.0, -24.0])
        about_x = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
        about_z = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
        self._rotation = np.array(about_x) @ np.array(about_z)
        seen = points @ self._rotation.T
        low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
        self._middle = (low + high) / 2
        self.scale = SIZE * _FINER / (float((high - low).max()) + 1.8)
        """px of the large picture per Å."""

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where points are in the picture, (n, 2) px from its upper left corner, and how near, (n,) Å."""
        seen = points @ self._rotation.T
        flat = (seen[:, :2] - self._middle) * np.array([1, -1]) * self.scale + SIZE * _FINER / 2
        return flat, seen[:, 2]


@dataclass(frozen=True)
class _Scene:
    """What is the same in every frame."""

    camera: _Camera
    """From where the picture is taken."""
    balls: dict[int, Image.Image]
    """Pictures of the atoms by atomic number."""
    numbers: np.ndarray
    """(n,), atomic numbers."""
    pairs: np.ndarray
    """(n_bonds, 2), atoms that are joined."""
    outline: np.ndarray
    """(n_edges, 2, 3), edges of the cell, Å."""

    def frame(self, positions: np.ndarray, vectors: np.ndarray | None, color: str) -> Image.Image:
        """Draw what is far before what is near."""
        picture = Image.new("RGB", (SIZE * _FINER, SIZE * _FINER), "white")
        pen = ImageDraw.Draw(picture)
        for edge in self.outline:
            pen.line([tuple(point) for point in self.camera(edge)[0].tolist()], fill=_GREY, width=2)
        flat, near = self.camera(positions)
        things = [(float(near[[i, j]].mean()), i, j) for i, j in self.pairs.tolist()]
        things += [(depth, k, k) for k, depth in enumerate(near.tolist())]
        for _, i, j in sorted(things):
            if i == j:
                self._paste(picture, i, flat[i])
            else:
                self._bond(pen, i, j, flat)
        if vectors is not None:
            for start, vector in zip(positions, vectors, strict=True):
                _arrow(pen, self.camera, start, vector, color)
        return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)

    def _paste(self, picture: Image.Image, atom: int, place: np.ndarray) -> None:
        ball = self.balls[int(self.numbers[atom])]
        x, y = (place - ball.width / 2).round().astype(int).tolist()
        picture.paste(ball, (x, y), ball)

    def _bond(self, pen: ImageDraw.ImageDraw, i: int, j: int, flat: np.ndarray) -> None:
        """Half of a bond in the colour of each end."""
        middle = (flat[i] + flat[j]) / 2
        width = max(2, round(2 * _STICK * self.camera.scale))
        for end in (i, j):
            pen.line([*flat[end].tolist(), *middle.tolist()], fill=_color(int(self.numbers[end])), width=width)


def _arrow(pen: ImageDraw.ImageDraw, camera: _Camera, start: np.ndarray, vector: np.ndarray, color: str) -> None:
    (tail, tip), _ = camera(np.array([start, start + vector]))
    along = tip - tail
    length = float(np.linalg.norm(along))
    if length < 4 * _FINER:
        return
    along /= length
    head = min(_ARROW_HEAD * camera.scale, 0.6 * length)
    neck, across = tip - head * along, 0.45 * head * np.array([-along[1], along[0]])
    pen.line([*tail.tolist(), *neck.tolist()], fill=color, width=3 * _FINER)
    pen.polygon([tuple(point) for point in (tip, neck + across, neck - across)], fill=color)


def _ball(number: int, scale: float) -> Image.Image:
    """Draw a sphere with light from the upper left, on nothing."""
    radius = max(3.0, ball_radius(number) * scale)
    half = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1] / radius
    inside = x**2 + y**2
    depth = np.sqrt(np.clip(1 - inside, 0, 1))
    light = 0.45 + 0.6 * np.clip((-0.45 * x - 0.55 * y + 0.7 * depth), 0, 1)
    shaded = np.clip(np.array(jmol_colors[number]) * light[..., None], 0, 1)
    opaque = np.clip((1 - np.sqrt(inside)) * radius + 0.5, 0, 1)
    pixels = np.concatenate([shaded, opaque[..., None]], axis=2)
    return Image.fromarray((255 * pixels).round().astype(np.uint8), "RGBA")


def _color(number: int) -> tuple[int, int, int]:
    red, green, blue = (round(217 * float(part)) for part in jmol_colors[number])
    return red, green, blue


def _written(frames: list[Image.Image], fps: float) -> bytes:
    """Write the frames with the colours of the first."""
    first = frames[0].quantize(_COLORS)
    others = [frame.quantize(palette=first, dither=Image.Dither.NONE) for frame in frames[1:]]
    buffer = io.BytesIO()
    hundredths = max(2, round(100 / fps))
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=10 * hundredths, loop=0, optimize=False)
    return buffer.getvalue()
