"""The 3D viewer: a structure or an animation, drawn in the browser by 3Dmol.js without asking any other host."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from ase import Atoms
from streamlit.components.v1 import declare_component

from dashboard.widgets.viewer.scene import Arrows, AtomColors, scene
from mlip_core.viewing import fetch

__all__ = ["Arrows", "AtomColors", "viewer"]

_HERE = Path(__file__).parent
CODE = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("parts.js", "drawing.js", "viewer.js"))
"""The viewer as one module."""
CSS = (_HERE / "viewer.css").read_text(encoding="utf-8")
_SERVED = "3dmol"

_component = st.components.v2.component("structure_viewer", css=CSS, js=CODE)


def viewer(
    structure: Atoms | Sequence[Atoms],
    *,
    key: str,
    height: int = 480,
    rest: int | None = None,
    selectable: bool = True,
    **options: Any,
) -> int | None:
    """Draw a structure, or play an animation; the camera stays where the visitor left it.

    Parameters
    ----------
    structure : Atoms or sequence of Atoms
        One structure, or frames with the same atoms.
    key : str
        Name of this viewer on its page.
    height : int
        px; the least, where ``rest`` is given.
    rest : int, optional
        px of the window that everything above and below takes: the picture
        then has all that is left. By default it keeps its height.
    selectable : bool
        Whether choosing an atom tells the page (and reruns it).
    **options
        Those of :func:`dashboard.widgets.viewer.scene.scene`: ``color_by``,
        ``arrows``, ``arrow_scale``, ``arrow_unit``, ``cell``, ``supercell``,
        ``style``, ``labels``, ``selected``, ``animate``, ``fps``,
        ``frame_labels``.

    Returns
    -------
    int or None
        The atom that was chosen with a click.
    """
    if not fetch.LIBRARY.is_file():
        st.warning(
            "The 3D view needs 3Dmol.js, which is not installed. Everything else works. "
            f"To fetch it, run `{fetch.COMMAND}` and reload the page.",
            icon=":material/view_in_ar_off:",
        )
        return None
    data = scene(structure, **options)
    data |= {"key": key, "height": height, "rest": rest, "selectable": selectable, "library": _library_path()}
    state = _component(key=key, data=data, height=height if rest is None else "content", on_picked_change=lambda: None)
    picked = state.get("picked")
    if not picked or picked.get("structure") != data["structure"]:
        return None
    return picked["atom"]


def _library_path() -> str:
    """Have this server serve the file; the browser keeps it."""
    served = declare_component(_SERVED, path=fetch.STATIC)
    return f"component/{served.name}/{fetch.LIBRARY.name}"
