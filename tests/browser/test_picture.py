"""The page that py3Dmol writes: drawn without a network, its atoms and its cell move, and nothing else runs."""

import re
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from playwright.sync_api import expect

import mlip_core as mlip
from mlip_core.structures import library_structure

PATIENCE = 120_000
UNIQUE = re.compile(r"3dmolviewer_(\d+)")
FRAMES = "() => Object.entries(window).find(([name]) => name.startsWith('viewer_'))[1].getNumFrames()"
SHOW = """frame => {
  const view = Object.entries(window).find(([name]) => name.startsWith("viewer_"))[1];
  view.pauseAnimate();
  return view.setFrame(frame).then(() => { view.render(); return document.querySelector("canvas").toDataURL(); });
}"""
WIDTHS = """url => new Promise((resolve) => {
  const picture = new Image();
  picture.onload = () => {
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [picture.width, picture.height];
    const pen = copy.getContext("2d");
    pen.drawImage(picture, 0, 0);
    const pixels = pen.getImageData(0, 0, copy.width, copy.height).data;
    const columns = new Set();
    for (let k = 3; k < pixels.length; k += 4) if (pixels[k]) columns.add((k >> 2) % copy.width);
    resolve(columns.size / copy.width);
  };
  picture.src = url;
})"""


@pytest.fixture
def opened(browser, tmp_path):
    context = browser.new_context(viewport={"width": 500, "height": 400}, offline=True)
    context.set_default_timeout(PATIENCE)

    def opening(subject, **options):
        path = tmp_path / "page.html"
        path.write_text(mlip.view(subject, **options).page(), encoding="utf-8")
        page = context.new_page()
        page.complaints, page.asked = [], []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: page.complaints.append(dialog.message) or dialog.dismiss())
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(path.as_uri())
        expect(page.locator("canvas")).to_be_visible(timeout=PATIENCE)
        return page

    yield opening
    context.close()


def test_the_picture_fills_the_page_and_asks_nobody(opened):
    page = opened(bulk("Si", cubic=True))
    box = page.locator("canvas").bounding_box()
    assert (box["width"], box["height"]) == (500, 400)
    share = page.evaluate(WIDTHS, page.locator("canvas").evaluate("canvas => canvas.toDataURL()"))
    assert 0.3 < share < 1
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    assert not page.complaints


def test_atoms_and_cell_follow_the_frames(opened):
    small = bulk("Si", cubic=True)
    large = small.copy()
    large.set_cell(1.5 * small.cell, scale_atoms=True)
    page = opened([small, large])
    assert page.evaluate(FRAMES) == 2
    first, second = (page.evaluate(WIDTHS, page.evaluate(SHOW, frame)) for frame in (0, 1))
    assert second > 1.3 * first
    assert not page.complaints


@pytest.mark.slow
def test_only_the_cell_changes_where_the_atom_stays(opened):
    small = bulk("Po", "sc", a=4.0)
    small.positions += 0.5 * np.array(small.cell.sum(axis=0))
    large = small.copy()
    large.set_cell(1.5 * small.cell)
    page = opened([small, large])
    first, second = (page.evaluate(WIDTHS, page.evaluate(SHOW, frame)) for frame in (0, 1))
    assert second > 1.2 * first
    assert not page.complaints


def test_a_hostile_name_runs_nothing(opened):
    evil = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"
    atoms = bulk("Si")
    atoms.info |= {"name": evil, evil: evil}
    atoms.set_array("labels", np.array([evil, evil]))
    page = opened(atoms)
    assert page.locator("img").count() == 0
    assert page.title() == "Si, 2 atoms"
    assert not page.complaints


def test_the_structure_page_gives_the_picture(page):
    page.goto("/structure?structure=si")
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="3D picture (HTML)").click()
    assert waiting.value.suggested_filename.endswith(".html")
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert text == re.sub(r"(?<=_)\d{10,}", UNIQUE.search(text).group(1), mlip.view(library_structure("si")).page())
