"""Pictures that empty pages show."""

import pytest
from PIL import Image

from dashboard.views import PAGES
from mlip_core.assets import asset

PICTURES = sorted(asset("pictures").glob("*.webp"))
MOST = 25_000
"""Bytes of one picture."""


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_is_small_and_belongs_to_a_page(path):
    folder, _, shade = path.stem.rpartition("-")
    assert folder in PAGES
    assert shade in ("light", "dark")
    assert path.with_name(f"{folder}-{'dark' if shade == 'light' else 'light'}.webp").is_file()
    assert path.stat().st_size <= MOST
    with Image.open(path) as picture:
        red, green, blue = picture.resize((1, 1)).getpixel((0, 0))
    assert (red + green + blue > 3 * 128) == (shade == "light")


def test_every_page_with_results_has_its_picture():
    asking = {folder for folder, page in PAGES.items() if page.shows or page.gathers}
    assert {path.stem.rpartition("-")[0] for path in PICTURES} == asking - {"lineup"} | {"start"}, (
        "cards fill the line-up"
    )


@pytest.mark.parametrize("folder", ["force_errors", "distillation"])
def test_a_page_of_other_things_says_what_its_picture_shows(visitor, folder):
    (picture,) = visitor.open(folder, structure="gaas").get("image")
    assert "Silicon as" not in picture.proto.imgs[0].caption
    assert picture.proto.imgs[0].caption.endswith("what this page shows.")


@pytest.mark.parametrize("address", [{}, {"structure": "si", "lineup": "soap-demo"}], ids=["no structure", "no result"])
def test_an_empty_page_shows_what_it_is_for(visitor, address):
    app = visitor.open("rotations", **address)
    (picture,) = app.get("image")
    assert "Silicon as two bundled models see it" in picture.proto.imgs[0].caption
    if not address:
        assert app.subheader[0].value == PAGES["rotations"].question


def test_a_page_with_nothing_to_show_but_figures_asks_its_question():
    needing = {
        "distillation", "summary", "relaxation", "phonons", "equation_of_state", "rotations", "conservation", "speed", "force_errors",
    }  # fmt: skip
    assert {folder for folder, page in PAGES.items() if page.question} == needing
    assert all(PAGES[folder].question.endswith("?") for folder in needing)
