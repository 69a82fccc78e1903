"""The web process itself: how soon it answers, how large it is, what it has loaded after every page was visited."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dashboard.pages import PAGES

ADDRESSES = [page.address for page in PAGES.values()]

MEMORY = 350
"""MB, resident."""
HEAVY = re.compile(r"/(libtorch_cpu|libtorch_python|_phonopy|phonopy|chgnet|sevenn|metatomic|metatensor)[^/]*\.so")


def resident(process):
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def test_it_stays_small_and_loads_no_model_code(server, page, capsys):
    began = time.monotonic()
    page.goto("/")
    expect(page.get_by_text("on your own structure").first).to_be_visible()
    first = server.seconds_to_start + time.monotonic() - began
    small = resident(server.process.pid)
    for name in ADDRESSES:
        page.goto(f"/{name}?structure=si")
        expect(page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')).to_be_visible()
    large = resident(server.process.pid)
    with capsys.disabled():
        print(
            f"\nfirst page {first:.1f} s after the start (bar: 5 s); {small:.0f} MB, after every page {large:.0f} MB (bar: {MEMORY} MB)"
        )
    assert large < MEMORY
    assert not HEAVY.findall(Path(f"/proc/{server.process.pid}/maps").read_text())


def test_a_link_that_names_nothing_here_says_so(page):
    page.goto("/relax?structure=" + "0" * 32)
    expect(page.get_by_text("is not kept here").first).to_be_visible()


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_without_a_structure_has_a_next_step(page, name):
    page.goto(f"/{name}")
    expect(page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
