"""Rotations: how far each configuration's answers depend on how the structure is turned."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st
from ase import Atoms

from dashboard import state
from dashboard.service import jobs
from dashboard.views.rotations.declaration import cost_figures, variance_figures
from dashboard.views.rotations.figures import (
    angle_figure,
    cost_figure,
    distribution_figure,
    globe_figure,
    spectrum_figure,
    split_figure,
)
from dashboard.widgets.chart import chart
from dashboard.widgets.download import download_all
from dashboard.widgets.frame import header, look, need_lineup, need_structure, panes, titled
from dashboard.widgets.once import once
from dashboard.widgets.table import show_table
from dashboard.widgets.viewer import AtomColors, viewer
from dashboard.widgets.work import Work, choose, drawn, live, nothing_yet, start_button
from mlip_core.calculations.rotations.correction_cost import CorrectionCostSettings
from mlip_core.calculations.rotations.resolution import more_directions, resolution, resolved_digits
from mlip_core.calculations.rotations.scans import rotation_to_z
from mlip_core.calculations.rotations.variance import RotationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import catalogue
from mlip_core.symmetry.corrections import Corrections
from mlip_core.symmetry.moving import large_enough
from mlip_core.symmetry.rotations import rotate
from mlip_core.units import EV_PER_A3_IN_GPA

GRIDS = {
    "octahedral": "octahedral group (24)",
    "icosahedral": "icosahedral group (60)",
    "tetrahedral": "tetrahedral group (12)",
    "lebedev-5": "Lebedev, degree 5 (84), with spectrum",
    "lebedev-7": "Lebedev, degree 7 (208), with spectrum",
    "lebedev-9": "Lebedev, degree 9 (380), with spectrum",
    "random-64": "64 random orientations",
}
OFFERED = ("octahedral", "icosahedral")


def main() -> None:
    """Lay the page out: what is measured, the distributions, and everything behind them."""
    header()
    structure = large_enough(need_structure())
    members = need_lineup(structure)
    controls, results = panes()
    with controls:
        settings = choose_settings()
        reference = choose_reference(structure, members)
        cost_settings = CorrectionCostSettings(rattle=settings.rattle)
        tasks, costs = [], []
        for member in members:
            other = reference if reference != member else None
            common = {"subject": structure, "configuration": member, "other": other}
            tasks.append(Task(kind="rotational_variance", settings=settings, **common))
            costs.append(Task(kind="correction_cost", settings=cost_settings, **common))
        start_button("Measure the rotations", tasks, key="rotations")
        st.divider()
        start_button("What a correction buys", costs, key="costs", first=False)
        st.divider()
        add_corrected(members)
    with results:
        live(tasks, draw)
        live(costs, draw_costs)


def choose_reference(structure: Atoms, members: tuple[Configuration, ...]) -> Configuration | None:
    """Offer whose forces the others are compared with: a member, or a model at hand that covers the elements."""
    present = set(structure.get_chemical_symbols())
    at_hand = [item for item in catalogue() if item.available() and present <= set(item.elements)]
    choices = {member.code: member for member in members}
    taken = {member.label for member in members}
    others = {item.name: Configuration(model=item.name) for item in at_hand}
    choices |= {name: other for name, other in others.items() if other.label not in taken}
    opened = st.session_state.get(state.ROTATION_REFERENCE, state.NOBODY)
    if opened not in (state.NOBODY, *choices) and (found := Configuration.from_code(opened)) is not None:
        choices[opened] = found
    names = {state.NOBODY: "none", **{code: member.label for code, member in choices.items()}}
    chosen = st.selectbox(
        "Compare the forces with",
        list(names),
        format_func=names.__getitem__,
        key=state.ROTATION_REFERENCE,
        bind="query-params",
        help="Splits the difference to that model into symmetry breaking and the rest. SevenNet-l3i5 is the teacher of the demo models. A model is no truth: this is a difference, not an error.",
    )
    return choices.get(chosen)


def choose_settings() -> RotationSettings:
    """Offer how the structure is turned."""
    grid = st.selectbox("Orientations", list(GRIDS), format_func=GRIDS.__getitem__, key=state.GRID, bind="query-params")
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
        st.selectbox("Correct a configuration", range(len(plain)), format_func=lambda place: plain[place].label)
    ]
    for grid in OFFERED:
        corrected = replace(member, corrections=Corrections(rotations=grid, inversion=member.corrections.inversion))
        st.button(
            f"Add {corrected.label}",
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
    if nothing_yet(
        works,
        "Does the answer depend on how the structure is turned?",
        "Press **Measure the rotations**: each configuration is asked for the same structure in many orientations, "
        "the answers are turned back, and what differs is symmetry breaking.",
    ):
        return
    finished = [work for work in works if work.result is not None]
    chart(once(distribution_figure, drawn(finished), look=look()), "distributions")
    st.caption(
        "One point an orientation: deviation from the mean over all of them. Dotted grey: what rounding alone gives a model that is exact by construction."
    )
    panel = st.segmented_control(
        "Show", list(PANELS), default="Numbers", key="rotation-panel", required=True, label_visibility="collapsed"
    )
    PANELS[panel or "Numbers"](finished)


def against_angle(works: Sequence[Work]) -> None:
    """Show the deviation over a full turn about one axis."""
    axis = st.segmented_control("Turned about", ["x", "y", "z"], default="z", key="turn-axis", required=True)
    figure = once(angle_figure, drawn(works), "xyz".index(axis or "z"), look=look())
    chart(figure, "angles")
    st.caption("Relative to the orientation the structure came in; 360° is the start again.")


def numbers(works: Sequence[Work]) -> None:
    """Show the standard deviations beside their floors."""
    number = st.column_config.NumberColumn
    show_table(pd.DataFrame([_row(work) for work in works]), hide_index=True, column_config={
        "E": st.column_config.TextColumn("energy (meV/atom)"),
        "F": st.column_config.TextColumn("forces (meV/Å)"),
        "relative": st.column_config.TextColumn("of the forces (%)"),
        "σ": st.column_config.TextColumn("stress (GPa)"),
        "floor": number("floor of the forces (meV/Å)", format="%.1e", help="The same deviation of a model that is exact by construction, in the same arithmetic."),
        "IE": number("inversion, energy (meV/atom)", format="%.3g"),
        "IF": number("inversion, forces (meV/Å)", format="%.3g"),
        "seconds": number("time (s)", format="%.1f"),
    })  # fmt: skip
    say_how_sure(works)
    results, reference = drawn(works), reference_name(works)
    download_all(st, titled("Rotations"), results, lambda: variance_figures(results, reference))


def say_how_sure(works: Sequence[Work]) -> None:
    """Say how many digits the grid resolves, and offer more directions in one click."""
    name = works[0].result.settings.grid
    sure = resolution(name)
    st.caption(
        f"As many digits as {GRIDS.get(name, name)} resolves: energies are sure to about {100 * sure.energy:.0f} %, "
        f"forces to {100 * sure.forces:.1g} %, stress to {100 * sure.stress:.1g} % (against 2,000 random orientations)."
    )
    finer = more_directions(name)
    if finer is not None:
        st.button(
            f"More directions: {GRIDS[finer]}",
            on_click=ask_for,
            args=([work.task for work in works], finer),
            icon=":material/add:",
        )


def ask_for(tasks: Sequence[Task], grid: str) -> None:
    """Ask the same of a finer grid, and set the page to it."""
    st.session_state[state.GRID] = grid
    finer = [replace(task, settings=replace(task.settings, grid=grid)) for task in tasks]
    names = [task.configuration.label for task in finer]
    jobs().submit_many(finer, labels=names, subject_name=state.structure_name())


def degrees(works: Sequence[Work]) -> None:
    """Show the degree spectrum, or say what it needs."""
    shown = [(work.style, work.result) for work in works if work.result.spectrum is not None]
    if not shown:
        st.markdown(
            "The spectrum needs a Lebedev grid: groups of rotations cannot tell degrees apart. Choose one under **Orientations**."
        )
        return
    chart(once(spectrum_figure, shown, look=look()), "spectrum")
    st.caption(
        "How strongly the answers vary with the orientation at each degree l: a grid that is exact to l removes everything up to l."
    )


def symmetry_breaking_share(works: Sequence[Work]) -> None:
    """Show how much of the difference to the reference is symmetry breaking."""
    shown = [work for work in works if work.result.error_split is not None]
    if not shown:
        st.markdown(
            "Choose a model under **Compare the forces with** and measure again: the difference to it is then split into symmetry breaking and the rest."
        )
        return
    reference = reference_name(shown)
    chart(once(split_figure, drawn(shown), reference, look=look()), "split-figure")
    number = st.column_config.NumberColumn
    rows = []
    for work in shown:
        split = work.result.error_split
        parts = (split.mean_square_error, split.averaged_square_error, split.variance)
        one, averaged, breaking = (1000 * part**0.5 for part in parts)
        rows.append({"configuration": work.member.label, "one": one, "averaged": averaged, "breaking": breaking, "share": 100 * split.share})  # fmt: skip
    show_table(pd.DataFrame(rows), hide_index=True, column_config={
        "one": number(f"difference to {reference}, rms (meV/Å)", format="%.3g", help="Of one prediction, over all orientations."),
        "averaged": number("left after averaging (meV/Å)", format="%.3g", help="Of the forces averaged over the orientations: no rotational correction goes below."),
        "breaking": number("symmetry breaking, ε_F (meV/Å)", format="%.3g"),
        "share": number("its share of the square (%)", format="%.1f"),
    })  # fmt: skip
    st.caption(
        f"Exactly: mean squared difference to {reference} = that of the averaged forces + ε_F². The hatched part is what averaging over orientations can take away; the rest is not about rotations."
    )


def reference_name(works: Sequence[Work]) -> str:
    """Name the model that the works were compared with; empty where there was none."""
    others = [work.task.other for work in works if work.task.other is not None]
    return others[0].label if others else ""


def globes(works: Sequence[Work]) -> None:
    """Show the sphere of one configuration with the structure turned beside it."""
    mapped = [work for work in works if work.result.orientation_map is not None]
    if not mapped:
        st.markdown("Switch on **Map the sphere** and measure again.")
        return
    who, what, tilt, turn = st.columns(4)
    with who:
        chosen = choose("Configuration", mapped, key="globe-of")
    symbols = chosen.result.structure.get_chemical_symbols()
    names: dict[str | tuple[int, int], str] = {"energy": "energy"} | {
        (atom, axis): f"force on {atom} {symbol}, along {'xyz'[axis]}"
        for atom, symbol in enumerate(symbols)
        for axis in range(3)
    }
    component = what.selectbox("Colour", list(names), format_func=names.__getitem__, key="globe-what")
    polar = tilt.slider("Direction turned up: from z (°)", 0, 180, 45, step=5, key="globe-polar")
    azimuth = turn.slider("around z, from x (°)", 0, 355, 30, step=5, key="globe-azimuth")
    sphere, picture = st.columns([1.4, 1])
    figure = globe_figure(
        chosen.result,
        component=None if isinstance(component, str) else component,
        towards=(polar, azimuth),
        look=look(),
    )
    with sphere:
        chart(figure, "globe-figure")
    with picture:
        viewer(rotate(chosen.result.structure, rotation_to_z(polar, azimuth)), key="globe-structure", height=440)
    st.caption(
        "Colour at a point: the value when that direction of the structure points along +z, averaged over turns about z, less the mean over the sphere; forces are turned back into the structure's own frame. "
        "The arrow “up” is the direction that the structure beside it has along its +z. A sphere of one colour keeps the law."
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
    done = [work for work in works if work.result is not None]
    if not done:
        return
    st.markdown("#### What a correction buys")
    costs, reference = drawn(done), reference_name(done)
    chart(once(cost_figure, costs, reference=reference, look=look()), "cost-figure")
    download_all(st, titled("What a correction buys"), costs, lambda: cost_figures(costs, reference))
    st.caption(
        "What is left of the rotational deviation after averaging over each grid, measured in orientations outside the grid, against its evaluations. "
        "Circle: none; triangle, diamond, star: tetrahedral, octahedral, icosahedral; square: Lebedev; cross: random. The time measured here is shown where the pointer rests."
        + (
            f" Right: root mean square difference of the forces to {reference} in those orientations."
            if reference
            else ""
        )
    )


def _row(work: Work) -> dict[str, object]:
    found = work.result
    sure, relative, stress = resolution(found.settings.grid), found.forces_relative, found.stress_rot_std
    return {
        "configuration": work.member.label,
        "E": resolved_digits(1000 * found.energy_rot_std, sure.energy),
        "F": resolved_digits(1000 * found.forces_rot_std, sure.forces),
        "relative": None if relative is None else resolved_digits(100 * relative, sure.forces),
        "σ": None if stress is None else resolved_digits(stress * EV_PER_A3_IN_GPA, sure.stress),
        "floor": 1000 * found.floor.forces_rot_std,
        "IE": None if found.inversion is None else 1000 * found.inversion.energy,
        "IF": None if found.inversion is None else 1000 * found.inversion.forces,
        "evaluations": found.evaluations,
        "seconds": found.seconds,
    }


PANELS = {
    "Numbers": numbers,
    "What is symmetry breaking": symmetry_breaking_share,
    "Against angle": against_angle,
    "Degrees": degrees,
    "Globe": globes,
    "Atoms": per_atom,
}

if __name__ == "__main__":
    main()
