"""A structure as one HTML file that needs nothing else: no server, no network."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ase import Atoms

from dashboard.widgets.viewer import fetch
from dashboard.widgets.viewer.scene import scene

_HERE = Path(__file__).parent
CODE = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("parts.js", "drawing.js", "viewer.js"))
"""The viewer as one module."""
CSS = (_HERE / "viewer.css").read_text(encoding="utf-8")
_EXPORT = "export default function mount("

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html, body {{ height: 100%; margin: 0; background: #ffffff; color-scheme: light dark; }}
:root {{ --st-background-color: #ffffff; --st-text-color: #16202c; --st-primary-color: #0072b2;
  --st-font: "Helvetica Neue", Arial, sans-serif; }}
@media (prefers-color-scheme: dark) {{
  html, body {{ background: #10151c; }}
  :root {{ --st-background-color: #10151c; --st-text-color: #e8edf3; --st-primary-color: #56b4e9; }}
}}
#view {{ height: 100%; }}
{css}
</style>
</head>
<body>
<div id="view"></div>
<script>{library}</script>
<script type="application/json" id="scene">{data}</script>
<script type="module">
{code}
const data = JSON.parse(document.getElementById("scene").textContent);
mount({{ data, parentElement: document.getElementById("view"), setStateValue() {{}} }});
</script>
</body>
</html>
"""


def standalone_html(structure: Atoms | Sequence[Atoms], **options: Any) -> str:
    """Write a structure or an animation as one HTML page.

    Parameters
    ----------
    structure : Atoms or sequence of Atoms
        One structure, or frames with the same atoms.
    **options
        Those of :func:`dashboard.widgets.viewer.scene.scene`.

    Returns
    -------
    str
        The page; 3Dmol.js is inside.

    Raises
    ------
    FetchError
        If 3Dmol.js is not installed here.
    """
    if not fetch.LIBRARY.is_file():
        raise fetch.FetchError(f"3Dmol.js is not installed; run `{fetch.COMMAND}`.")
    data = scene(structure, **options)
    data |= {"key": "page", "height": None, "selectable": False, "library": None}
    return _PAGE.format(
        title=data["description"],
        css=CSS,
        library=fetch.LIBRARY.read_text(encoding="utf-8").replace("</script", "<\\/script"),
        data=json.dumps(data).replace("<", "\\u003c"),
        code=CODE.replace(_EXPORT, _EXPORT.removeprefix("export default ")),
    )
