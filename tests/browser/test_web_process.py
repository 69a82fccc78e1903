"""The web process itself: how soon it answers, how large it is, what it has loaded after every page was visited."""

import re
from pathlib import Path

from playwright.sync_api import expect

from dashboard.views import PAGES

START = 5
"""s of the processor, from the start of the web process to its first page."""
MEMORY = 350
"""MB, resident."""
HEAVY = re.compile(r"/(libtorch_cpu|libtorch_python|_phonopy|phonopy|chgnet|sevenn|metatomic|metatensor)[^/]*\.so")


def resident(process):
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def test_it_stays_small_and_loads_no_model_code(server, page, rerun, capsys):
    began = server.processor_seconds()
    with rerun(page):
        page.goto("/")
    first = server.seconds_to_start + server.processor_seconds() - began
    small = resident(server.process.pid)
    _, *others = PAGES.values()
    for address in ["", *(one.address for one in others)]:
        with rerun(page):
            page.goto(f"/{address}?structure=si")
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
