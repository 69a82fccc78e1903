"""From a file to a conclusion: one click compares everything, and what is taken along needs neither network nor server."""

import io
import os
import re
import subprocess
import sys
import zipfile

import pytest
from playwright.sync_api import expect

from mlip_core.configuration import Configuration
from mlip_core.jobs.store import Store
from mlip_core.structures import library_structure
from mlip_core.summary.questions import questions
from tests.browser.conftest import DESK
from tests.browser.visitor import bring

SILICON = """2
Lattice="0 2.715 2.715 2.715 0 2.715 2.715 2.715 0" Properties=species:S:1:pos:R:3 pbc="T T T"
Si 0 0 0
Si 1.3575 1.3575 1.3575
"""
LINEUP = "pet-demo:direct,soap-demo"


@pytest.fixture
def compared(lone_server):
    """Two of the results of a comparison of magnesium oxide are there."""
    member = Configuration(model="soap-demo")
    asked = questions(library_structure("mgo"), (member,))
    store = Store(lone_server.home)
    for kind in ("relaxation", "rotational_variance"):
        task = asked[kind][member]
        store.put(task.key(), task.run())


@pytest.fixture
def alone(browser, lone_server):
    context = browser.new_context(**DESK, base_url=lone_server.url)
    context.set_default_timeout(120_000)
    yield context.new_page()
    context.close()


def opened_offline(browser, path, expected):
    """Open a file with no network at all; return the texts of the page."""
    context = browser.new_context(offline=True)
    context.set_default_timeout(120_000)
    page = context.new_page()
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(expected)
    assert not wrong
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    text = page.locator("body").inner_text()
    context.close()
    return text


def test_the_summary_fits_leads_on_and_goes_along(alone, compared, browser, tmp_path):
    alone.goto("/summary?structure=mgo&lineup=soap-demo")
    table = alone.locator("table.summary")
    expect(table).to_contain_text("Relax: yes.")
    expect(table).to_contain_text("not computed")
    width = "document.documentElement.scrollWidth"
    assert alone.evaluate(width) <= 1440
    expect(alone.get_by_text(re.compile(r"About .* on this machine"))).to_be_visible()

    with alone.expect_download() as download:
        alone.get_by_role("button", name="Report (HTML)").click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    text = opened_offline(browser, path, expected=2)
    assert "Relax: yes." in text
    assert "SHA-256" in text

    table.locator("[data-open='relaxation:0']").first.click()
    expect(alone).to_have_url(re.compile("/relax[?]"))
    expect(alone.get_by_text("All results are there")).to_be_visible()
    alone.go_back()
    expect(alone).to_have_url(re.compile("/summary[?]"))
    table.locator("[data-open='rotational_variance:0']").first.click()
    expect(alone).to_have_url(re.compile("/rotations[?]"))
    expect(alone.get_by_text("All results are there")).to_be_visible()


@pytest.mark.slow
def test_from_an_upload_to_an_archive_that_repeats_itself(page, browser, tmp_path, home):
    page.goto(f"/?lineup={LINEUP}")
    bring(page, "mine.xyz", SILICON)
    page.get_by_role("button", name="Compare everything").click()
    expect(page).to_have_url(re.compile("/summary[?]"))
    expect(page.get_by_text("Everything is compared")).to_be_visible(timeout=600_000)
    table = page.locator("table.summary")
    expect(table).not_to_contain_text("not computed")
    expect(table.locator("td.broken").first).to_be_visible()
    for sentence in ("Relax: only with an average over rotations.", "Constant-energy dynamics: no"):
        expect(table).to_contain_text(sentence)

    with page.expect_download(timeout=300_000) as download:
        page.get_by_role("button", name="Everything (ZIP)").click()
    folder = tmp_path / "archive"
    zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())).extractall(folder)
    assert "Relax: only with an average" in opened_offline(browser, folder / "report.html", expected=7)
    assert len(list(folder.glob("figures/*.svg"))) == len(list(folder.glob("figures/*.png"))) == 7
    environment = os.environ | {"MLIP_DASHBOARD_HOME": str(home), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "reproduce.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        timeout=900,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_what_takes_long_is_asked_about_first(alone):
    alone.goto("/conservation?structure=si&lineup=sevennet-0&picoseconds=20")
    button = alone.get_by_role("button", name="Measure the conservation")
    button.click()
    dialog = alone.get_by_role("dialog")
    expect(dialog).to_contain_text("on this machine")
    dialog.get_by_role("button", name="Not now").click()
    expect(dialog).to_have_count(0)
    expect(alone.get_by_text("waiting for a free worker")).to_have_count(0)
    button.click()
    dialog.get_by_role("button", name="Start", exact=True).click()
    expect(alone.get_by_text("waiting for a free worker")).to_be_visible()
