"""Back and forward: one press a page, and every page as it was left."""

import pytest
from playwright.sync_api import expect


def switched(page, name):
    return page.locator(f'label:has-text("{name}") input').first


def test_back_needs_one_press_a_page_and_finds_it_as_it_was_left(page, go, idle, rerun):
    page.goto("/rotations?structure=si&lineup=soap-demo,pet-demo:direct")
    idle(page)
    with rerun(page):
        page.get_by_text("Projector", exact=True).click()
    with rerun(page):
        page.get_by_text("Energy over the sphere").first.click()
    entries = page.evaluate("history.length")
    go(page, "Relax")
    go(page, "Phonons")  # one that the navigation has room for in large type
    assert page.evaluate("history.length") == entries + 2

    for path in ("/relax", "/rotations"):
        with rerun(page):
            page.go_back()
        assert page.url.partition("?")[0].endswith(path)
        assert "projector=true" in page.url
        expect(switched(page, "Projector")).to_be_checked()
    expect(switched(page, "Energy over the sphere")).to_be_checked()
    with rerun(page):
        page.go_forward()
    assert page.url.partition("?")[0].endswith("/relax")


@pytest.mark.parametrize("address", ["/relax?structure=si", pytest.param("/", marks=pytest.mark.slow)])
def test_the_first_page_is_one_entry_whatever_its_address_lacks(page, idle, address):
    page.goto("/_stcore/health")
    entries = page.evaluate("history.length")
    page.goto(address)
    idle(page)
    page.wait_for_url("**lineup=**")
    assert page.evaluate("history.length") == entries + 1
    if "structure" in address:
        assert "structure=si" in page.url
    page.go_back()
    assert page.url.endswith("/_stcore/health")
