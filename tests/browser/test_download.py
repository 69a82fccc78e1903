"""From a name of the hub to its phonons, over a connection that breaks in the middle."""

import re

import pytest
from playwright.sync_api import expect

NAME = "pet-mad-s-v1.5.0.ckpt"


@pytest.fixture
def hub(toy_hub, tiny_pet):
    return toy_hub({NAME: (tiny_pet / "tiny.ckpt").read_bytes()})


@pytest.fixture
def server(hub, tmp_path, monkeypatch, request):
    """A server whose hub is the one of this test, with an empty cache."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return request.getfixturevalue("own_server")


@pytest.fixture
def downloaded(page, hub, rerun):
    """The page Line-up after PET-MAD S was chosen and came, through a cut in the middle."""
    size = len(hub.files[NAME])
    with rerun(page):
        page.goto("/lineup?structure=al&lineup=sevennet-0")
    page.get_by_role("combobox", name="Model").first.fill("PET-MAD S")
    page.keyboard.press("Enter")
    start = page.get_by_role("button", name=f"Download {size / 1e3:.0f} kB")
    expect(start).to_be_visible()
    expect(page.get_by_text("Version 1.5.0")).to_contain_text("licence of the weights: BSD-3-Clause")
    assert hub.asked == [], "nothing is downloaded before the click"

    hub.seconds_a_piece, hub.cut_after = 0.5, [size // 2, 0]
    start.click()
    expect(page.get_by_text(re.compile(r"^\d+ kB of \d+ kB · \d+ kB/s · about \d+ s left$"))).to_be_visible()
    hub.seconds_a_piece = 0.0
    expect(page.get_by_text("have come and are kept")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("PET-MAD S is", exact=False)).to_have_count(0)
    assert hub.asked == [0, size // 2, size // 2]
    return page


@pytest.mark.slow
def test_a_model_is_downloaded_through_a_cut_and_can_be_added(downloaded, rerun):
    add(downloaded, rerun)
    expect(downloaded.get_by_text("PET-MAD S · direct").first).to_be_visible()


@pytest.mark.slow
def test_a_model_that_was_downloaded_through_a_cut_gives_its_phonons(downloaded, hub, go, rerun, finished):
    page = downloaded
    add(page, rerun)
    with rerun(page):
        page.get_by_role("button", name="Remove").first.click()
    go(page, "Phonons")
    with rerun(page):
        page.get_by_text("Relax first", exact=True).click()  # a PET that was hardly trained has no minimum
    page.get_by_role("button", name="Compute phonons").click()
    finished(page)
    expect(page.locator(".ytitle", has_text="THz").first).to_be_visible()
    expect(page.get_by_text("PET-MAD S · direct").first).to_be_visible()
    assert len(hub.asked) == 3, "the worker found what the page had brought"


def add(page, rerun):
    """Add what is chosen on the page Line-up, with direct forces."""
    with rerun(page):
        page.get_by_role("radio", name="direct").click()
    with rerun(page):
        page.get_by_role("button", name="Add to the line-up").click()
