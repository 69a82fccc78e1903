"""Phonons: bands and densities of states of the whole line-up on one shared path."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from ase import Atoms

from dashboard.views.phonons.declaration import DISPLACEMENTS
from dashboard.views.phonons.figures import BOLTZMANN, PhononSeries, Unit, phonon_figure, thermal_figure
from dashboard.views.phonons.mode import chosen, take_click, watch
from dashboard.views.phonons.reference import PBE, difference_table, series_of, words
from dashboard.views.phonons.supercell import choose_supercell
from dashboard.views.phonons.violations import violations
from dashboard.widgets.chart import chart
from dashboard.widgets.download import download_all
from dashboard.widgets.frame import header, look, need_lineup, need_structure, panes, tabs, titled
from dashboard.widgets.minimum import before, to_minimum
from dashboard.widgets.navigation import link
from dashboard.widgets.numbers import fixed, power, table
from dashboard.widgets.once import once
from dashboard.widgets.work import Work, choose, drawn, live, nothing_yet, start_button
from mlip_core.calculations.phonons import PhononSettings, compare_phonons
from mlip_core.calculations.phonons.reference_bands import ReferenceBands, reference_bands, reference_crystal
from mlip_core.calculations.phonons.settings import Displacements
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.structures import standardise


def main() -> None:
    """Lay the page out: settings, progress, bands and DOS, differences."""
    header()
    structure = need_structure()
    members = need_lineup(structure)
    if not structure.pbc.all():
        st.subheader("Phonons need a crystal")
        st.markdown("This structure is not periodic in three directions. Choose a crystal on the Structure page.")
        link("structure", "Choose a structure")
        return
    controls, results = panes()
    with controls:
        reference = (
            standardise(structure)
            if st.toggle(
                "Standardise the cell",
                True,
                key="standard",
                bind="query-params",
                help="Compute in the primitive standard cell.",
            )
            else structure
        )
        reference.set_constraint()  # a mode moves every atom
        relax_first = st.toggle(
            "Relax first",
            True,
            key="relax_first",
            bind="query-params",
            help="Phonons are defined at a stationary point: each configuration first relaxes cell and atoms with its own forces.",
        )
        matrix = choose_supercell(reference)
        with st.expander("Advanced"):
            relaxation = choose_relaxation() if relax_first else None
            settings = choose_settings(matrix, unconstrained=any(not member.constrained for member in members))
        tasks = [question(reference, member, settings, relaxation) for member in members]
        start_button("Compute phonons", tasks, key="phonons")
    with results:
        live(tasks, draw)


def question(
    reference: Atoms, member: Configuration, settings: PhononSettings, relaxation: RelaxationSettings | None
) -> Task:
    """Ask one member for phonons at its own minimum, or at the structure as given."""
    return Task(
        kind="phonons",
        subject=reference,
        configuration=member,
        settings=settings,
        before=before(reference, member, relaxation),
        reference=reference,
    )


def choose_relaxation() -> RelaxationSettings:
    """Offer how each configuration comes to its own minimum before."""
    fmax = st.select_slider(
        "Force threshold (eV/Å)",
        [1e-2, 1e-3, 1e-4, 1e-5],
        value=1e-4,
        format_func=power(0),
        key="phonon_fmax",
        bind="query-params",
        help="Of the relaxation before.",
    )
    fix = st.toggle(
        "Keep the space group",
        True,
        key="phonon_fix",
        bind="query-params",
        help="Every configuration is asked about the same crystal, also at a saddle point. What the models do to the symmetry is on the Relax page.",
    )
    return to_minimum(float(fmax), fix_symmetry=fix)


def choose_settings(matrix: np.ndarray, *, unconstrained: bool) -> PhononSettings:
    """Offer the displacements; one choice for the whole line-up."""
    kinds: list[Displacements] = ["full", "reduced"]
    kind = st.selectbox(
        "Displacement set", kinds, index=0 if unconstrained else 1, format_func=DISPLACEMENTS.__getitem__, key="displacements",
        bind="query-params",
        help="Reduced displacements impose the space group on the force constants, so that a model's own symmetry breaking cannot be seen. Full ones move every atom of the cell along ±x, ±y, ±z.",
    )  # fmt: skip
    distance = st.number_input(
        "Displacement (Å)",
        0.001,
        0.2,
        0.03 if unconstrained else 0.01,
        step=0.005,
        format="%.3f",
        key="displacement",
        bind="query-params",
    )
    plus_minus = st.toggle("± pairs", True, key="plus_minus", bind="query-params", disabled=kind == "full")
    residual = st.toggle("Subtract the residual forces", False, key="residual", bind="query-params")
    return PhononSettings(
        supercell_matrix=matrix,
        displacement=float(distance),
        displacements=kind,
        plus_minus=plus_minus or kind == "full",
        subtract_residual=residual,
    )


def draw(works: list[Work]) -> None:
    """Draw what is there, in the unit and the state of correction that was chosen."""
    if nothing_yet(
        works,
        "Press **Compute phonons**: each configuration is relaxed, its force constants are computed from displaced supercells, and the bands appear here on one shared path.",
    ):
        return
    finished = [work for work in works if work.result is not None]
    results = drawn(finished)
    reference = draw_bands(finished)
    views = {
        "Differences": lambda: differences(finished, reference),
        "Raw force constants: violations": lambda: violations(finished),
        "Thermal properties": lambda: chart(once(thermal_figure, results, look=look()), "thermal-figure"),
    }
    tabs(views, key="phonon_view")


def draw_bands(finished: Sequence[Work]) -> ReferenceBands | None:
    """Draw the bands with the mode beside them; return the reference that is drawn under them."""
    crystal = reference_crystal(finished[0].task.subject)
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    view = choose_view(bar, reference=crystal is not None, several=len(finished) > 1)
    shown = [(work, raw) for work in finished for raw in _which(view.which)]
    series = [once(PhononSeries.from_result, work.style, work.result, raw=raw) for work, raw in shown]
    reference = once(reference_bands, crystal, finished[0].result) if crystal is not None and view.pbe else None
    under = once(series_of, reference)
    results = drawn(finished)
    bar.space("stretch")
    download_all(
        bar,
        titled("Phonons"),
        results,
        lambda: {
            "Bands and density of states": phonon_figure(series, unit=view.unit, reference=under),
            "Thermal properties": thermal_figure(results),
        },
    )
    mode = chosen(shown)
    accent = shown[mode.place][0].style.label if view.fade else None
    bands, motion = st.columns([1.75, 1], gap="medium")
    with bands:
        figure = once(
            phonon_figure, series, unit=view.unit, reference=under, accent=accent, at_gamma=view.at_gamma, look=look()
        )
        chart(figure, "phonon-figure", on_select=lambda: take_click(shown, "phonon-figure"))
        st.caption(
            "Click a branch to watch its mode and to accent its configuration. Imaginary frequencies are drawn as negative. "
            "Corrected: translations, permutation and space group imposed on the force constants; raw: as the forces gave them."
            + words(reference)
        )
    with motion:
        watch(shown, mode)
    return reference


def differences(works: Sequence[Work], reference: ReferenceBands | None) -> None:
    """Show how far the configurations are from PBE, where there is a reference, and from one another."""
    if reference is not None:
        difference_table(works, reference)
    compare_table(works)


class View(NamedTuple):
    """How the bands are looked at."""

    unit: Unit
    """Of the frequencies."""
    which: str | None
    """Force constants: "corrected", "raw" or "both"."""
    at_gamma: bool
    """Whether only the acoustic branches about Γ are shown."""
    fade: bool
    """Whether the configuration whose mode is watched is accented."""
    pbe: bool
    """Whether the reference is drawn."""


def choose_view(bar: Any, *, reference: bool, several: bool) -> View:
    """Offer the unit, the state of correction, a zoom, an accent, and the PBE bands where there are any."""
    common = {"bind": "query-params", "label_visibility": "collapsed", "required": True}
    unit = bar.segmented_control("Unit", ["THz", "cm⁻¹", "meV"], default="THz", key="unit", **common)
    which = bar.segmented_control(
        "Force constants", ["corrected", "raw", "both"], default="corrected", format_func=str.capitalize, key="which", **common
    )  # fmt: skip
    at_gamma = bar.toggle("Zoom at Γ", False, key="at_gamma", bind="query-params")
    fade = several and bar.toggle("Accent one", True, key="accent_one", bind="query-params")
    pbe = reference and bar.toggle(
        PBE,
        True,
        key="pbe",
        bind="query-params",
        help="Bands computed with density functional theory for this project: PBE, GPAW, plane waves, displaced supercells.",
    )
    return View(unit, which, at_gamma, fade, pbe)


def _which(which: str | None) -> tuple[bool, ...]:
    return {"raw": (True,), "both": (False, True)}.get(which or "", (False,))


def compare_table(works: Sequence[Work]) -> None:
    """Show how far every configuration is from the one chosen as reference."""
    if len(works) < 2:
        st.caption("Differences appear as soon as two configurations are there.")
        return
    base = choose("Difference to", works, key="compare-to")
    rows = []
    for work in works:
        if work is base:
            continue
        found = compare_phonons(work.result, base.result)
        rows.append({"configuration": work.member.label, **vars(found)})
    table(rows, {
        "band_mae": ("Bands MAE (THz)", fixed(3)),
        "band_rmse": ("Bands RMSE (THz)", fixed(3)),
        "band_max": ("Bands max (THz)", fixed(3)),
        "dos_distance": ("DOS distance (THz)", fixed(3)),
        "free_energy": ("ΔF at 300 K (meV/atom)", fixed(2, factor=1000)),
        "entropy": ("ΔS at 300 K (k_B/atom)", fixed(3, factor=1 / BOLTZMANN)),
        "heat_capacity": ("ΔC_v at 300 K (k_B/atom)", fixed(3, factor=1 / BOLTZMANN)),
    })  # fmt: skip
    st.caption(
        "A difference between models, not an error: none of them is the truth. "
        "DOS distance: Wasserstein-1 distance of the two densities of states, how far a mode moves on average."
    )


if __name__ == "__main__":
    main()
