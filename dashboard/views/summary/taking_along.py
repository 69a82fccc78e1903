"""What a visitor takes along of the whole comparison: the report, and the archive."""

from collections.abc import Sequence

import streamlit as st

from dashboard import state
from dashboard.service import dataset
from dashboard.views import PAGES, page_of
from dashboard.views.phonons.figures import PhononSeries, phonon_figure
from dashboard.views.phonons.reference import series_of
from dashboard.views.summary.gathering import Comparison
from dashboard.views.summary.package import Done, Package, archive, versions
from dashboard.views.summary.report import report
from dashboard.views.summary.table import Row
from dashboard.views.summary.words import titles
from dashboard.widgets.figure_page import Figures, file_name
from dashboard.widgets.work import Work
from mlip_core.calculations.phonons.reference_bands import ReferenceBands, reference_bands
from mlip_core.structures import formula
from mlip_core.summary.questions import KINDS
from mlip_core.viewing.flat import svg

BEHIND = {
    "relaxation": ("Relaxation",),
    "rotational_variance": ("Deviation in every orientation",),
    "speed": ("Wall time",),
    "conservation": ("Work around the loop", "Run at constant energy"),
    "force_errors": ("Parity",),
}
"""Calculation → headings of those of its figures that stand behind the summary; the others are on its page."""


def offer(found: Comparison, works: Sequence[Work], rows: Sequence[Row]) -> None:
    """Offer the report and the archive, each made when it is asked for.

    Parameters
    ----------
    found : Comparison
    works : sequence of Work
        With results or without.
    rows : sequence of Row
        The summary as it stands on the page.
    """
    name = state.structure_name() or formula(found.structure)
    with st.container(horizontal=True):
        st.download_button(
            "Report (HTML)",
            lambda: package_of(found, works, rows, name).report,
            f"{file_name(name)}-report.html",
            key="download-report",
            on_click="ignore",
            icon=":material/description:",
            help="The summary and the figures behind it on one page that needs no network, for printing too.",
        )
        st.download_button(
            "Everything (ZIP)",
            lambda: archive(package_of(found, works, rows, name)),
            f"{file_name(name)}-comparison.zip",
            key="download-everything",
            on_click="ignore",
            icon=":material/download:",
            help="The report, tables, structures, phonopy's files, figures, references, and reproduce.py. It takes some seconds.",
        )


def package_of(found: Comparison, works: Sequence[Work], rows: Sequence[Row], name: str) -> Package:
    """Put together what is taken along."""
    done = [Done(task=work.task, style=work.style, result=work.result) for work in works if work.result is not None]
    reference = _reference(found, done)
    figures = figures_of(done, reference)
    columns = list(titles(found.reference_name).values())
    computed = versions(list(dict.fromkeys(one.task.configuration for one in done)))
    title = f"{name}: interatomic potentials compared"
    page = report(
        title,
        _intro(found, done),
        columns,
        rows,
        figures=figures,
        versions=computed,
        picture=svg(found.structure),
    )
    copied = next((one.task.subject for one in done if one.task.kind == "force_errors" and found.crystal is None), None)
    return Package(
        name=name,
        structure=found.structure,
        done=done,
        columns=columns,
        rows=rows,
        figures=figures,
        versions=computed,
        report=page,
        copies=() if copied is None else [frame.atoms for frame in dataset(copied.code)],
        reference=reference,
    )


def figures_of(done: Sequence[Done], reference: ReferenceBands | None) -> Figures:
    """Draw the figures behind the summary, calculation by calculation."""
    figures = {}
    for kind in KINDS:
        results = [(one.style, one.result) for one in done if one.task.kind == kind]
        if not results:
            continue
        if kind == "phonons":
            series = [PhononSeries.from_result(mark, result, raw=False) for mark, result in results]
            figures["Bands and density of states"] = phonon_figure(series, reference=series_of(reference))
            continue
        folder = page_of(kind)
        if folder is not None and kind in BEHIND:
            drawn = PAGES[folder].shows[kind].figures(results)
            figures |= {heading: drawn[heading] for heading in BEHIND[kind] if heading in drawn}
    return figures


def _reference(found: Comparison, done: Sequence[Done]) -> ReferenceBands | None:
    first = next((one.result for one in done if one.task.kind == "phonons"), None)
    return None if found.crystal is None or first is None else reference_bands(found.crystal, first)


def _intro(found: Comparison, done: Sequence[Done]) -> str:
    atoms = found.structure
    what = f"{formula(atoms, whole=True)}, {len(atoms)} atom{'s' * (len(atoms) > 1)}"
    doubt = "" if found.reference is None else ", which is a model and not the truth"
    return (
        f"{what}; {len(found.members)} configuration{'s' * (len(found.members) > 1)}, {len(done)} calculations. "
        f"Bands and forces are compared with {found.reference_name}{doubt}."
    )
