"""Files under the names that programs give them."""

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


def test_files_without_a_known_ending_are_taken_and_what_they_hold_fixed_is_said(page):
    page.goto("/")
    for name, metal in (("POSCAR", "Mg"), ("CONTCAR.relax2", "Ca")):
        content = POSCAR.replace(b"Mg", metal.encode())
        page.locator('input[type="file"]').first.set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        )
        expect(page.get_by_text(f"{metal}O", exact=True).first).to_be_visible()
        expect(page.get_by_text("fixed").first).to_be_visible()
        page.wait_for_url("**structure=**")
