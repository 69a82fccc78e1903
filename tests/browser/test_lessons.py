"""What has come with the program opens finished: each lesson with each of its steps, and each card of the start page."""

import re
import time

import pytest
from playwright.sync_api import expect

from dashboard.views import PAGES, page_of
from dashboard.widgets.numbers import raised
from mlip_core import records
from mlip_core.teaching.examples import examples
from mlip_core.teaching.lessons import lessons
from mlip_core.teaching.shipped import current, shipped

QUICK = "4-gradient"
EVERY = [
    pytest.param(lesson, id=lesson.id, marks=() if lesson.id == QUICK else pytest.mark.slow) for lesson in lessons()
]
PICTURE = ".js-plotly-plot .main-svg, [data-testid='stTable'], table.summary"
"""The first figure of a page; the summary's and that of the conservation are tables."""


@pytest.fixture(scope="module")
def answers():
    return shipped()


def said_of(step):
    """What the page of a step says whose results have come with the program; where the code has changed since, that they are older."""
    fresh = {task.key() for task in step.tasks} <= current().keys()
    return "All results are there" if fresh else "Computed by an earlier version"


def table_of(lesson, answers):
    """Rows as the page writes them: what, found and the verdict on it, of all steps."""
    return [
        (one.name, raised(f"{one.found(step.kind, records.load(answers[one.task.key()])):.3g}"), "✓ as expected")
        for step in lesson.steps
        for one in step.expected
    ]


def rows_of(page):
    """Rows that stand on the page, without what is expected."""
    rows = page.locator("table.lesson tbody tr").all()
    texts = [row.locator("td").all_inner_texts() for row in rows]
    return [(what, found.split(" ")[0], verdict) for what, found, _, verdict in texts]


@pytest.mark.parametrize("lesson", EVERY)
def test_a_lesson_is_finished_and_each_step_leads_to_its_page(page, rerun, answers, lesson):
    with rerun(page):
        page.goto("/lessons")
    if lesson != lessons()[0]:
        with rerun(page):
            page.get_by_text(lesson.title, exact=False).first.click()
    expect(page.get_by_role("heading", name=lesson.title)).to_be_visible()
    expect(page.get_by_text("✓ as expected")).to_have_count(sum(len(step.expected) for step in lesson.steps))
    assert rows_of(page) == table_of(lesson, answers)

    for number, step in enumerate(lesson.steps):
        with rerun(page):
            page.get_by_role("button", name="See it on its page").nth(number).click()
        expect(page).to_have_url(re.compile(f"/{PAGES[page_of(step.kind)].address}[?]"))
        assert {f"{choice}={str(chosen).lower()}" for choice, chosen in step.view.items()} <= set(
            page.url.lower().split("&")
        )
        expect(page.get_by_text(said_of(step)).first).to_be_visible()
        expect(page.locator(PICTURE).first).to_be_visible()
        text = page.get_by_test_id("stMain").inner_text()
        assert all(member.label in text for member in step.members)
        assert not page.get_by_test_id("stAlertContentError").count()
        with rerun(page):
            page.go_back()
        expect(page.get_by_role("heading", name=lesson.title)).to_be_visible()
        expect(page.get_by_text("✓ as expected")).to_have_count(sum(len(step.expected) for step in lesson.steps))


def test_one_click_shows_a_finished_example(page, capsys):
    took = {}
    for example in examples():
        page.goto("/")
        card = page.get_by_role("link", name=example.button)
        expect(card).to_be_visible()
        began = time.monotonic()
        card.click()
        page.wait_for_selector(PICTURE, timeout=60_000)
        took[example.button] = time.monotonic() - began
        expect(page).to_have_url(re.compile(f"/{PAGES[example.page].address}[?]"))
        assert not page.get_by_test_id("stAlertContentError").count()
    with capsys.disabled():
        print(
            "".join(f"\n{name}: {seconds:.1f} s from the click to the first figure" for name, seconds in took.items())
        )
