"""What people come to do, from the first click to what was computed: own structures, corrections, labelled structures.

All in one file, so that one server's workers load their packages and models for all of them."""

import io
import re

import pytest
from ase.io import read, write
from playwright.sync_api import expect

from mlip_core.assets import asset
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

BAD = 7
"""The frame whose forces get the opposite sign."""

WORST_POINT = """() => {
  const graph = document.querySelector('.js-plotly-plot');
  const trace = graph._fullData.find(one => one.customdata);
  let worst = 0;
  for (let k = 0; k < trace.x.length; k++)
    if (Math.abs(trace.x[k] - trace.y[k]) > Math.abs(trace.x[worst] - trace.y[worst])) worst = k;
  const box = graph.getBoundingClientRect();
  const layout = graph._fullLayout, x = layout.xaxis, y = layout.yaxis;
  return [box.left + x._offset + x.d2p(trace.x[worst]), box.top + y._offset + y.d2p(trace.y[worst])];
}"""


def test_from_a_cif_to_compared_phonons_and_back(page, compute_phonons, finished):
    page.goto("/")
    expect(page.get_by_text("on your own structure").first).to_be_visible()
    bring(page, "mine.cif", CIF)
    expect(page.get_by_text("MgO", exact=True).first).to_be_visible()
    page.wait_for_url("**/structure?**")
    expect(page.get_by_text("Fm-3m (225)").first).to_be_visible()
    expect(page.get_by_role("button", name="Use the primitive cell (2 atoms)")).to_be_visible()

    page.goto(
        page.url.replace("/structure?", "/relax?")
        + "&lineup=pet-demo:conservative,pet-demo:direct&rattle=0.1&fmax=0.001&steps=200"
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


@pytest.fixture(scope="module")
def upload():
    every = read(asset("reference", "rattled.extxyz"), ":")
    frames = [a for a in every if a.info["name"] == "Si"][:9] + [a for a in every if a.info["name"] == "Al"][:3]
    for number, atoms in enumerate(frames):
        forces = atoms.arrays.pop("REF_forces")
        energy = atoms.info.pop("REF_energy")
        atoms.info = {"name": atoms.info["name"], "dft_energy": energy}
        atoms.arrays["dft_forces"] = -forces if number == BAD else forces
    text = io.StringIO()
    write(text, frames, format="extxyz")
    return {"name": "mine.extxyz", "mimeType": "text/plain", "buffer": text.getvalue().encode()}


def test_labelled_structures_from_upload_to_the_outlier(page, upload, finished):
    page.goto("/forces?lineup=pet-demo:direct")
    page.get_by_text("Upload your data", exact=True).first.click()
    page.locator('input[type="file"]').set_input_files(upload)
    expect(page.get_by_text("dft_forces").first).to_be_visible()
    expect(page.get_by_text(re.compile("12 structures, .* atoms: Al, Si")).first).to_be_visible()
    page.wait_for_url("**data=**")

    page.get_by_role("button", name="Compute force errors").click()
    finished(page)
    page.get_by_text("Where", exact=True).click()
    page.get_by_role("tab", name="Outliers").click()
    expect(page.get_by_role("tabpanel", name="Outliers").locator('[data-testid="stDataFrame"]')).to_be_visible()

    page.get_by_text("How large", exact=True).click()
    page.get_by_role("tab", name="Parity").click()
    page.wait_for_selector(".js-plotly-plot .scatterlayer .point")
    page.mouse.click(*page.evaluate(WORST_POINT))
    expect(page.get_by_text(f"Structure {BAD}", exact=True).first).to_be_visible()
    expect(page.get_by_text(re.compile("reference looks wrong.*opposite sign")).first).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()

    page.reload()
    expect(page.get_by_text("dft_forces").first).to_be_visible()
    finished(page)
