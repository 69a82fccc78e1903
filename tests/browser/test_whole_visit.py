"""What a whole visit costs the app itself beside what it computes: four questions of the default line-up, one browser."""

import statistics
import time

import psutil
import pytest
from playwright.sync_api import expect

from dashboard.state import START
from tests.browser.visitor import bring

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]

SHARE = 0.1
"""Of the processor time of the workers, what the web process and the dispatcher together may take on an idle machine:
they watch as long as the workers take, which others stretch without a step more being computed."""
QUESTIONS = {
    "Relax": "Relax",
    "Phonons": "Compute phonons",
    "Rotations": "Measure the rotations",
    "Conservation": "Measure the conservation",
}
"""Title of a page: its button."""
WAIT = 1_800_000
"""ms until a page's answers are there, on a machine that others use too."""
SILICON = """8
Lattice="5.45 0 0 0 5.45 0 0 0 5.45" Properties=species:S:1:pos:R:3
Si 0 0 0
Si 0 2.725 2.725
Si 2.725 0 2.725
Si 2.725 2.725 0
Si 1.3625 1.3625 1.3625
Si 1.3625 4.0875 4.0875
Si 4.0875 1.3625 4.0875
Si 4.0875 4.0875 1.3625
"""
"""The conventional cell, a little too large: answers for silicon of the library come with the program."""


def processor(process):
    spent = process.cpu_times()
    return spent.user + spent.system


def spent(web):
    """Processor time of the web process, the dispatcher that it started, and the workers of that, s."""
    dispatchers = psutil.Process(web).children()
    workers = [worker for dispatcher in dispatchers for worker in dispatcher.children(recursive=True)]
    return [sum(map(processor, group)) for group in ([psutil.Process(web)], dispatchers, workers)]


def slowness():
    """How many times longer than its processor time something takes now, because others compute too."""
    began, processor = time.perf_counter(), time.process_time()
    while time.process_time() - processor < 0.02:
        pass
    return (time.perf_counter() - began) / 0.02


def test_a_visit_costs_a_tenth_of_what_it_computes(server, page, go, idle, capsys):
    page.goto("/")
    bring(page, "silicon.xyz", SILICON)
    page.wait_for_url("**/structure?**")
    page.goto(page.url + "&lineup=" + ",".join(START))
    expect(page.get_by_text("Fd-3m (227)").first).to_be_visible()
    idle(page)
    rows, slow, before = [], [], [server.processor_seconds(), 0.0, 0.0]
    for title, button in QUESTIONS.items():
        go(page, title)
        page.get_by_role("button", name=button).click()
        sure = page.get_by_role("button", name="Start", exact=True)
        expect(sure.or_(page.get_by_role("button", name="Cancel")).first).to_be_visible()
        if sure.count():
            sure.click()
        expect(page.get_by_text("All results are there")).to_be_visible(timeout=WAIT)
        expect(page.locator(".js-plotly-plot").first).to_be_visible()
        now = spent(server.process.pid)
        slow.append(slowness())  # while our own workers rest
        rows.append([title, *(after - earlier for after, earlier in zip(now, before, strict=True))])
        before = now
    web, dispatcher, workers = (sum(row[column] for row in rows) for column in (1, 2, 3))
    share, others = (web + dispatcher) / workers, statistics.median(slow)
    with capsys.disabled():
        print("\nprocessor time, s: web process, dispatcher, workers")
        for title, *seconds in [*rows, ["all", web, dispatcher, workers]]:
            print(f"  {title:14s}" + "".join(f"{value:9.1f}" for value in seconds))
        print(
            f"web process and dispatcher take {share:.3f} of what the workers take, on a machine {others:.1f} times slowed "
            f"(bar: {SHARE} on an idle one)"
        )
    assert share <= SHARE * others
