"""Bring labelled structures, see how they are understood, find the bad label, and look at its structure."""

import io
import re

import pytest
from ase.io import read, write
from playwright.sync_api import expect

from mlip_core.assets import asset

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
