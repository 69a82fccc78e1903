"""Every page as it declares itself: empty, asked, answered, and opened again, without a browser."""

import ast
from pathlib import Path

import pytest

import dashboard
from dashboard.views import FOLDERS, PAGES, page_of
from dashboard.widgets.theme import style
from mlip_core.calculations import CALCULATIONS
from mlip_core.datasets.shelf import Shelf

ROOT = Path(dashboard.__file__).parent / "views"
ANY = ("structure", "lessons")
"""Pages that ask what others show."""
every_page = pytest.mark.parametrize("folder", FOLDERS)
asking = pytest.mark.parametrize("folder", [folder for folder, page in PAGES.items() if page.shows])


@pytest.fixture
def address(home, labelled_file):
    """A crystal, a data set and one configuration."""
    data = Shelf(home / "datasets").bring(labelled_file, "labelled.extxyz")
    return {"structure": "al", "data": data, "lineup": "pet-demo:direct"}


def test_every_folder_is_in_the_list():
    assert {path.parent.name for path in ROOT.glob("*/*.py")} == set(FOLDERS)


@every_page
def test_no_text_stands_alone_in_a_page(folder):
    """Streamlit would write it on the screen."""
    statements = ast.parse((ROOT / folder / "page.py").read_text(encoding="utf-8")).body[1:]
    assert not [item for item in statements if isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)]


def test_titles_and_addresses_are_told_apart():
    pages = list(PAGES.values())
    assert all(page.title.strip() and page.title[0].isupper() for page in pages)
    assert all(page.address == page.address.lower() and page.address.replace("-", "").isalpha() for page in pages)
    assert len({page.title for page in pages}) == len({page.address for page in pages}) == len(pages)


def test_every_calculation_is_shown_by_one_page():
    shown = [name for page in PAGES.values() for name in page.shows]
    assert sorted(shown) == sorted(CALCULATIONS)


@pytest.mark.parametrize("name", CALCULATIONS)
def test_the_figures_that_are_taken_along_are_drawn(answer, name):
    mark = style(0, constrained=True, corrected=False, label="EMT")
    for heading, figure in PAGES[page_of(name)].shows[name].figures([(mark, answer(name))]).items():
        assert heading[0].isupper()
        assert figure.data
        assert "EMT" in figure.to_json(), "whose it is"


@every_page
def test_an_empty_page_says_what_to_do_next(visitor, folder):
    app = visitor.open(folder)
    assert app.subheader or app.get("page_link")
    assert not app.warning
    subjects = {CALCULATIONS[name].subject for name in PAGES[folder].shows} | (
        {"structure"} if PAGES[folder].gathers else set()
    )
    links = [link.proto.page for link in app.get("page_link")]
    assert ("structure" in links) == ("structure" in subjects), "the way to where a structure is chosen"
    assert bool(visitor.start(app)) == ("data set" in subjects or folder == "lessons"), "they bring their own"


@every_page
def test_a_molecule_is_answered_or_refused_with_a_reason(visitor, folder):
    app = visitor.open(folder, structure="water", lineup="chgnet")
    asked = {run.kind for run in visitor.start(app)}
    mine = {*PAGES[folder].shows, *PAGES[folder].gathers}
    assert asked <= mine or folder in ANY, "they ask for other pages"
    assert asked or app.subheader or folder == "structure"


@asking
def test_a_page_asks_what_it_declares_and_draws_the_answers(visitor, address, answer, folder):
    app = visitor.open(folder, **address)
    empty, asked = body(app), set()
    while runs := visitor.start(app):
        assert {page_of(run.kind) for run in runs} == {folder}
        for run in runs:
            assert run.kind not in asked
            asked.add(run.kind)
            visitor.answer(run, answer(run.kind))
        visitor.run(app)
    assert asked == set(PAGES[folder].shows)
    assert not app.subheader
    assert body(app) != empty


def body(app):
    """Figures, tables and cards."""
    return [str(item.proto) for kind in ("plotly_chart", "arrow_data_frame", "html") for item in app.get(kind)]
