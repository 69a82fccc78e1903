"""Take pictures of the app, driven in Chromium: ``python assets/screenshots/make.py [name …]``.

The app starts on a fresh data folder (``--home`` takes another, and keeps what was computed there), pages are
opened by their addresses, what they ask for is computed, and a picture of each is kept: small ones, in light and dark,
for pages without results, and whole pages for the README. What is taken is :data:`SHOTS`. Needs Playwright for Python and Debian's ``chromium``.
"""

import argparse
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ASSETS = Path(__file__).resolve().parents[1]
FLAGS = ["--no-sandbox", "--disable-quic", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
PATIENCE = 900_000  # ms until what a page asks for is computed
LINEUP = "pet-demo:direct,soap-demo"
COMPARED = "Everything is compared"
FIVE = "pet-demo:direct,pet-demo:conservative,soap-demo,sevennet-0,chgnet"


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture."""

    name: str
    """Of the file below ``assets/``, without the shade, where there are several, and the ending."""
    page: str
    """Last part of the page's address."""
    address: dict[str, str]
    """What the address carries beside the structure and the line-up."""
    press: str
    """Key of the button that starts what the page asks for; empty for none."""
    said: str = "All results are there"
    """What the page says when everything that was pressed for is there."""
    present: bool = True
    """Whether the controls are hidden."""
    shades: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    """In which it is taken."""
    size: tuple[int, int] = (1040, 640)
    """Window, px."""
    top: int = 130
    """px that are cut off at the top: navigation and header."""
    width: int = 640
    """Of the picture, px."""
    quality: int = 55
    """Of the WebP, 1 to 100."""

    def path(self, shade: str) -> Path:
        """Return the file of the picture in light or dark."""
        return ASSETS / f"{self.name}{f'-{shade}' if len(self.shades) > 1 else ''}.webp"


def of_readme(page: str, press: str, said: str = Shot.said) -> Shot:
    """Return the picture of a whole page."""
    return Shot(
        name=f"screenshots/{page}", page=page, address={"lineup": FIVE}, press=press, said=said,
        size=(1440, 900), top=0, width=1100, quality=75, shades=("light",), present=False,
    )  # fmt: skip


SHOTS = (
    Shot(name="pictures/relaxation", page="relax", address={"rattle": "0.1", "steps": "40"}, press="relax"),
    Shot(name="pictures/rotations", page="rotations", address={}, press="rotations", size=(1040, 570)),
    Shot(name="pictures/speed", page="speed", address={"speed_largest": "512"}, press="speed"),
    Shot(
        name="pictures/equation_of_state",
        page="equation-of-state",
        address={"eos_volumes": "7"},
        press="equation-of-state",
    ),
    Shot(name="pictures/conservation", page="conservation", address={"picoseconds": "0.1"}, press="conservation"),
    Shot(name="pictures/phonons", page="phonons", address={}, press="phonons"),
    Shot(name="pictures/force_errors", page="forces", address={}, press="force-errors", size=(1040, 600), top=210),
    Shot(
        name="pictures/summary", page="summary", address={}, press="compare", said=COMPARED, size=(1280, 320), top=215
    ),
    Shot(
        name="pictures/start",
        page="summary",
        address={"lineup": FIVE},
        press="compare",
        said=COMPARED,
        size=(1280, 568),
        top=215,
        width=760,
        quality=40,
    ),
    Shot(
        name="pictures/distillation",
        page="learn",
        address={
            "structure": "gaas",
            "lineup": "sevennet-0",
            "learn_structures": "100",
            "learn_epochs": "20",
            "learn_unturned": "true",
        },
        press="learn",
        size=(1040, 610),
    ),
    of_readme("summary", "compare", COMPARED),
    of_readme("phonons", "phonons"),
    of_readme("conservation", "conservation"),
    of_readme("forces", "force-errors"),
)


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """Start the app on a port of its own; give its address, and stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dashboard.server", "--headless", "--port", str(port)]
    environment = os.environ | {"MLIP_DASHBOARD_HOME": str(home)}
    server = subprocess.Popen(command, cwd=ASSETS.parent, env=environment, start_new_session=True)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.5)
        time.sleep(20)  # while the workers import what they need: a first measurement would feel it
        yield f"http://localhost:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def settle(page: Page) -> None:
    """Wait until the page's script has run and its figures are drawn."""
    for _ in range(2):
        page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=PATIENCE)
        page.wait_for_timeout(2500)


def compute(page: Page, shot: Shot, url: str) -> None:
    """Start what a page asks for and wait until it is there."""
    page.goto(url)
    settle(page)
    button = page.locator(f".st-key-{shot.press} button")
    if shot.press and button.count():
        button.first.click()
        page.wait_for_timeout(2000)
        if (yes := page.locator(f".st-key-{shot.press}-yes button")).count():  # it takes long
            yes.click()
        while not page.get_by_text(shot.said).count():  # looking at every frame would keep a core busy
            page.wait_for_timeout(2000)


def take(browser: Browser, shot: Shot, server: str) -> None:
    """Compute what a picture shows, and take it in light and dark."""
    address = {"structure": "si", "lineup": LINEUP, **shot.address}
    url = f"{server}/{shot.page}?{urlencode(address)}"
    for shade in shot.shades:
        context = browser.new_context(
            viewport={"width": shot.size[0], "height": shot.size[1] + shot.top}, color_scheme=shade
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        compute(page, shot, url)
        page.goto(url + "&present=true" * shot.present)
        settle(page)
        keep(page.screenshot(), shot, shot.path(shade))
        context.close()


def keep(png: bytes, shot: Shot, path: Path) -> None:
    """Cut the header off, make the picture small, and write it."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.crop((0, shot.top, picture.width, picture.height))
    picture = picture.resize((shot.width, round(picture.height * shot.width / picture.width)), Image.Resampling.LANCZOS)
    path.parent.mkdir(exist_ok=True)
    picture.save(path, quality=shot.quality, method=6)
    print(f"{path.relative_to(ASSETS)}: {path.stat().st_size / 1000:.1f} kB", flush=True)


def main() -> None:
    """Take the pictures that are named, or all."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("names", nargs="*", help="such as pictures/relaxation; all by default")
    words.add_argument("--home", type=Path, help="data folder; a fresh one by default")
    given = words.parse_args()
    with (
        tempfile.TemporaryDirectory() as fresh,
        serving(given.home or Path(fresh)) as server,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for shot in SHOTS:
            if not given.names or shot.name in given.names:
                take(browser, shot, server)
        browser.close()


if __name__ == "__main__":
    main()
