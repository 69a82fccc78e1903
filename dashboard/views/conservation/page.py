"""Conservation: whether each configuration's forces are the gradient of an energy."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from ase import Atoms

from dashboard.views.conservation.declaration import figures, head_pairs
from dashboard.views.conservation.figures import energy_figure, heads_figure, loop_figure, random_loops_figure
from dashboard.views.conservation.verdict import all_numbers, verdicts
from dashboard.views.declaration import Named
from dashboard.widgets.chart import chart
from dashboard.widgets.download import download_all
from dashboard.widgets.frame import header, look, need_lineup, need_structure, panes, tabs, titled
from dashboard.widgets.once import once
from dashboard.widgets.repeating import repeated
from dashboard.widgets.viewer import viewer
from dashboard.widgets.work import Work, drawn, live, nothing_yet, start_button
from mlip_core.calculations.conservation.calculation import Conservation, ConservationSettings
from mlip_core.calculations.conservation.closed_loops import Loop
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.symmetry.corrections import RANDOM_FRAME

DIRECTIONS = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


def main() -> None:
    """Lay the page out: the loop, the run, the numbers."""
    header()
    structure = need_structure()
    members = need_lineup(structure)
    controls, results = panes()
    with controls:
        structure = repeated(structure, key="conservation_repeat")
        settings = choose_settings(structure)
        tasks = [task(structure, member, settings) for member in members]
        start_button("Measure the conservation", tasks, key="conservation")
    with results:
        live(tasks, draw)


def task(structure: Atoms, member: Configuration, settings: ConservationSettings) -> Task:
    """Ask one member, with the other head of its model to compare; in random frames only for the run."""
    if member.corrections.rotations == RANDOM_FRAME:
        settings = replace(settings, jacobian=False, loops=False)
    return Task(
        kind="conservation", subject=structure, configuration=member, settings=settings, other=member.other_head
    )


def choose_settings(structure: Atoms) -> ConservationSettings:
    """Offer the loop and the run."""
    names = [f"{k} {symbol}" for k, symbol in enumerate(structure.get_chemical_symbols())]
    st.markdown("**Loop**")
    first, second = st.columns(2)
    a = first.selectbox("Atom", range(len(names)), format_func=names.__getitem__, key="loop_a", bind="query-params")
    along_a = first.selectbox("along", list(DIRECTIONS), key="loop_along_a", bind="query-params")
    b = second.selectbox(
        "and atom",
        range(len(names)),
        index=min(1, len(names) - 1),
        format_func=names.__getitem__,
        key="loop_b",
        bind="query-params",
    )
    along_b = second.selectbox("along", list(DIRECTIONS), index=1, key="loop_along_b", bind="query-params")
    radius = st.number_input(
        "Radius (Å)", 0.005, 0.5, 0.05, step=0.01, format="%.3f", key="radius", bind="query-params"
    )
    with st.expander("Advanced"):
        time = st.number_input(
            "Run at constant energy (ps)",
            0.0,
            20.0,
            0.5,
            step=0.5,
            key="picoseconds",
            bind="query-params",
            help="0.5 ps resolves a drift of about 0.015 eV/atom/ps; 10 ps about 5×10⁻⁴.",
        )
        temperature = st.number_input("Temperature (K)", 1.0, 3000.0, 300.0, key="temperature", bind="query-params")
        loops = st.number_input("Random loops", 0, 64, 8, key="random_loops", bind="query-params")
        rattle = st.number_input(
            "Rattle (Å)",
            0.0,
            0.5,
            0.05,
            step=0.01,
            key="conservation_rattle",
            bind="query-params",
            help="A perfect crystal has no forces to compare. Every atom is moved by normal random displacements of this width (seed 0).",
        )
    if a == b and along_a == along_b:
        st.warning("The same atom along the same direction encloses no area; choose another direction.")
    loop = Loop(
        atom_a=a, atom_b=b, direction_a=DIRECTIONS[along_a], direction_b=DIRECTIONS[along_b], radius=float(radius)
    )
    return ConservationSettings(
        loop=loop,
        radius=float(radius),
        n_random_loops=int(loops),
        picoseconds=float(time),
        temperature=float(temperature),
        rattle=float(rattle),
    )


def draw(works: list[Work]) -> None:
    """Draw what was measured."""
    if nothing_yet(
        works,
        "Press **Measure the conservation**: atoms are led around a closed loop and the work of the forces is added up, "
        "the Jacobian of the forces is tested for symmetry, and a short run at constant energy shows whether energy drifts.",
    ):
        return
    finished = [work for work in works if work.result is not None]
    measured = drawn(finished)
    verdicts(finished)
    if any(work.member.corrections.rotations == RANDOM_FRAME for work in finished):
        st.caption("With a random frame for every geometry there is no λ and no loop, only the run.")
    pairs = head_pairs(measured)
    views = {
        "Run at constant energy": lambda: constant_energy(measured),
        "Loop": lambda: chosen_loop(measured),
        "Random loops": lambda: random_loops(measured),
        "Two heads": lambda: two_heads(pairs),
        "All numbers": lambda: all_numbers(finished),
    }
    if not any(result.run is not None for _, result in measured):  # a lesson may ask for loops alone
        views |= {"Run at constant energy": views.pop("Run at constant energy")}
    tabs(views, key="conservation_view")
    download_all(st, titled("Conservation"), measured, lambda: figures(measured))


def chosen_loop(measured: Sequence[tuple]) -> None:
    """Show the work around the loop that was chosen, and the loop itself."""
    first = next((result for _, result in measured if result.loop is not None), None)
    if first is None:
        st.markdown("No loop was measured.")
        return
    curve, picture = st.columns([2.2, 1])
    with curve:
        chart(once(loop_figure, measured, look=look()), "loop-figure")
        st.caption(
            "Two atoms are led around a circle in the plane of their displacements, back to where they started. Forces that are a gradient have done no work then."
        )
    with picture:
        loop_picture(first)


def constant_energy(measured: Sequence[tuple]) -> None:
    """Show the total energy along the runs."""
    if not any(result.run is not None for _, result in measured):
        st.markdown("Ask for a **Run at constant energy** under **Advanced**, and measure again.")
        return
    chart(once(energy_figure, measured, look=look()), "energy-figure")
    st.caption(
        "Velocity Verlet without a thermostat: the total energy stays where it is if the forces are its gradient and the time step is short enough."
    )


def random_loops(measured: Sequence[tuple]) -> None:
    """Show the work around loops that nobody chose."""
    if not any(result.random_loops for _, result in measured):
        st.markdown("Ask for **Random loops** under **Advanced**, and measure again.")
        return
    figure = once(random_loops_figure, measured, look=look())
    chart(figure, "random-loops-figure")
    st.caption(
        "The work around loops of random pairs of atoms along random directions (filled), with the error of its integration (open), and the root mean square (bar). "
        "Filled points well above the open ones are work out of nothing; beside or below them there is none to be seen."
    )


def two_heads(pairs: Named) -> None:
    """Show the two heads of a model against each other."""
    if not pairs:
        st.markdown(
            "No model of this line-up has both a head for forces and an energy to differentiate; PET demo has, and most PET models."
        )
        return
    chart(once(heads_figure, pairs, look=look()), "heads-figure")
    for mark, result in pairs:
        heads = result.heads
        st.markdown(
            f"**{mark.label}** against its other head: root mean square difference **{1000 * heads.rms:.1f} meV/Å**, largest {1000 * heads.largest:.1f} meV/Å."
        )
    st.caption(
        "One point a component of a force on an atom: what the head for forces says against −∂E/∂x of the same checkpoint, under the same corrections. "
        "Points off the line are forces that belong to no energy of this model."
    )


def loop_picture(result: Conservation) -> None:
    """Show which atoms the loop moves, and where to."""
    if result.loop is None:
        return
    loop = result.loop.loop
    frames = [result.structure.copy() for _ in range(loop.n_points)]
    for frame, moved in zip(frames, loop.displacements(len(result.structure)), strict=True):
        frame.positions += moved * (0.4 / loop.radius)
    viewer(frames, key="loop-viewer", height=330, animate=True)
    st.caption(f"The loop, enlarged {0.4 / loop.radius:.0f} ×.")


if __name__ == "__main__":
    main()
