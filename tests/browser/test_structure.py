"""Files under the names that programs give them."""

import pytest
from playwright.sync_api import expect

POSCAR = b"""rock salt
1.0
0.0 2.105 2.105
2.105 0.0 2.105
2.105 2.105 0.0
Mg O
1 1
Selective dynamics
Direct
0.0 0.0 0.0 F F F
0.5 0.5 0.5 T T T
"""


@pytest.mark.parametrize("name", ["POSCAR", "CONTCAR.relax2"])
def test_a_file_without_a_known_ending_is_taken_and_what_it_holds_fixed_is_said(page, name):
    page.goto("/")
    page.locator('input[type="file"]').first.set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": POSCAR}
    )
    expect(page.get_by_text("MgO", exact=True).first).to_be_visible()
    expect(page.get_by_text("fixed").first).to_be_visible()
    page.wait_for_url("**structure=**")
