"""Rotations: how far each configuration's answers depend on how the structure is turned."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from ase import Atoms

from dashboard import state
from dashboard.views.rotations.declaration import GRIDS, NOBODY, cost_figures, variance_figures
from dashboard.views.rotations.figures import (
    angle_figure,
    cost_figure,
    distribution_figure,
    globe_figure,
    spectrum_figure,
    split_figure,
)
from dashboard.widgets.chart import chart
from dashboard.widgets.cost import NONE, Cost, costs, say_whence
from dashboard.widgets.download import download_all
from dashboard.widgets.frame import header, look, need_lineup, need_structure, panes, titled
from dashboard.widgets.numbers import as_text, fixed, power, raised, table
from dashboard.widgets.offer import offer, take_offer
from dashboard.widgets.once import once
from dashboard.widgets.repeating import repeated
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
from mlip_core.symmetry.rotations import rotate
from mlip_core.units import EV_PER_A3_IN_GPA

OFFERED = ("octahedral", "icosahedral")
TEACHER = "sevennet-l3i5"  # whose forces the demo models learned
MAP_POLAR = 9  # polar angles of the map of the sphere


def main() -> None:
    """Lay the page out: what is measured, the distributions, and everything behind them."""
    header()
    take_offer()
    structure = need_structure()
    members = need_lineup(structure)
    controls, results = panes()
    with controls:
        structure = repeated(structure, key="rotation_repeat")
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


def reference_choices(structure: Atoms, members: Sequence[Configuration]) -> dict[str, Configuration]:
    """Return who the others can be compared with, by what the choice is called in the link."""
    present = set(structure.get_chemical_symbols())
    at_hand = [item for item in catalogue() if item.available() and present <= set(item.elements)]
    choices = {member.code: member for member in members}
    taken = {member.label for member in members}
    others = {item.name: Configuration(model=item.name) for item in at_hand}
    return choices | {name: other for name, other in others.items() if other.label not in taken}


def choose_reference(structure: Atoms, members: tuple[Configuration, ...]) -> Configuration | None:
    """Offer whose forces the others are compared with: a member, or a model at hand that covers the elements."""
    choices = reference_choices(structure, members)
    opened = st.session_state.get(state.ROTATION_REFERENCE, state.NOBODY)
    if opened not in (state.NOBODY, *choices) and (found := Configuration.from_code(opened)) is not None:
        choices[opened] = found
    names = {state.NOBODY: NOBODY, **{code: member.label for code, member in choices.items()}}
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
        "Energy over the sphere",
        False,
        key="globe",
        bind="query-params",
        help="342 more evaluations: the energy over all directions.",
    )
    return RotationSettings(grid=grid, rattle=float(rattle), map_polar=MAP_POLAR if globe else 0)


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
        "Press **Measure the rotations**: each configuration is asked for the same structure in many orientations, "
        "the answers are turned back, and what differs is symmetry breaking.",
    ):
        return
    finished = [work for work in works if work.result is not None]
    chart(once(distribution_figure, drawn(finished), look=look()), "distributions")
    st.caption(
        "One point per orientation: deviation from the mean over all of them. Dotted grey: the noise floor, what rounding alone gives a model that is exact by construction."
    )
    panel = st.segmented_control(
        "Show", list(PANELS), default="Numbers", key="rotation-panel", required=True, label_visibility="collapsed",
        bind="query-params",
    )  # fmt: skip
    PANELS[panel or "Numbers"](finished)


def against_angle(works: Sequence[Work]) -> None:
    """Show the deviation over a full turn about one axis."""
    axis = st.segmented_control(
        "Turned about", ["x", "y", "z"], default="z", key="turn-axis", required=True, bind="query-params"
    )
    figure = once(angle_figure, drawn(works), "xyz".index(axis or "z"), look=look())
    chart(figure, "angles")
    st.caption("Relative to the orientation the structure came in; 360° is the start again.")


def numbers(works: Sequence[Work]) -> None:
    """Show the standard deviations beside their floors, and what a step costs."""
    members = [work.member for work in works]
    found = costs(state.structure(), len(works[0].result.structure), members)
    table([_row(work, found.get(work.member)) for work in works], {
        "E": ("Energy (meV/atom)", as_text),
        "F": ("Forces (meV/Å)", as_text),
        "relative": ("Relative to forces (%)", as_text),
        "σ": ("Stress (GPa)", as_text),
        "floor": ("Noise floor of the forces (meV/Å)", power()),
        "IE": ("Inversion: energy (meV/atom)", power()),
        "IF": ("Inversion: forces (meV/Å)", power()),
        "evaluations": ("Evaluations", as_text),
        "cost": ("Cost (μs/atom)", as_text),
        "seconds": ("Time (s)", fixed(1)),
    })  # fmt: skip
    say_whence(found, members)
    say_how_sure(works)
    results, reference = drawn(works), reference_name(works)
    download_all(st, titled("Rotations"), results, lambda: variance_figures(results, reference))


def say_how_sure(works: Sequence[Work]) -> None:
    """Say how many digits the grid resolves, and offer more directions in one click."""
    name = works[0].result.settings.grid
    sure = resolution(name)
    st.caption(
        f"As many digits as the orientations resolve ({GRIDS.get(name, name)}): energies are sure to about {100 * sure.energy:.0f} %, "
        f"forces to {100 * sure.forces:.1g} %, stress to {100 * sure.stress:.1g} % (against 2,000 random orientations)."
    )
    finer = more_directions(name)
    if finer is not None:
        tasks = [replace(work.task, settings=replace(work.task.settings, grid=finer)) for work in works]
        offer(f"More directions: {GRIDS[finer]}", tasks, key="finer-grid", sets={state.GRID: finer})


def spectrum(works: Sequence[Work]) -> None:
    """Show the degree spectrum, or say what it needs."""
    shown = [(work.style, work.result) for work in works if work.result.spectrum is not None]
    if not shown:
        grid = "lebedev-5"
        st.markdown("The spectrum needs a Lebedev grid: groups of rotations cannot tell degrees l apart.")
        tasks = [replace(work.task, settings=replace(work.task.settings, grid=grid)) for work in works]
        offer(f"Measure on {GRIDS[grid]}", tasks, key="offer-spectrum", sets={state.GRID: grid})
        return
    chart(once(spectrum_figure, shown, look=look()), "spectrum")
    st.caption(
        "How strongly the answers vary with the orientation at each degree l: a grid that is exact to l removes everything up to l."
    )


def symmetry_breaking_share(works: Sequence[Work]) -> None:
    """Show how much of the difference to the reference is symmetry breaking."""
    shown = [work for work in works if work.result.error_split is not None]
    if not shown:
        offer_reference(works)
        return
    reference = reference_name(shown)
    chart(once(split_figure, drawn(shown), reference, look=look()), "split-figure")
    rows = []
    for work in shown:
        split = work.result.error_split
        parts = (split.mean_square_error, split.averaged_square_error, split.variance)
        one, averaged, breaking = (1000 * part**0.5 for part in parts)
        rows.append({"configuration": work.member.label, "one": one, "averaged": averaged, "breaking": breaking, "share": 100 * split.share})  # fmt: skip
    table(rows, {
        "one": (f"Difference to {reference}, rms (meV/Å)", power(2)),
        "averaged": ("Left after averaging (meV/Å)", power(2)),
        "breaking": ("Symmetry breaking, ε_F (meV/Å)", power(2)),
        "share": ("Its share of the square (%)", fixed(1)),
    })  # fmt: skip
    st.caption(
        f"Exactly: mean squared difference to {reference} = that of the averaged forces + ε_F². The hatched part is what averaging over orientations can take away; the rest is not about rotations."
    )


def offer_reference(works: Sequence[Work]) -> None:
    """Offer to compare with a model: the teacher of the demo models, or another one that is at hand."""
    choices = reference_choices(works[0].task.subject, [work.member for work in works])
    st.markdown(
        "Compared with another model's forces, the difference splits into symmetry breaking and the rest. "
        "Whose forces, is chosen under **Compare the forces with**."
    )
    names = list(choices)
    name = next(name for name in (TEACHER, *reversed(names)) if name in choices)
    other = choices[name]
    tasks = [replace(work.task, other=None if work.member == other else other) for work in works]
    offer(f"Compare with {other.label}", tasks, key="offer-reference", sets={state.ROTATION_REFERENCE: name})


def reference_name(works: Sequence[Work]) -> str:
    """Name the model that the works were compared with; empty where there was none."""
    others = [work.task.other for work in works if work.task.other is not None]
    return others[0].label if others else ""


def globes(works: Sequence[Work]) -> None:
    """Show the sphere of one configuration with the structure turned beside it."""
    mapped = [work for work in works if work.result.orientation_map is not None]
    if not mapped:
        st.markdown(
            "The sphere needs the energy with every direction of the structure turned up: 342 evaluations more."
        )
        tasks = [replace(work.task, settings=replace(work.task.settings, map_polar=MAP_POLAR)) for work in works]
        offer("Map the energy over the sphere", tasks, key="offer-sphere", sets={"globe": True})
        return
    who, what, tilt, turn = st.columns(4)
    with who:
        chosen = choose("Configuration", mapped, key="globe-of")
    symbols = chosen.result.structure.get_chemical_symbols()
    names: dict[str | tuple[int, int], str] = {"energy": "Energy"} | {
        (atom, axis): f"Force on {atom} {symbol}, along {'xyz'[axis]}"
        for atom, symbol in enumerate(symbols)
        for axis in range(3)
    }
    component = what.selectbox(
        "Colour", list(names), format_func=names.__getitem__, key="globe-what", bind="query-params"
    )
    polar = tilt.slider("Polar angle (°)", 0, 180, 45, step=5, key="globe-polar", bind="query-params")
    azimuth = turn.slider("Azimuth (°)", 0, 355, 30, step=5, key="globe-azimuth", bind="query-params")
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
        "Circle: none; triangle, diamond, star: tetrahedral, octahedral, icosahedral; square: Lebedev; cross: random. The time measured here, beside whatever else ran, is shown where the pointer rests."
        + (
            f" Right: root mean square difference of the forces to {reference} in those orientations."
            if reference
            else ""
        )
    )


def _row(work: Work, cost: Cost | None) -> dict[str, object]:
    found = work.result
    sure, relative, stress = resolution(found.settings.grid), found.forces_relative, found.stress_rot_std
    return {
        "configuration": work.member.label,
        "E": raised(resolved_digits(1000 * found.energy_rot_std, sure.energy)),
        "F": raised(resolved_digits(1000 * found.forces_rot_std, sure.forces)),
        "relative": None if relative is None else raised(resolved_digits(100 * relative, sure.forces)),
        "σ": None if stress is None else raised(resolved_digits(stress * EV_PER_A3_IN_GPA, sure.stress)),
        "cost": NONE if cost is None else cost.us_per_atom,
        "floor": 1000 * found.floor.forces_rot_std,
        "IE": None if found.inversion is None else 1000 * found.inversion.energy,
        "IF": None if found.inversion is None else 1000 * found.inversion.forces,
        "evaluations": found.evaluations,
        "seconds": found.seconds,
    }


PANELS = {
    "Numbers": numbers,
    "Symmetry share of the difference": symmetry_breaking_share,
    "Against angle": against_angle,
    "Spectrum (l)": spectrum,
    "Energy over the sphere": globes,
    "Atoms": per_atom,
}

if __name__ == "__main__":
    main()
