"""The web process itself: how soon it answers, how large it is, what it has loaded after every page was visited."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dashboard.views import PAGES
from tests.browser.conftest import Server

START = 5
"""s of the processor, from the start of the web process to its first page."""
MEMORY = 350
"""MB, resident."""
HEAVY = re.compile(r"/(libtorch_cpu|libtorch_python|_phonopy|phonopy|chgnet|sevenn|metatomic|metatensor)[^/]*\.so")

CRYSTAL = """2
Lattice="0 2.7 2.7 2.7 0 2.7 2.7 2.7 0" Properties=species:S:1:pos:R:3 name="</script><script>alert(2)</script>"
Si 0 0 0
Si 1.35 1.35 1.35
"""
HOSTILE = {"name": "<img src=x onerror=alert(1)>.xyz", "mimeType": "text/plain", "buffer": CRYSTAL.encode()}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One of this file's own: what a server takes depends on how much others have looked at before."""
    running = Server(tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


def resident(process):
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def test_hostile_text_is_shown_on_every_page_by_a_small_process_without_model_code(server, page, go, rerun, capsys):
    """One walk over all pages: nothing runs, nothing is asked elsewhere, nothing heavy is loaded."""
    ran = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    began = server.processor_seconds()
    with rerun(page):
        page.goto("/")
    first = server.seconds_to_start + server.processor_seconds() - began
    small = resident(server.process.pid)
    page.locator("input[type=file]").set_input_files(HOSTILE)
    expect(page.get_by_text("Fd-3m (227)").first).to_be_visible()
    home, *others = PAGES.values()
    for one in others:
        go(page, one.title)
        expect(page).to_have_url(re.compile(f"/{one.address}[?]"))
        if one.title != "Lessons":  # which bring structures of their own
            expect(page.get_by_text(HOSTILE["name"].partition(".")[0]).first).to_be_visible()
    go(page, home.title)
    expect(page).to_have_url(re.compile("/[?]"))
    assert not ran
    assert not page.outside
    large = resident(server.process.pid)
    with capsys.disabled():
        print(
            f"\nfirst page after {first:.1f} s of the processor (bar: {START} s); {small:.0f} MB, after every page {large:.0f} MB (bar: {MEMORY} MB)"
        )
    assert first < START
    assert large < MEMORY
    assert not HEAVY.findall(Path(f"/proc/{server.process.pid}/maps").read_text())


def test_a_link_that_names_nothing_here_says_so(page):
    page.goto("/relax?structure=" + "0" * 32)
    expect(page.get_by_text("is not kept here").first).to_be_visible()
