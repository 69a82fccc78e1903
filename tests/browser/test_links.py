"""A link, opened by somebody else, shows what its owner saw: settings, tab, the mode that was clicked, and the numbers."""

import time

import pytest
from playwright.sync_api import expect

from dashboard.views import PAGES, page_of
from mlip_core.teaching.lessons import lessons
from tests.browser.conftest import DESK

SHOWN = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  const seen = element => element.getClientRects().length > 0;
  const name = input => input.getAttribute('aria-label') || input.closest('label')?.innerText || input.id;
  const controls = [...main.querySelectorAll('input, textarea')].filter(input => input.type !== 'file').map(
    input => [['checkbox', 'radio'].includes(input.type) ? input.closest('label').innerText : name(input),
              ['checkbox', 'radio'].includes(input.type) ? input.checked : input.value]);
  const chosen = [...main.querySelectorAll('[aria-selected="true"], [aria-checked="true"], [aria-pressed="true"]')];
  const drawn = [...main.querySelectorAll('.js-plotly-plot')].filter(seen).map(plot => ({
    traces: plot._fullData.filter(one => one.visible === true).map(
      one => [one.name, one.line?.color, one.line?.dash, one.opacity, one.x?.length]),
    axes: Object.keys(plot._fullLayout).filter(key => /^[xy]axis[0-9]*$/.test(key)).map(key => plot._fullLayout[key]).map(
      axis => [axis.title.text, axis.type, axis.range.map(end => +(+end).toPrecision(4))]),
  }));
  return {
    text: main.innerText.split('\\n').map(line => line.trim()).filter(line => line),
    controls, chosen: chosen.map(one => one.innerText), drawn,
  };
}"""
"""What is on the page: texts, values of all controls, what is selected, and what is drawn in which axes."""
BRANCH = """() => {
  const plot = [...document.querySelectorAll('.js-plotly-plot')].find(one => one._fullData.some(trace => trace.customdata));
  const trace = plot._fullData.find(one => one.customdata && one.visible === true);
  const k = Math.floor(0.3 * trace.x.length), box = plot.getBoundingClientRect(), layout = plot._fullLayout;
  const axes = [layout[trace.xaxis.replace('x', 'xaxis')], layout[trace.yaxis.replace('y', 'yaxis')]];
  return [box.left + axes[0]._offset + axes[0].d2p(trace.x[k]), box.top + axes[1]._offset + axes[1].d2p(trace.y[k])];
}"""
"""Where a point of the first branch lies on the screen."""
SECONDS = 60
"""Until both pages have drawn everything."""


@pytest.fixture
def same_elsewhere(page, browser, idle):
    """Open the page's link in a browser that has never been here, and hold what it shows to what the page shows."""

    def check():
        idle(page)
        context = browser.new_context(**DESK)
        fresh = context.new_page()
        fresh.goto(page.url)
        idle(fresh)
        until = time.monotonic() + SECONDS
        while (mine := page.evaluate(SHOWN)) != (other := fresh.evaluate(SHOWN)) and time.monotonic() < until:
            fresh.wait_for_timeout(200)
        context.close()
        assert other == mine
        assert mine["drawn"]
        return mine

    return check


def test_a_link_carries_settings_tab_and_the_mode_that_was_clicked(page, rerun, idle, same_elsewhere):
    page.goto("/summary?structure=si")
    page.locator("table.summary [data-open='phonons:0']").first.click()
    page.wait_for_url("**/phonons?**")
    expect(page.locator(".ytitle", has_text="THz").first).to_be_visible()
    idle(page)
    plain = page.evaluate(SHOWN)
    for choice in ("meV", "Raw", "Thermal properties"):
        with rerun(page):
            page.get_by_text(choice, exact=True).first.click()
    idle(page)
    expect(page.locator(".ytitle", has_text="meV").first).to_be_visible()
    before = page.url
    page.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
    with rerun(page):
        page.mouse.click(*page.evaluate(BRANCH))
    assert "mode=" in page.url
    assert page.url != before
    changed = same_elsewhere()
    assert changed["drawn"] != plain["drawn"]
    assert {"meV", "Raw", "Thermal properties"} <= {text.strip() for text in changed["chosen"]}
    assert "Raw force constants." in " ".join(changed["text"])


@pytest.mark.slow
@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.id)
def test_a_link_to_what_a_lesson_shows_carries_its_settings(page, idle, same_elsewhere, lesson):
    page.goto(f"/lessons?lesson={lesson.id}")
    page.get_by_role("button", name="See it on its page").first.click()
    page.wait_for_url(f"**/{PAGES[page_of(lesson.steps[0].kind)].address}?**")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    idle(page)
    for member in lesson.steps[0].members:
        assert member.label in " ".join(same_elsewhere()["text"])
