"""What the pages say before a model is asked about something it does not know."""

import pytest
from ase.build import bulk, molecule

from dashboard.widgets.model_card import outside


@pytest.mark.parametrize("name", ["pet-demo", "soap-demo"])
def test_a_crystal_of_its_training_is_no_matter(name):
    assert outside(name, bulk("Si", "diamond", 5.46)) == ""
    assert outside(name, bulk("MgO", "rocksalt", 4.25, cubic=True)) == ""


def test_elements_it_does_not_cover_are_named():
    assert "is not trained on Zn: will be skipped" in outside("pet-demo", bulk("ZnO", "wurtzite", 3.25, 5.2))


@pytest.mark.parametrize("a", [3.6, 8.0])
def test_a_density_far_from_its_training_is_said(a):
    assert "Do not trust" in outside("pet-demo", bulk("Si", "diamond", a))


def test_a_combination_it_never_saw_is_said():
    assert "never saw" in outside("pet-demo", bulk("AlC", "rocksalt", 4.4))


def test_models_without_a_card_and_molecules_are_left_alone():
    assert outside("chgnet", bulk("Si", "diamond", 9.0)) == ""
    assert outside("soap-demo", molecule("CO2")) == ""
