"""What a visitor takes along: one ZIP with everything that the calculations declare, settings and figures."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from dashboard.widgets.figure_page import Figures, figures_page, file_name
from dashboard.widgets.theme import Style
from mlip_core.calculations.export import calculation_of, files

Results = Sequence[tuple[Style, Any]]
"""Results of any calculations, each with the style of its configuration, whose label names the files."""


def download_all(
    place: Any, title: str, results: Results, figures: Callable[[], Figures], *, text: str = "Download all (ZIP)"
) -> None:
    """Offer everything on a page as one ZIP, packed when it is asked for.

    Parameters
    ----------
    place : container
        Where the button goes.
    title : str
        Of the page of figures; the file is named after it.
    results : sequence of (Style, record)
        What is on the page.
    figures : callable
        Draws the figures.
    text : str
        On the button.
    """
    place.download_button(
        text,
        lambda: archive(title, results, figures()),
        f"{file_name(title)}.zip",
        key=f"download-{file_name(title)}",
        on_click="ignore",
        icon=":material/download:",
    )


def archive(title: str, results: Results, figures: Figures) -> bytes:
    """Pack a folder a configuration, one table a calculation with its summaries, the settings and the figures.

    Parameters
    ----------
    title : str
        Heading of the page of figures.
    results : sequence of (Style, record)
    figures : mapping of str to plotly.graph_objects.Figure

    Returns
    -------
    bytes
        A ZIP.
    """
    texts = {
        f"{file_name(mark.label)}/{name}": text for mark, record in results for name, text in files(record).items()
    }
    texts |= {f"{name}.csv": table.to_csv(index=False) for name, table in summaries(results).items()}
    texts["settings.json"] = settings_json(results)
    texts["figures.html"] = figures_page(title, figures)
    return zipped(texts)


def zipped(contents: Mapping[str, str | bytes]) -> bytes:
    """Pack contents by the names of their files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in contents.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def summaries(results: Results) -> Mapping[str, pd.DataFrame]:
    """Return one table a calculation, one row a configuration."""
    rows: dict[str, list[Mapping[str, object]]] = {}
    for mark, record in results:
        calculation = calculation_of(record)
        rows.setdefault(calculation.name, []).append({"configuration": mark.label, **calculation.summary(record)})
    return {name: pd.DataFrame(found) for name, found in rows.items()}


def settings_json(results: Results) -> str:
    """Return the settings by calculation and label of the configuration, as JSON."""
    found: dict[str, dict[str, dict]] = {}
    for mark, record in results:
        settings = getattr(record, "settings", None)
        if settings is not None:
            found.setdefault(calculation_of(record).name, {})[mark.label] = asdict(settings)
    return json.dumps(found, indent=1, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    """Turn an array or a number of numpy into what JSON knows.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} is no setting")
