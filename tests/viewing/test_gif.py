"""An animation as a GIF: as many frames as there are, at their pace, and atoms that move as far as they should."""

import io

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from PIL import Image

from mlip_core.errors import SettingsError
from mlip_core.viewing.gif import SIZE, gif


def pictures(content):
    opened = Image.open(io.BytesIO(content))
    frames = []
    for place in range(opened.n_frames):
        opened.seek(place)
        frames.append(np.asarray(opened.convert("RGB"), dtype=float))
    return opened, frames


def middle(picture, color):
    """Where the pixels are that are most of one primary colour."""
    others = [channel for channel in range(3) if channel != color]
    rows, columns = np.nonzero(picture[..., color] - picture[..., others].max(axis=2) > 60)
    return np.array([columns.mean(), rows.mean()])


def test_atoms_move_as_far_as_they_should():
    still = Atoms("OCl", [[0, 0, 0], [3, 0, 0]])  # red and green
    moved = still.copy()
    moved.positions[1, 0] += 0.6
    _, (first, second) = pictures(gif([still, moved]))
    ruler = middle(first, 1) - middle(first, 0)
    np.testing.assert_allclose(middle(second, 1) - middle(first, 1), 0.2 * ruler, atol=1.5)
    np.testing.assert_allclose(middle(second, 0), middle(first, 0), atol=1.0)
    assert ruler[0] > 0.5 * SIZE, "it fills the picture, a to the right"


def test_frames_run_for_ever_at_their_pace():
    frames = [bulk("Si", cubic=True) for _ in range(6)]
    for place, frame in enumerate(frames):
        frame.positions[0, 2] += 0.1 * place
    opened, drawn = pictures(gif(frames, fps=25))
    assert (opened.n_frames, opened.size) == (6, (SIZE, SIZE))
    assert opened.info["duration"] == 40
    assert opened.info["loop"] == 0
    assert (drawn[0][0, 0] == 255).all(), "on white"


def test_an_arrow_points_where_its_vector_does():
    atoms = Atoms("OCl", [[0, 0, 0], [3, 0, 0]])
    plain = pictures(gif([atoms]))[1][0]
    drawn = pictures(gif([atoms], arrows=np.array([[0, 0, 0], [0, 0, 0.8]]), color="#0000ff"))[1][0]
    tip, chlorine = middle(drawn, 2), middle(plain, 1)
    assert tip[1] < chlorine[1] - 5, "z is up"
    assert abs(tip[0] - chlorine[0]) < 3


def test_what_is_no_animation_is_refused():
    with pytest.raises(SettingsError, match="no atom"):
        gif([])
    with pytest.raises(SettingsError, match="same atoms"):
        gif([Atoms("H"), Atoms("O")])
