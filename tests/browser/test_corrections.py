"""A correction is one click away on the Rotations page, and every other page then shows it."""

import re

from playwright.sync_api import expect


def test_a_corrected_configuration_is_found_on_relax(page, go, rerun, finished):
    page.goto("/rotations?structure=si&lineup=pet-demo:direct,soap-demo")
    with rerun(page):
        page.get_by_role("button", name="Add PET demo · direct + octahedral").click()
    page.wait_for_url("**octahedral**")
    go(page, "Relax")
    with rerun(page):  # forces and stresses that are no gradients may never come to rest
        page.get_by_role("spinbutton", name="Maximum steps").fill("5")
        page.keyboard.press("Enter")
    page.get_by_role("button", name=re.compile("^Relax")).click()
    finished(page)
    expect(page.locator(".legendtext", has_text="PET demo · direct + octahedral").first).to_be_visible()
