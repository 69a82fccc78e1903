"""A correction is one click away on the Rotations page, and every other page then shows it."""

from playwright.sync_api import expect


def test_a_corrected_configuration_is_found_on_relax(page):
    page.goto("/rotations?structure=si&lineup=pet-demo:direct,chgnet")
    page.get_by_role("button", name="Add PET demo · direct + octahedral").click()
    page.wait_for_url("**octahedral**")
    expect(page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')).to_be_visible()
    page.get_by_role("link", name="Relax", exact=True).first.click()
    page.get_by_role("button", name="Relax the line-up").click()
    expect(page.get_by_text("All results are there").first).to_be_visible()
    expect(page.locator(".legendtext", has_text="PET demo · direct + octahedral").first).to_be_visible()
