"""Ticks of logarithmic axes, by arithmetic."""

import pytest

from dashboard.widgets.logarithmic import named, ticks, written


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([6.0, 900.0], [5, 10, 20, 50, 100, 200, 500, 1000]),
        ([0.03, 0.03], [0.01, 0.1]),
        ([2.0, 2.6], [2.0, 2.2, 2.4, 2.6]),
        ([1e-6, 1.0], [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]),
    ],
)
def test_ticks_enclose_the_values_and_are_as_dense_as_these_are_near(values, expected):
    found = [tick for tick in ticks(values) if 0.1 * min(values) < tick < 10 * max(values)]
    assert found[0] <= min(values) < max(values) * (1 + 1e-9) <= found[-1] * (1 + 1e-9)
    assert found == pytest.approx(expected)


def test_they_are_written_in_full_and_all_in_one_way():
    assert written([0.05, 200, 2000]) == ["0.05", "200", "2,000"]
    assert written([1e-6, 5e-6]) == ["10<sup>−6</sup>", "5×10<sup>−6</sup>"]


def test_an_axis_counts_what_is_drawn_along_it_and_a_range_that_is_set():
    axes = {"xaxis": {"type": "log", "range": [0.0, 2.0]}, "yaxis": {"type": "linear"}, "yaxis2": {"type": "log"}}
    found = named(axes, [{"x": [3, 4], "y": [1, 2]}, {"x": [3, 4], "y": [10, 0, 1000], "yaxis": "y2"}])
    assert set(found) == {"xaxis", "yaxis2"}
    for axis, low, high in (("xaxis", 1, 100), ("yaxis2", 10, 1000)):
        assert found[axis]["tickvals"][0] <= low
        assert high <= found[axis]["tickvals"][-1]
