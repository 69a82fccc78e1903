"""The navigation: every page in one look, also in large type."""

import pytest
from playwright.sync_api import expect

from dashboard.views import PAGES


@pytest.mark.parametrize("projector", ["false", "true"])
def test_every_page_is_in_one_look(page, idle, projector):
    page.goto(f"/speed?structure=si&lineup=soap-demo&projector={projector}")
    idle(page)
    for width in (1280, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        for declared in PAGES.values():
            link = page.get_by_test_id("stTopNavLink").filter(has_text=declared.title).first
            expect(link).to_be_in_viewport(ratio=1)
        bar = page.get_by_test_id("stHeader").bounding_box()
        content = page.get_by_test_id("stMainBlockContainer").locator("[data-testid=stMarkdown]").first.bounding_box()
        assert bar["y"] + bar["height"] <= content["y"], "it lies over nothing"


def test_present_hides_the_controls_but_not_the_button_of_an_empty_page(page):
    page.goto("/phonons?structure=ge&lineup=sevennet-0&present=true")
    expect(page.get_by_role("button", name="Compute phonons")).to_be_visible()
    page.goto("/rotations?structure=si&present=true")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.locator(".st-key-controls")).to_be_hidden()
