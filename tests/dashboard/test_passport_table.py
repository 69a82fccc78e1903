"""What the Line-up card says about a law: a sign and words, never colour alone."""

import pytest

from dashboard.views.lineup.passport import figure, laws, verdict
from mlip_core.calculations.passport.calculation import LAWS, Law, Measure, Passport, PassportSettings
from mlip_core.models.model import Claims

CLAIMED = Claims(rotation=True, inversion=False, translation=True, conservative=None, smooth=True)
SMALL = Measure("forces", 2e-6, 1e-6, "eV/Å", 0.0)
LARGE = Measure("forces", 0.0234, 1e-6, "eV/Å", 0.0)


def found(measures):
    made = tuple(Law(name, getattr(CLAIMED, name), measures) for name in LAWS)
    return Passport("m", None, PassportSettings(), made, (2.0, 9.0), 1, 0.0)


@pytest.mark.parametrize(
    ("claimed", "measures", "says"),
    [
        (True, (SMALL,), "✓ Kept"),
        (True, (SMALL, LARGE), "✗ Broken (though claimed)"),
        (False, (LARGE,), "✗ Broken (not claimed)"),
        (False, (SMALL,), "✓ Kept here (not claimed)"),
        (None, (SMALL,), "✓ Kept here"),
        (None, (LARGE,), "✗ Broken here"),
        (True, (), "– Cannot be measured"),
    ],
)
def test_verdicts(claimed, measures, says):
    assert verdict(Law("rotation", claimed, measures)) == says


def test_figures_have_units_and_limits():
    assert figure(LARGE) == "forces 23 meV/Å (limit 0.03)"
    assert figure(Measure("forces", 0.12345, 2e-3, "eV/Å", 0.0)) == "forces 123 meV/Å (limit 60)"
    assert figure(Measure("forces", 4.8e-9, 1e-10, "eV/Å", 0.0)) == "forces 4.8×10⁻⁶ meV/Å (limit 3×10⁻⁶)"
    assert figure(Measure("gradient", 0.08, 1e-5, "eV/Å", 8e-4)) == "F + ∂E/∂x 80 meV/Å (limit 0.8)"


def test_kept_is_green_and_broken_is_not_whatever_was_claimed():
    green, red, amber = "rgba(0,158,115,.25)", "rgba(213,94,0,.25)", "rgba(230,159,0,.3)"
    kept, broken = laws(CLAIMED, found((SMALL,))), laws(CLAIMED, found((LARGE,)))
    assert [kept.count(color) for color in (green, red, amber)] == [5, 0, 0]
    assert [broken.count(color) for color in (green, red, amber)] == [0, 3, 2], "amber where nobody claimed it"
    assert broken.count("not built in, as stated") == 1
    assert "as stated" not in kept


def test_without_a_measurement_only_claims_are_shown():
    table = laws(CLAIMED, None)
    assert table.count("<dt") == len(LAWS)
    assert "kept" not in table
    assert table.count("built in") == 4
    assert "not stated" in table
