"""Figures to take along: pictures from the camera button."""

import re
from typing import Any


def file_name(label: str) -> str:
    """Turn a label into the name of a file."""
    return re.sub(r"[^\w.+-]+", "_", label).strip("_")


def config(name: str) -> dict[str, Any]:
    """Return Plotly's options: no logo, and a camera that saves a vector picture with this name."""
    return {"displaylogo": False, "toImageButtonOptions": {"format": "svg", "filename": file_name(name)}}
