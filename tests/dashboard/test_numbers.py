"""Numbers as people read them."""

import math

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.widgets.numbers import as_text, column, fixed, power


@pytest.mark.parametrize(
    ("value", "text"),
    [(-1.1785, "−1.18"), (0.0, "0.00"), (-0.001, "0.00"), (None, "–"), (math.nan, "–"), (12, "12.00")],
)
def test_a_column_has_one_precision(value, text):
    assert fixed(2)(value) == text


def test_a_factor_turns_the_unit():
    assert fixed(1, factor=1000)(-0.00125) == "−1.2"


@pytest.mark.parametrize(
    ("value", "text"),
    [(4.83e-6, "4.8×10⁻⁶"), (-2e12, "−2.0×10¹²"), (0.593, "0.59"), (0.0273, "0.027"), (0.0099, "9.9×10⁻³"),
     (0.00099, "9.9×10⁻⁴"), (0.999, "1.0"), (87.4, "87"), (0.0, "0"), (None, "–"), (math.inf, "–")],
)  # fmt: skip
def test_sizes_apart_are_written_by_powers_of_ten_where_zeros_would_hide_them(value, text):
    assert power()(value) == text


def test_text_stays_and_nothing_is_a_dash():
    assert [as_text(value) for value in ("PBE", "", None)] == ["PBE", "–", "–"]


def page():
    from dashboard.widgets.numbers import fixed, table

    table([{"configuration": "a *b*", "x": -0.5}, {"configuration": "c", "x": None}], {"x": ("x (Å)", fixed(1))})


def test_a_table_shows_a_row_a_configuration():
    shown = AppTest.from_function(page, default_timeout=60).run().table[0].value
    assert list(shown.columns) == ["x (Å)"]
    assert shown["x (Å)"].tolist() == ["−0.5", "–"]
    assert shown.index.tolist() == ["a \\*b\\*", "c"], "no markup"


@pytest.mark.parametrize(
    ("pattern", "values", "texts"),
    [
        ("%.3f", [-0.3716, 12.0, None], ["−0.372", "12.000", "–"]),
        ("%.1e", [4.83e-6, 0.13], ["4.8×10⁻⁶", "0.13"]),
        ("%.3g", [4.53, 87.0, 812.0], ["4.53", "87.00", "812.00"]),
        ("%.2g", [4.83e-6, 0.13], ["4.8×10⁻⁶", "0.13"]),
    ],
)
def test_a_column_of_a_table_has_one_precision(pattern, values, texts):
    assert [column(pattern, [v for v in values if v is not None])(value) for value in values] == texts


def test_other_patterns_are_left_to_the_table():
    assert column("localized", [1.0]) is None
