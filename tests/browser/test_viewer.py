"""The 3D picture itself: something is drawn, it obeys, it keeps its camera, and text in it stays text."""

import numpy as np
import pytest
from ase.build import bulk, molecule
from playwright.sync_api import expect

from dashboard.widgets.viewer import Arrows

PATIENCE = 120_000
expect.set_options(timeout=PATIENCE)

PICTURE = "canvas => canvas.toDataURL()"
STILL = """canvas => new Promise(done => {
  const blank = document.createElement("canvas");
  let before = null;
  const look = () => {
    [blank.width, blank.height] = [canvas.width, canvas.height];
    const now = canvas.toDataURL();
    if (now === before && now !== blank.toDataURL()) return done(now);
    before = now;
    setTimeout(() => requestAnimationFrame(look), 100);
  };
  look();
})"""
INK = """canvas => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const pen = copy.getContext("2d");
  pen.drawImage(canvas, 0, 0);
  const pixels = pen.getImageData(0, 0, copy.width, copy.height).data;
  let drawn = 0;
  for (let k = 3; k < pixels.length; k += 4) drawn += pixels[k] > 0;
  return drawn / (copy.width * copy.height);
}"""


@pytest.fixture
def show(browser, viewer_page, tmp_path):
    """Open a page to take along in a browser that has no network."""
    context = browser.new_context(viewport={"width": 500, "height": 400}, offline=True)
    context.set_default_timeout(PATIENCE)

    def opened(structure, **options):
        path = tmp_path / "page.html"
        path.write_text(viewer_page(structure, **options), encoding="utf-8")
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("dialog", lambda dialog: page.errors.append(dialog.message) or dialog.dismiss())
        page.goto(path.as_uri())
        still(page)
        return page

    yield opened
    context.close()


def picture(page):
    return page.locator("canvas").first.evaluate(PICTURE)


def still(page):
    """Wait until something is drawn and no longer changes; return it."""
    canvas = page.locator("canvas").first
    expect(canvas).to_be_visible()
    return canvas.evaluate(STILL)


def test_the_picture_obeys_its_buttons_and_keys(show):
    page = show(bulk("Si", cubic=True))
    first = page.locator("canvas").evaluate(INK)
    assert 0.03 < first < 0.8, "the background must stay transparent, and something must be drawn"
    page.get_by_role("button", name="Zoom out").click()
    page.keyboard.press("Tab")
    assert page.locator("canvas").evaluate(INK) < first
    page.get_by_role("button", name="Reset the view").click()
    assert page.locator("canvas").evaluate(INK) == pytest.approx(first, rel=0.01)
    before = picture(page)
    page.locator(".viewer").focus()
    page.keyboard.press("ArrowLeft")
    assert picture(page) != before
    page.keyboard.press("0")
    assert picture(page) == before
    expect(page.locator(".legend")).to_have_text("Si")
    assert not page.errors


def test_a_click_names_the_atom(show):
    page = show(molecule("H2"))
    page.locator(".stage").click()  # the middle of a bond: nobody
    box = page.locator("canvas").bounding_box()
    for share in np.linspace(0.5, 0.9, 30):
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + share * box["height"])
        if page.locator(".note").inner_text():
            break
    expect(page.locator(".note")).to_contain_text("Hydrogen, atom")
    page.keyboard.press("Escape")
    expect(page.locator(".note")).to_have_text("")
    assert not page.errors


def test_frames_play_and_pause(show):
    start = molecule("H2O")
    frames = [start.copy() for _ in range(8)]
    for number, frame in enumerate(frames):
        frame.positions[1:, 2] += 0.1 * number
    page = show(frames, fps=10)
    expect(page.locator("output")).to_have_text("0 of 7")
    before = picture(page)
    page.get_by_role("button", name="Play or pause").click()
    expect(page.locator("output")).not_to_have_text("0 of 7")
    page.get_by_role("button", name="Play or pause").click()
    page.locator("input[type=range]").fill("7")
    expect(page.locator("output")).to_have_text("7 of 7")
    assert picture(page) != before
    assert not page.errors


def test_text_stays_text(show):
    evil = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"
    arrows = [Arrows(np.array([[0, 0, 1.0], [0, 0, -1.0]]), "#D55E00", evil)]
    page = show(molecule("H2"), labels=[evil, evil], arrows=arrows)
    expect(page.locator(".scale")).to_contain_text(evil)
    assert page.locator("img").count() == 0
    assert not page.errors


def test_the_camera_stays_when_the_page_runs_again(page, rerun):
    with rerun(page):
        page.goto("/structure?structure=si")
    start = still(page)
    page.get_by_role("button", name="Zoom out").click()
    page.locator(".viewer").focus()
    page.keyboard.press("ArrowLeft")
    turned = still(page)
    assert turned != start
    box = page.locator("canvas").first.bounding_box()
    with rerun(page):
        for share in np.linspace(0.5, 0.9, 30):  # choosing an atom runs the page again
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + share * box["height"])
            if page.locator(".note").inner_text():
                break
    expect(page.locator(".note")).to_contain_text("Silicon, atom")
    assert still(page) != turned, "the chosen atom is marked"
    with rerun(page):
        page.keyboard.press("Escape")
    expect(page.locator(".note")).to_have_text("")
    assert still(page) == turned
