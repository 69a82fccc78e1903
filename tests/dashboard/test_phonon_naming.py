"""Points of a path by the names that people use."""

import numpy as np
import pytest

from dashboard.views.phonons.naming import around_gamma, gamma, name_of, point_name, special_points
from mlip_core.calculations.phonons.bands import QPath

PATH = QPath(
    qpoints=np.array([[0.0, 0, 0], [0.25, 0, 0.25], [0.5, 0, 0.5], [0.375, 0.375, 0.75], [0.3, 0.3, 0.6], [0, 0, 0], [0, 0, 0], [0.5, 0.5, 0.5]]),
    distances=np.array([0, 1, 2, 2, 2.5, 4.0, 4.0, 5.0]),
    segments=np.array([[0, 3], [3, 6], [6, 8]]),
    labels=("Γ", "X|K", "Γ", "L"),
    label_indices=np.array([0, 2, 5, 7]),
)  # fmt: skip


def test_ends_of_segments_have_names_also_where_the_path_jumps():
    assert special_points(PATH) == {0: "Γ", 2: "X", 3: "K", 5: "Γ", 6: "Γ", 7: "L"}
    assert point_name(PATH, 1) == "Γ–X 50 %"


def test_any_point_is_named_as_well_as_it_can_be():
    assert name_of(PATH, np.array([0.5, 0.5, 0.5])) == "L"
    assert name_of(PATH, np.zeros(3)) == "Γ"
    assert name_of(PATH, np.array([0.25, 0, 0.25])) == "Γ–X 50 %"
    assert name_of(PATH, np.array([0.1, -0.25, 0])) == "(0.1, −0.25, 0)"


def test_the_gamma_that_is_zoomed_at_has_two_sides():
    assert gamma(PATH) in (5, 6)
    assert around_gamma(PATH, 0.5) == pytest.approx((3.0, 4.5))
