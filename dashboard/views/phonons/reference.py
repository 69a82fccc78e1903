"""The PBE bands of the reference beside those of a line-up: what is drawn, what is said, what is counted."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.views.phonons.figures import PhononSeries
from dashboard.widgets.once import once
from dashboard.widgets.table import show_table
from dashboard.widgets.theme import Style
from dashboard.widgets.work import Work
from mlip_core.calculations.phonons.reference_bands import ReferenceBands, difference_to_reference
from mlip_core.models.catalogue import entry
from mlip_core.reference.pbe import reference_card

PBE = "PBE reference (GPAW)"


def series_of(reference: ReferenceBands | None) -> PhononSeries | None:
    """Turn the reference into something to draw."""
    if reference is None:
        return None
    mark = Style(label=PBE, color="#808080", dash="solid")
    return PhononSeries(style=mark, bands=reference.bands, exact=reference.exact)


def words(reference: ReferenceBands | None) -> str:
    """Say what the grey bands are worth."""
    if reference is None:
        return ""
    crystal = reference.crystal
    points = ", ".join(dict.fromkeys(reference.exact_labels))
    told = once(reference_card)["phonons"]
    size, doubt = told["size"], told["doubts"].get(crystal.name, "")
    n_atoms = crystal.force_constants.shape[1]
    between = f" Between the circles so small a supercell misses something: in {size['name']} 64 atoms instead of 16 move the bands by {size['path_mean']:g} THz on average, {size['path_max']:g} at most."
    return (
        f" Grey: {PBE}, {told['cutoff'][crystal.name]} eV plane waves, at its own lattice constant of {2**0.5 * crystal.structure.cell.lengths()[0]:.3f} Å, from a supercell of "
        f"{n_atoms} atoms: exact at the circles ({points}), interpolated between them; without LO–TO splitting.{between * (n_atoms < 64)} {doubt}"
    )


def difference_table(works: Sequence[Work], reference: ReferenceBands) -> None:
    """Show how far every configuration is from PBE, where the reference is exact and along the whole path."""
    points = ", ".join(dict.fromkeys(reference.exact_labels))
    rows = []
    for work in works:
        found = difference_to_reference(work.result.band_structure, reference)
        rows.append(
            {
                "configuration": work.member.label,
                "exact": found.exact_mae,
                "share": 100 * found.exact_mae / found.highest,
                "max": found.exact_max,
                "path": found.path_mae,
                "functional": entry(work.member.model).functional,
            }
        )
    number = st.column_config.NumberColumn
    columns = {
        "exact": number(
            f"at {points}: MAE (THz)",
            format="%.3f",
            help="Mean difference over the branches at the points where the reference is exact, each point once, without the acoustic branches at Γ.",
        ),
        "share": number("of the highest frequency (%)", format="%.1f"),
        "max": number(f"at {points}: max (THz)", format="%.3f"),
        "path": number(
            "whole path: MAE (THz)",
            format="%.3f",
            help="Includes the interpolation of the reference between its exact points.",
        ),
        "functional": st.column_config.TextColumn("trained on"),
    }
    st.markdown(f"**Difference to {PBE}**")
    show_table(pd.DataFrame(rows), hide_index=True, column_config=columns)
