"""Rotations: how far each configuration's answers depend on how the structure is turned."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.components.frame import dark, header, need_lineup, need_structure, projector
from dashboard.components.viewer import AtomColors, viewer
from dashboard.components.work import Work, choose, live, start_button
from dashboard.figures.rotations import angle_figure, cost_figure, distribution_figure, globe_figure, spectrum_figure
from dashboard.members import label
from mlip_core.configuration import Configuration
from mlip_core.correction_cost import CorrectionCostSettings
from mlip_core.jobs.task import Task
from mlip_core.rotational_variance import RotationSettings
from mlip_core.symmetry.corrections import Corrections
from mlip_core.units import EV_PER_A3_IN_GPA

GRIDS = {
    "octahedral": "octahedral group (24)",
    "icosahedral": "icosahedral group (60)",
    "tetrahedral": "tetrahedral group (12)",
    "lebedev-5": "Lebedev, degree 5 (84), with spectrum",
    "lebedev-9": "Lebedev, degree 9 (380), with spectrum",
    "random-64": "64 random orientations",
}
OFFERED = ("octahedral", "icosahedral")


def main() -> None:
    """Lay the page out: what is measured, the distributions, and everything behind them."""
    header()
    structure, members = need_structure(), need_lineup()
    controls, results = st.columns([1, 3.6], gap="large")
    with controls:
        settings = choose_settings()
        tasks = [
            Task(kind="rotational_variance", structure=structure, configuration=member, settings=settings)
            for member in members
        ]
        start_button("Measure the rotations", tasks, key="rotations")
        st.divider()
        cost_settings = CorrectionCostSettings(rattle=settings.rattle)
        costs = [
            Task(kind="correction_cost", structure=structure, configuration=member, settings=cost_settings)
            for member in members
        ]
        start_button("What a correction buys", costs, key="costs")
        st.divider()
        add_corrected(members)
    with results:
        live(tasks, draw)
        live(costs, draw_costs)


def choose_settings() -> RotationSettings:
    """Offer how the structure is turned."""
    grid = st.selectbox("Orientations", list(GRIDS), format_func=GRIDS.__getitem__, key="grid", bind="query-params")
    rattle = st.number_input(
        "Rattle (Å)", 0.0, 0.5, 0.05, step=0.01, key="rotation_rattle", bind="query-params",
        help="A perfect crystal has no forces, so nothing to break. Every atom is moved by normal random displacements of this width (seed 0).",
    )  # fmt: skip
    globe = st.toggle(
        "Map the sphere",
        False,
        key="globe",
        bind="query-params",
        help="342 more evaluations: the energy over all directions.",
    )
    return RotationSettings(grid=grid, rattle=float(rattle), map_polar=9 if globe else 0)


def add_corrected(members: tuple[Configuration, ...]) -> None:
    """Offer each uncorrected member with a correction, in one click."""
    plain = [member for member in members if member.corrections.rotations == "none"]
    if not plain:
        return
    member = plain[
        st.selectbox("Correct a configuration", range(len(plain)), format_func=lambda place: label(plain[place]))
    ]
    for grid in OFFERED:
        corrected = replace(member, corrections=Corrections(rotations=grid, inversion=member.corrections.inversion))
        st.button(
            f"Add {label(corrected)}",
            key=f"add-{grid}",
            disabled=corrected in members or len(members) >= state.MAX_MEMBERS,
            on_click=state.add_member,
            args=(corrected,),
            width="stretch",
            icon=":material/add:",
        )
    if len(members) >= state.MAX_MEMBERS:
        st.caption("The line-up is full; remove a configuration on the Line-up page first.")


def draw(works: list[Work]) -> None:
    """Draw what was measured."""
    finished = [work for work in works if work.result is not None]
    if not finished:
        if not any(work.active for work in works):
            st.subheader("Does the answer depend on how the structure is turned?")
            st.markdown(
                "Press **Measure the rotations**: each configuration is asked for the same structure in many orientations, "
                "the answers are turned back, and what differs is symmetry breaking."
            )
        return
    measured = [(work.style, work.result) for work in finished]
    st.plotly_chart(distribution_figure(measured, dark=dark(), projector=projector()), theme=None, key="distributions")
    st.caption(
        "One point an orientation: deviation from the mean over all of them. Dotted grey: what rounding alone gives a model that is exact by construction."
    )
    table, angle, spectrum, globe, atoms = st.tabs(["Numbers", "Against angle", "Degrees", "Globe", "Atoms"])
    with table:
        numbers(finished)
    with angle:
        axis = st.segmented_control("Turned about", ["x", "y", "z"], default="z", key="turn-axis", required=True)
        st.plotly_chart(
            angle_figure(measured, "xyz".index(axis or "z"), dark=dark(), projector=projector()),
            theme=None,
            key="angles",
        )
        st.caption("Relative to the orientation the structure came in; 360° is the start again.")
    with spectrum:
        degrees(measured)
    with globe:
        globes(finished)
    with atoms:
        per_atom(finished)


def numbers(works: Sequence[Work]) -> None:
    """Show the standard deviations beside their floors."""
    number = st.column_config.NumberColumn
    st.dataframe(pd.DataFrame([_row(work) for work in works]), hide_index=True, column_config={
        "E": number("energy (meV/atom)", format="%.2e"),
        "F": number("forces (meV/Å)", format="%.2e"),
        "relative": number("of the forces (%)", format="%.3f"),
        "σ": number("stress (GPa)", format="%.2e"),
        "floor": number("floor of the forces (meV/Å)", format="%.1e", help="The same deviation of a model that is exact by construction, in the same arithmetic."),
        "IE": number("inversion, energy (meV/atom)", format="%.2e"),
        "IF": number("inversion, forces (meV/Å)", format="%.2e"),
        "seconds": number("time (s)", format="%.1f"),
    })  # fmt: skip


def degrees(measured: Sequence[tuple]) -> None:
    """Show the degree spectrum, or say what it needs."""
    shown = [(mark, result) for mark, result in measured if result.spectrum is not None]
    if not shown:
        st.markdown(
            "The spectrum needs a Lebedev grid: groups of rotations cannot tell degrees apart. Choose one under **Orientations**."
        )
        return
    st.plotly_chart(spectrum_figure(shown, dark=dark(), projector=projector()), theme=None, key="spectrum")
    st.caption(
        "How strongly the answers vary with the orientation at each degree l: a grid that is exact to l removes everything up to l."
    )


def globes(works: Sequence[Work]) -> None:
    """Show the sphere of one configuration with the structure beside it."""
    mapped = [work for work in works if work.result.orientation_map is not None]
    if not mapped:
        st.markdown("Switch on **Map the sphere** and measure again.")
        return
    chosen = choose("Configuration", mapped, key="globe-of")
    sphere, picture = st.columns([1.4, 1])
    sphere.plotly_chart(globe_figure(chosen.result, dark=dark(), projector=projector()), theme=None, key="globe-figure")
    with picture:
        viewer(chosen.result.structure, key="globe-structure", height=440)
    st.caption(
        "Colour at a point: energy when that direction of the structure points along +z, averaged over turns about z. A sphere of one colour keeps the law."
    )


def per_atom(works: Sequence[Work]) -> None:
    """Colour the atoms by their rotational deviation."""
    chosen = choose("Configuration", works, key="atoms-of")
    values = 1000 * chosen.result.scatter.per_atom
    viewer(
        chosen.result.structure,
        key="atoms-by-deviation",
        height=440,
        color_by=AtomColors(values, "deviation of the force", "meV/Å"),
    )


def draw_costs(works: list[Work]) -> None:
    """Draw what a correction buys."""
    finished = [(work.style, work.result) for work in works if work.result is not None]
    if not finished:
        return
    st.markdown("#### What a correction buys")
    st.plotly_chart(cost_figure(finished, dark=dark(), projector=projector()), theme=None, key="cost-figure")
    st.caption(
        "What is left of the rotational deviation after averaging over each grid, measured in orientations outside the grid, against its evaluations. "
        "Circle: none; triangle, diamond, star: tetrahedral, octahedral, icosahedral; square: Lebedev; cross: random."
    )


def _row(work: Work) -> dict[str, object]:
    found = work.result
    return {
        "configuration": label(work.member),
        "E": 1000 * found.energy_rot_std,
        "F": 1000 * found.forces_rot_std,
        "relative": None if found.forces_relative is None else 100 * found.forces_relative,
        "σ": None if found.stress_rot_std is None else found.stress_rot_std * EV_PER_A3_IN_GPA,
        "floor": 1000 * found.floor.forces_rot_std,
        "IE": None if found.inversion is None else 1000 * found.inversion.energy,
        "IF": None if found.inversion is None else 1000 * found.inversion.forces,
        "evaluations": found.evaluations,
        "seconds": found.seconds,
    }


main()
