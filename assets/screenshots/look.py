"""Take every page as a visitor may meet it, to be looked at: ``python assets/screenshots/look.py FOLDER [page …]``.

Each page is taken without results, waiting, failed, running and finished; on a desk's screen and on a large one, light
and dark, on a projector, on a small screen and on half of one, and once from top to bottom. Nothing of it is kept in
the project. Pages are named by their addresses; all by default.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from make import FIVE, FLAGS, serving, settle
from playwright.sync_api import Browser, Page, sync_playwright

from dashboard.views import FOLDERS, PAGES
from mlip_core.jobs.locks import taken
from mlip_core.jobs.queue import LOCK
from mlip_core.jobs.runs import RunsTable

WHY = "The worker process died over this calculation; most likely the memory ran out."
UNFINISHED, FINISHED = "mgo", "si"  # of silicon much has come with the program
HEIGHT = """document.querySelector('[data-testid="stMain"]').scrollHeight"""  # px
PLAY = '[data-testid="stBaseButton-primary"]:has([data-testid="stIconMaterial"])'


@dataclass(frozen=True)
class View:
    """One way in which a page is seen."""

    name: str
    """Of the pictures."""
    width: int
    """Of the window, px."""
    height: int
    """Of the window, px."""
    shade: Literal["light", "dark"] = "light"
    """The visitor's theme."""
    projector: bool = False
    """Whether the switch for a room is on."""


DESK = View("desk", 1440, 900)
VIEWS = (
    DESK,
    View("desk-dark", 1440, 900, "dark"),
    View("large", 1920, 1080),
    View("large-dark", 1920, 1080, "dark"),
    View("projector", 1440, 900, projector=True),
    View("small", 1280, 800),
    View("half", 800, 900),
)


def pages(
    browser: Browser, server: str, address: str, structure: str, views: tuple[View, ...]
) -> Iterator[tuple[View, Page]]:
    """Open a page once for each way of seeing it."""
    for view in views:
        context = browser.new_context(viewport={"width": view.width, "height": view.height}, color_scheme=view.shade)
        page = context.new_page()
        carried = {"structure": structure, "lineup": FIVE, "projector": str(view.projector).lower()}
        page.goto(f"{server}/{address}?{urlencode(carried)}")
        settle(page)
        yield view, page
        context.close()


def press(page: Page) -> bool:
    """Start what a page asks for; return whether there was anything to start."""
    button = page.locator(PLAY).filter(has_text="play_arrow")
    if not button.count():
        return False
    button.first.click()
    page.wait_for_timeout(2000)
    if (yes := page.get_by_role("button", name="Start", exact=True)).count():  # it takes long
        yes.click()
    settle(page)
    return True


def fail(runs: RunsTable) -> list[str]:
    """Let everything that waits fail; return what failed."""
    failed = []
    while (waiting := runs.first_waiting()) is not None:
        if runs.claim(waiting.id, owner=os.getpid(), worker="none") is not None:
            runs.finish(waiting.id, "failed", WHY)
            failed.append(waiting.id)
    return failed


def stop(page: Page) -> None:
    """Cancel everything that a page waits for."""
    while (cancel := page.get_by_role("button", name="Cancel", exact=True)).count():
        cancel.first.click()
        settle(page)


def whole(page: Page) -> None:
    """Make the window as high as what the page has to show."""
    page.set_viewport_size({"width": DESK.width, "height": page.evaluate(HEIGHT)})
    settle(page)


def take_unfinished(browser: Browser, addresses: list[str], folder: Path) -> None:
    """Take pages without results, waiting and failed, where nobody computes."""
    with tempfile.TemporaryDirectory() as home:
        lock = taken(Path(home) / LOCK, patience=2.0)  # held here, no dispatcher starts
        assert lock is not None
        with serving(Path(home)) as server:
            runs = RunsTable(Path(home))
            for address in addresses:
                for view, page in pages(browser, server, address, UNFINISHED, VIEWS):
                    page.screenshot(path=folder / f"{address or 'start'}-empty-{view.name}.png")
                for view, page in pages(browser, server, address, UNFINISHED, (DESK,)):
                    if press(page):
                        page.screenshot(path=folder / f"{address}-waiting-{view.name}.png")
                        failed = fail(runs)
                        page.reload()
                        settle(page)
                        page.screenshot(path=folder / f"{address}-failed-{view.name}.png")
                        for run in failed:  # another page may ask for the same
                            runs.delete(run)
        lock.release()


def take_finished(browser: Browser, addresses: list[str], folder: Path) -> None:
    """Compute what pages ask for, and take them; of another structure while it is computed."""
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as server:
        runs = RunsTable(Path(home))
        for address in addresses:
            for _, page in pages(browser, server, address, FINISHED, (DESK,)):
                press(page)
                while runs.count(("queued", "running")):
                    page.wait_for_timeout(2000)
            for _, page in pages(browser, server, address, UNFINISHED, (DESK,)):
                if press(page):
                    page.screenshot(path=folder / f"{address}-running-{DESK.name}.png")
                    stop(page)
            for view, page in pages(browser, server, address, FINISHED, VIEWS):
                page.screenshot(path=folder / f"{address or 'start'}-finished-{view.name}.png")
                if view is DESK:
                    whole(page)
                    page.screenshot(path=folder / f"{address or 'start'}-finished-whole.png")


def main() -> None:
    """Take the pages that are named, or all."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path, help="where the pictures go")
    words.add_argument("pages", nargs="*", help="such as phonons; all by default")
    given = words.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    asked = given.pages or [PAGES[folder].address for folder in FOLDERS]
    first = PAGES[FOLDERS[0]].address  # which the app has at no address but its own
    addresses = ["" if address == first else address for address in asked]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        take_unfinished(browser, addresses, given.folder)
        take_finished(browser, addresses, given.folder)
        browser.close()


if __name__ == "__main__":
    main()
