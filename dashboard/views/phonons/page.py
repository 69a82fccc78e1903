"""Phonons: bands and densities of states of the whole line-up on one shared path."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st
from ase import Atoms

from dashboard import state
from dashboard.views.phonons.figures import PhononSeries, phonon_figure, thermal_figure
from dashboard.views.phonons.reference import PBE, difference_table, series_of, words
from dashboard.views.phonons.supercell import choose_supercell
from dashboard.widgets.chart import chart
from dashboard.widgets.download import download_all
from dashboard.widgets.frame import header, look, need_lineup, need_structure, panes, tabs, titled
from dashboard.widgets.navigation import link
from dashboard.widgets.once import once
from dashboard.widgets.style import constrained
from dashboard.widgets.table import show_table
from dashboard.widgets.viewer import viewer
from dashboard.widgets.work import Work, choose, drawn, live, nothing_yet, start_button
from mlip_core.calculations.phonons import PhononSettings, compare_phonons
from mlip_core.calculations.phonons.modes import animate
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
        relaxation = choose_relaxation()
        settings = choose_settings(reference, unconstrained=any(not constrained(member) for member in members))
        tasks = [question(reference, member, settings, relaxation) for member in members]
        start_button("Compute phonons", tasks, key="phonons")
    with results:
        live(tasks, draw)


def question(
    reference: Atoms, member: Configuration, settings: PhononSettings, relaxation: RelaxationSettings | None
) -> Task:
    """Ask one member for phonons at its own minimum, or at the structure as given."""
    common = {"subject": reference, "configuration": member}
    first = {} if relaxation is None else {"relaxation": Task(kind="relaxation", settings=relaxation, **common)}
    return Task(kind="phonons", settings=settings, before=first, reference=reference, **common)


def choose_relaxation() -> RelaxationSettings | None:
    """Offer the relaxation that goes before: each model is asked at its own minimum."""
    first = st.toggle(
        "Relax first",
        True,
        key="relax_first",
        bind="query-params",
        help="Phonons are defined at a stationary point: each configuration first relaxes cell and atoms with its own forces.",
    )
    if not first:
        return None
    with st.expander("Relaxation"):
        fmax = st.select_slider(
            "Force threshold (eV/Å)",
            [1e-2, 1e-3, 1e-4, 1e-5],
            value=1e-4,
            format_func=lambda x: f"{x:g}",
            key="phonon_fmax",
            bind="query-params",
        )
        fix = st.toggle(
            "Keep the space group",
            True,
            key="phonon_fix",
            bind="query-params",
            help="Every configuration is asked about the same crystal, also at a saddle point. What the models do to the symmetry is on the Relax page.",
        )
    return RelaxationSettings(fmax=float(fmax), steps=500, optimizer="LBFGS", cell="full", fix_symmetry=fix)


def choose_settings(reference: Atoms, *, unconstrained: bool) -> PhononSettings:
    """Offer supercell and displacements; one choice for the whole line-up."""
    matrix = choose_supercell(reference)
    kinds: list[Displacements] = ["full", "reduced"]
    with st.expander("Displacements"):
        kind = st.selectbox(
            "Set", kinds, index=0 if unconstrained else 1, key="displacements", bind="query-params",
            help="Reduced displacements impose the space group on the force constants, so that a model's own symmetry breaking cannot be seen. Full ones move every atom of the cell along ±x, ±y, ±z.",
        )  # fmt: skip
        distance = st.number_input(
            "Length (Å)",
            0.001,
            0.2,
            0.03 if unconstrained else 0.01,
            step=0.005,
            format="%.3f",
            key="displacement",
            bind="query-params",
        )
        plus_minus = st.toggle("± pairs", True, key="plus_minus", bind="query-params", disabled=kind == "full")
        residual = st.toggle("Subtract the forces at rest", False, key="residual", bind="query-params")
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
        "Nothing computed yet",
        "Press **Compute phonons**: each configuration is relaxed, its force constants are computed from displaced supercells, and the bands appear here on one shared path.",
    ):
        return
    finished = [work for work in works if work.result is not None]
    crystal = reference_crystal(finished[0].task.subject)
    bar = st.container(horizontal=True, vertical_alignment="center")
    unit, which, wanted = choose_view(bar, reference=crystal is not None)
    series = [
        once(PhononSeries.from_result, work.style, work.result, raw=raw) for work in finished for raw in _which(which)
    ]
    reference = once(reference_bands, crystal, finished[0].result) if crystal is not None and wanted else None
    under = once(series_of, reference)
    results = drawn(finished)
    bar.space("stretch")
    download_all(
        bar,
        titled("Phonons"),
        results,
        lambda: {
            "Bands and density of states": phonon_figure(series, unit=unit, reference=under),
            "Thermal properties": thermal_figure(results),
        },
    )
    figure = once(phonon_figure, series, unit=unit, reference=under, look=look())
    event = chart(figure, "phonon-figure", on_select="rerun")
    st.caption(
        "Imaginary frequencies are drawn as negative. Corrected: translations, permutation and space group imposed on the force constants; raw: as the forces gave them. "
        "Click a branch to watch its mode." + words(reference)
    )
    shown = [(work, raw) for work in finished for raw in _which(which)]
    views = {
        "Mode": lambda: watch(shown, event.selection.points),
        "Differences": lambda: differences(finished, reference),
        "What was wrong before the correction": lambda: diagnostics_table(finished),
        "Thermal properties": lambda: chart(once(thermal_figure, results, look=look()), "thermal-figure"),
    }
    tabs(views, key="phonon_view")


def differences(works: Sequence[Work], reference: ReferenceBands | None) -> None:
    """Show how far the configurations are from PBE, where there is a reference, and from one another."""
    if reference is not None:
        difference_table(works, reference)
    compare_table(works)


def choose_view(bar: Any, *, reference: bool) -> tuple[Any, str | None, bool]:
    """Offer the unit, the state of correction, and the PBE bands where there are any."""
    unit = bar.segmented_control(
        "Unit",
        ["THz", "cm⁻¹", "meV"],
        default="THz",
        key="unit",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )
    which = bar.segmented_control(
        "Force constants",
        ["corrected", "raw", "both"],
        default="corrected",
        key="which",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )
    wanted = reference and bar.toggle(
        PBE,
        True,
        key="pbe",
        bind="query-params",
        help="Bands computed with density functional theory for this project: PBE, GPAW, plane waves, displaced supercells.",
    )
    return unit, which, wanted


def watch(shown: Sequence[tuple[Work, bool]], points: Sequence[dict[str, Any]]) -> None:
    """Move the atoms along the mode that was clicked."""
    if points:
        place, index, branch = (int(number) for number in points[0]["customdata"])
        state.pick(state.MODE, (place, index, branch))
    place, index, branch = state.picked(state.MODE) or (len(shown), 0, 0)
    if place >= len(shown):
        st.markdown("Click a point of a branch in the figure above; its mode is animated here.")
        return
    work, raw = shown[place]
    bands = work.result.raw_band_structure if raw else work.result.band_structure
    if index >= len(bands.qpoints) or branch >= bands.frequencies.shape[1]:
        st.markdown("Click a point of a branch in the figure above; its mode is animated here.")
        return
    motion = animate(work.result, bands.qpoints[index], branch, raw=raw)
    q = ", ".join(f"{x:.3g}" for x in motion.qpoint)
    st.markdown(
        f"**{work.member.label}**{' (raw)' if raw else ''} · branch {branch + 1} at q = ({q}) · {motion.frequency:.3f} THz"
    )
    frames = [motion.structure.copy() for _ in motion.displacements]
    for frame, positions in zip(frames, motion.frames, strict=True):
        frame.positions = positions
    viewer(frames, key="mode-viewer", height=440, animate=True, fps=18)
    if not motion.commensurate:
        st.caption(
            "This wave does not fit a supercell of at most 8 cells along each vector: it has a seam at the border."
        )


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
        rows.append(
            {
                "configuration": work.member.label,
                "MAE": found.band_mae,
                "RMSE": found.band_rmse,
                "max": found.band_max,
                "DOS": found.dos_distance,
                "F": 1000 * found.free_energy,
                "S": 1000 * found.entropy,
                "C": 1000 * found.heat_capacity,
            }
        )
    number = st.column_config.NumberColumn
    columns = {
        "MAE": number("bands MAE (THz)", format="%.3f"),
        "RMSE": number("bands RMSE (THz)", format="%.3f"),
        "max": number("bands max (THz)", format="%.3f"),
        "DOS": number(
            "DOS distance (THz)", format="%.3f", help="Wasserstein-1 distance of the two densities of states."
        ),
        "F": number("ΔF 300 K (meV/atom)", format="%.3f"),
        "S": number("ΔS 300 K (meV/K/atom)", format="%.5f"),
        "C": number("ΔC_v 300 K (meV/K/atom)", format="%.5f"),
    }
    show_table(pd.DataFrame(rows), hide_index=True, column_config=columns)
    st.caption("A difference between models, not an error: none of them is the truth.")


def diagnostics_table(works: Sequence[Work]) -> None:
    """Show what the raw force constants break, before any correction."""
    number = st.column_config.NumberColumn
    rows = [_diagnosis(work) for work in works]
    columns = {
        "sum": number(
            "acoustic sum rule (eV/Å²)", format="%.2e", help="Largest |Σ_j Φ_ij| of the raw force constants."
        ),
        "permutation": number("permutation (eV/Å²)", format="%.2e", help="Largest |Φ_ij − Φ_jiᵀ|."),
        "λ": number(
            "λ", format="%.2e", help="‖J − Jᵀ‖ / 2‖J‖ of the raw force constants; only full displacements can tell."
        ),
        "distance": number(
            "distance to symmetry",
            format="%.2e",
            help="‖Φ − PΦ‖/‖Φ‖ with the projector P on translations, permutation and space group; only full displacements can tell.",
        ),
        "splitting": number(
            "splitting (THz)",
            format="%.4f",
            help="Largest splitting of raw branches that symmetry makes degenerate; only full displacements can tell.",
        ),
        "acoustic": number("raw acoustic at Γ (THz)", format="%.3f"),
        "lowest": number(
            "lowest mode (THz)",
            format="%.3f",
            help="Corrected force constants, anywhere but the acoustic branches at Γ.",
        ),
        "residual": number("forces at rest (eV/Å)", format="%.2e"),
    }
    show_table(pd.DataFrame(rows), hide_index=True, column_config=columns)
    for note in dict.fromkeys(note for work in works for note in work.result.notes):
        st.caption(note)


def _diagnosis(work: Work) -> dict[str, object]:
    found = work.result.diagnostics
    return {
        "configuration": work.member.label,
        "sum": found.sum_over_forces,
        "permutation": found.permutation_asymmetry,
        "λ": found.jacobian_asymmetry,
        "distance": found.projection_distance,
        "splitting": None if found.splitting is None else found.splitting.largest,
        "acoustic": float(max(found.gamma_acoustic, key=abs)),
        "lowest": found.lowest.frequency,
        "imaginary": found.lowest.imaginary,
        "residual": found.residual_force,
        "evaluations": work.result.n_evaluations,
        "seconds": round(work.result.seconds, 1),
    }


if __name__ == "__main__":
    main()
