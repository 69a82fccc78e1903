"""A person's first hour: a file of their own, two real models, relaxation seen live, phonons, and everything back after a reload."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import bring, two_states

CIF = """data_rocksalt
_symmetry_space_group_name_H-M 'F m -3 m'
_cell_length_a 4.30
_cell_length_b 4.30
_cell_length_c 4.30
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Mg1 Mg 0 0 0
O1 O 0.5 0.5 0.5
"""


def test_from_a_cif_to_compared_phonons_and_back(page, compute_phonons, finished):
    page.goto("/")
    expect(page.get_by_text("on your own structure").first).to_be_visible()
    bring(page, "mine.cif", CIF)
    expect(page.get_by_text("MgO", exact=True).first).to_be_visible()
    page.wait_for_url("**/structure?**")
    expect(page.get_by_text("Fm-3m (225)").first).to_be_visible()
    expect(page.get_by_role("button", name="Use the primitive cell (2 atoms)")).to_be_visible()

    page.goto(
        page.url.replace("/structure?", "/relax?") + "&lineup=chgnet,pet-demo:direct&rattle=0.1&fmax=0.001&steps=200"
    )
    page.get_by_role("button", name=re.compile("^Relax")).click()
    assert two_states(lambda: steps(page)), "no two different intermediate states were seen while it ran"
    finished(page)
    expect(page.locator("table").first).to_be_visible()

    compute_phonons(page)

    page.reload()
    finished(page)
    expect(page.locator(".ytitle", has_text="THz").first).to_be_visible()

    fresh = page.context.browser.new_context(base_url=page.url).new_page()
    fresh.goto("/runs")
    expect(fresh.get_by_test_id("stDataFrame")).to_be_visible(timeout=60_000)
    fresh.context.close()


def steps(page):
    """Steps that the lines of progress show, short of the end."""
    lines = page.get_by_text(re.compile(r"^\d+ of \d+$")).all_inner_texts()
    return {int(line.split(" ")[0]) for line in lines} - {0}


def test_a_bad_file_is_answered_in_words(page):
    page.goto("/")
    bring(page, "broken.cif", CIF.replace("_cell_length_a 4.30", "_cell_length_a four"))
    message = page.get_by_text("broken.cif cannot be used")
    expect(message).to_be_visible()
    assert "_cell_length_a" in message.inner_text()
    bring(page, "mine.cif", CIF)
    expect(message).to_have_count(0)
    expect(page.get_by_text("MgO", exact=True).first).to_be_visible()
