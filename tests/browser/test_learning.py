"""Learn a structure of one's own: symmetry seen being learned, and both heads of the student beside its teacher."""

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.visitor import bring, two_states

CIF = """data_gallium_arsenide
_symmetry_space_group_name_H-M 'P 1'
_cell_length_a 3.997
_cell_length_b 3.997
_cell_length_c 3.997
_cell_angle_alpha 60
_cell_angle_beta 60
_cell_angle_gamma 60
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Ga1 Ga 0 0 0
As1 As 0.25 0.25 0.25
"""
EPOCHS = 60
DRAWN = "() => (document.querySelector('.js-plotly-plot')?.data?.[0]?.x ?? []).length"
"""Number of epochs in the figure, the start among them."""


@pytest.mark.slow
def test_a_structure_is_learned_and_its_student_compared(page, compute_phonons, rerun, finished):
    page.goto("/")
    bring(page, "mine.cif", CIF)
    page.wait_for_url("**/structure?**")
    expect(page.get_by_text("GaAs", exact=True).first).to_be_visible()

    asked = f"&learn_structures=8&learn_epochs={EPOCHS}"
    page.goto(page.url.replace("/structure?", "/learn?") + asked)
    expect(page.get_by_text("variants with about")).to_be_visible()
    page.get_by_role("button", name="Learn this structure").click()
    assert two_states(lambda: epochs(page)), "no two different states of learning were seen while it ran"
    finished(page)
    expect(page.get_by_text("on variants that it never met")).to_be_visible()
    assert page.evaluate(DRAWN) == EPOCHS + 1

    with rerun(page):
        page.get_by_role("button", name="Add both to the line-up").click()
    expect(page.get_by_text("Both heads are in the line-up")).to_be_visible()

    compute_phonons(page)
    legend = page.locator(".legendtext").all_text_contents()
    assert sum("GaAs" in name for name in legend) == 2, legend
    assert any("SevenNet-0" in name for name in legend), legend


@pytest.mark.slow
def test_a_student_whose_worker_was_killed_goes_on_where_it_was(page, server, finished):
    asked = f"&learn_structures=9&learn_epochs={EPOCHS}"  # not the question of the test above
    page.goto("/learn?structure=cu" + asked)
    page.get_by_role("button", name="Learn this structure").click()
    page.wait_for_function(f"{DRAWN} >= 4", timeout=300_000)  # the start and three epochs
    for process in psutil.Process(server.process.pid).children(recursive=True):
        if "spawn_main" in " ".join(process.cmdline()):
            process.kill()
    again = page.get_by_role("button", name="Retry")
    again.click()
    expect(again).to_have_count(0)
    seen = set()
    while not page.get_by_text("All results are there").count():
        seen |= epochs(page)
        page.wait_for_timeout(100)
    assert min(seen, default=0) >= 4, "it began anew"
    finished(page)
    assert page.evaluate(DRAWN) == EPOCHS + 1


def epochs(page):
    """Number of epochs that the figure shows, short of the end."""
    return {page.evaluate(DRAWN)} & set(range(1, EPOCHS + 1))
