"""Figures as SVG and PNG, drawn by the Chromium of this machine where there is one."""

import json
import os
import re
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote_to_bytes

from plotly.offline import get_plotlyjs

from dashboard.widgets.figure_page import Figures, file_name

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=60000",
    "--dump-dom",
)
WIDTH, HEIGHT = 1200, 640
"""px; a figure that states its height keeps it."""
PATIENCE = 240.0
"""Seconds after which drawing is given up."""
NO_BROWSER = (
    "This machine has no Chromium, so figures are not among the files as SVG and PNG: the camera button of each figure in "
    "report.html saves it as SVG."
)

_PAGE = """<!doctype html>
<html><head><meta charset="utf-8">
<script>{library}</script></head>
<body><script type="application/json" id="figures">{figures}</script><div id="drawn"></div>
<script>
(async () => {{
  for (const [name, figure] of Object.entries(JSON.parse(document.getElementById("figures").textContent))) {{
    const layout = {{...figure.layout, paper_bgcolor: "#ffffff"}};
    const size = {{width: {width}, height: figure.layout.height || {height}}};
    const svg = await Plotly.toImage({{data: figure.data, layout}}, {{format: "svg", ...size}});
    const picture = new Image();
    picture.src = svg;
    await picture.decode();
    const canvas = Object.assign(document.createElement("canvas"), {{width: 2 * size.width, height: 2 * size.height}});
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    for (const [format, address] of [["svg", svg], ["png", canvas.toDataURL("image/png")]]) {{
      const place = document.createElement("i");
      place.dataset.name = name + "." + format;
      place.textContent = address;
      document.getElementById("drawn").append(place);
    }}
  }}
}})();
</script></body></html>
"""


def browser() -> str | None:
    """Return the command of a Chromium on this machine; None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def pictures(figures: Figures) -> Mapping[str, bytes]:
    """Draw figures on white.

    Parameters
    ----------
    figures : mapping of str to plotly.graph_objects.Figure
        By their headings.

    Returns
    -------
    mapping of str to bytes
        Name of the file, with the ending ``.svg`` or ``.png``, → its content; empty where this machine has no Chromium,
        or it does not answer.
    """
    command = browser()
    if command is None or not figures:
        return {}
    data = {file_name(heading): json.loads(figure.to_json()) for heading, figure in figures.items()}
    page = _PAGE.format(
        library=get_plotlyjs(), figures=json.dumps(data).replace("<", "\\u003c"), width=WIDTH, height=HEIGHT
    )
    with TemporaryDirectory(prefix="mlip-pictures-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "figures.html"
        path.write_text(page, encoding="utf-8")
        sandbox = ("--no-sandbox",) if os.name == "posix" and os.geteuid() == 0 else ()
        try:
            ran = subprocess.run(
                [command, *FLAGS, *sandbox, f"--user-data-dir={folder}/profile", path.as_uri()],
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError):
            return {}
    shown = ran.stdout.decode("utf-8", "replace")
    return {name: _content(address) for name, address in re.findall(r'<i data-name="([^"]+)">data:([^<]*)</i>', shown)}


def _content(address: str) -> bytes:
    """Return what the rest of a ``data:`` address holds."""
    head, _, body = address.partition(",")
    return b64decode(body) if head.endswith("base64") else unquote_to_bytes(body)
