"""Published tables on the screen: values as they are, the best marked, source and version beside them."""

import pytest
from streamlit.testing.v1 import AppTest

from mlip_core.calculations.benchmarks.published import published


def script():
    from dashboard.views.force_errors.benchmarks import as_published
    from mlip_core.calculations.benchmarks.published import published

    for found in published().values():
        as_published(found)


@pytest.fixture
def screen():
    tested = AppTest.from_function(script, default_timeout=60).run()
    assert not tested.exception
    return tested


def test_each_table_is_shown_with_its_version_and_its_note(screen):
    for place, found in enumerate(published().values()):
        assert screen.dataframe[place].value.equals(found.table)
        heading = screen.markdown[place].value
        assert found.title in heading
        assert found.version in heading
        assert "published" in heading
        assert screen.caption[place].value.startswith(found.note)
        assert f"commit {found.commit[:8]}" in screen.caption[place].value
        assert found.url in screen.caption[place].value
    assert "2c7f9fc4 of 16 July 2026" in screen.caption[1].value


def test_the_best_value_of_a_column_is_marked():
    from dashboard.views.force_errors.benchmarks import _best_marked
    from dashboard.views.force_errors.comparison import BEST

    found = published()["matbench_discovery"]
    marked = _best_marked(found)._compute().ctx
    where = {
        (found.table["model"][row], found.table.columns[column]) for (row, column), style in marked.items() if style
    }
    assert where == {
        ("eSEN-30M-OAM", "f1"),
        ("PET-OAM-XL", "kappa_srme"),
        ("PET-OAM-XL", "rmsd"),
        ("Nequip-OAM-XL", "match_loose"),
        ("MACE-MPA-0", "match_tight"),
    }
    assert {style for styles in marked.values() for style in styles} == {("background-color", BEST)}
