"""The picture that stands still: all atoms inside the frame, what is nearer drawn later."""

from xml.etree import ElementTree

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from mlip_core.structures import library_structure
from mlip_core.viewing.flat import svg
from mlip_core.viewing.geometry import images

NAME = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    "structure", [library_structure("mgo"), library_structure("al-111"), molecule("H2O"), Atoms("H")]
)
def test_every_atom_is_inside_the_frame(structure):
    drawn = ElementTree.fromstring(svg(structure, width=200, height=100))
    balls = drawn.findall(f"{NAME}circle")
    assert len(balls) == len(images(structure, (1, 1, 1))[0])
    for ball in balls:
        x, y, radius = (float(ball.get(key)) for key in ("cx", "cy", "r"))
        assert radius - 0.2 <= x <= 200.2 - radius
        assert radius - 0.2 <= y <= 100.2 - radius


def test_c_points_upwards_and_what_is_nearer_comes_last():
    balls = ElementTree.fromstring(svg(Atoms("HO", [[0, 0, 0], [0, 0, 2.0]]))).findall(f"{NAME}circle")
    hydrogen, oxygen = sorted(balls, key=lambda ball: float(ball.get("r")))
    assert float(oxygen.get("cy")) < float(hydrogen.get("cy"))
    behind = Atoms("HO", [[0, 3.0, 0], [0, 0, 0]])
    order = [float(ball.get("r")) for ball in ElementTree.fromstring(svg(behind)).findall(f"{NAME}circle")]
    assert np.argmax(order) == 1, "oxygen, the larger one, stands before hydrogen"
