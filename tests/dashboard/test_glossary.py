"""Every term that a page explains, and only those, stands in the glossary."""

import pytest

from dashboard.views import PAGES
from dashboard.widgets.glossary import glossary


def test_pages_and_the_glossary_name_the_same_terms():
    assert {name for page in PAGES.values() for name in page.terms} == set(glossary())
    assert all(len(set(page.terms)) == len(page.terms) for page in PAGES.values())


@pytest.mark.parametrize("name", glossary())
def test_an_explanation_is_short_and_whole(name):
    term, words = glossary()[name]
    assert words.endswith(".")
    assert len(words.split()) <= 50
    assert term[0].isupper() or name in ("lambda", "symfc", "interval")
    assert len({shown for shown, _ in glossary().values()}) == len(glossary())


@pytest.mark.parametrize("folder", [folder for folder, page in PAGES.items() if page.terms])
def test_a_page_explains_its_own_terms_in_their_order(visitor, folder):
    app = visitor.open(folder)
    (popover,) = [one for one in app.get("popover") if one.proto.popover.label == "Terms"]
    said = [item.value for item in popover.markdown]
    assert said == [f"**{term}** — {words}" for term, words in map(glossary().__getitem__, PAGES[folder].terms)]
