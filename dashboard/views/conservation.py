"""Conservation: whether each configuration's forces are the gradient of an energy."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from ase import Atoms

from dashboard.components.frame import dark, header, need_lineup, need_structure, projector
from dashboard.components.viewer import viewer
from dashboard.components.work import Work, live, start_button
from dashboard.figures.conservation import energy_figure, loop_figure
from dashboard.members import label
from mlip_core.closed_loops import Loop
from mlip_core.conservation import Conservation, ConservationSettings
from mlip_core.jobs.task import Task

DIRECTIONS = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


def main() -> None:
    """Lay the page out: the loop, the run, the numbers."""
    header()
    structure, members = need_structure(), need_lineup()
    controls, results = st.columns([1, 3.6], gap="large")
    with controls:
        settings = choose_settings(structure)
        tasks = [
            Task(kind="conservation", structure=structure, configuration=member, settings=settings)
            for member in members
        ]
        start_button("Measure the conservation", tasks, key="conservation")
    with results:
        live(tasks, draw)


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
    with st.expander("More"):
        time = st.number_input(
            "Run at constant energy (ps)",
            0.0,
            20.0,
            0.5,
            step=0.5,
            key="picoseconds",
            bind="query-params",
            help="0.5 ps resolves a drift of about 0.015 eV/atom/ps; 10 ps about 5e-4.",
        )
        temperature = st.number_input("Temperature (K)", 1.0, 3000.0, 300.0, key="temperature", bind="query-params")
        loops = st.number_input("Random loops", 0, 64, 8, key="random_loops", bind="query-params")
        rattle = st.number_input("Rattle (Å)", 0.0, 0.5, 0.0, step=0.01, key="conservation_rattle", bind="query-params")
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
    finished = [work for work in works if work.result is not None]
    if not finished:
        if not any(work.active for work in works):
            st.subheader("Do the forces conserve energy?")
            st.markdown(
                "Press **Measure the conservation**: atoms are led around a closed loop and the work of the forces is added up, "
                "the Jacobian of the forces is tested for symmetry, and a short run at constant energy shows whether energy drifts."
            )
        return
    measured = [(work.style, work.result) for work in finished]
    curve, picture = st.columns([2.2, 1])
    with curve:
        st.plotly_chart(loop_figure(measured, dark=dark(), projector=projector()), theme=None, key="loop-figure")
        st.caption(
            "Two atoms are led around a circle in the plane of their displacements, back to where they started. Forces that are a gradient have done no work then."
        )
    with picture:
        loop_picture(finished[0].result)
    table(finished)
    st.plotly_chart(energy_figure(measured, dark=dark(), projector=projector()), theme=None, key="energy-figure")
    st.caption(
        "Velocity Verlet without a thermostat: the total energy stays where it is if the forces are its gradient and the time step is short enough."
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


def table(works: Sequence[Work]) -> None:
    """Show the figures of every configuration."""
    number = st.column_config.NumberColumn
    st.dataframe(pd.DataFrame([_row(work) for work in works]), hide_index=True, column_config={
        "λ": number("λ of ∂F/∂x", format="%.2e", help="‖J − Jᵀ‖ / 2‖J‖: 0 for a gradient."),
        "floor": number("its floor", format="%.1e", help="The same of an exact pair potential, in the same arithmetic with the same displacements."),
        "loop": number("∮F·dx (meV/atom)", format="%.2e"),
        "error": number("± integration", format="%.1e"),
        "random": number("random loops, rms (meV/atom)", format="%.2e"),
        "net": number("|ΣF|/N (eV/Å)", format="%.1e"),
        "seconds": number("time (s)", format="%.1f"),
    })  # fmt: skip
    st.caption("No average over rotations and no projection of forces makes direct forces conservative.")


def _row(work: Work) -> dict[str, object]:
    found: Conservation = work.result
    return {
        "configuration": label(work.member),
        "λ": found.jacobian_asymmetry,
        "floor": found.jacobian_floor,
        "loop": None if found.loop is None else 1000 * found.loop.work,
        "error": None if found.loop is None else 1000 * found.loop.error,
        "random": None if found.random_loop_work is None else 1000 * found.random_loop_work,
        "net": found.net_force,
        "drift (eV/atom/ps)": _drift(found),
        "evaluations": found.evaluations,
        "seconds": found.seconds,
    }


def _drift(found: Conservation) -> str:
    run = found.run
    if run is None or run.drift is None or run.drift_error is None:
        return "–" if run is None or not run.stopped else run.stopped
    text = f"{run.drift:.1e} ± {run.drift_error:.0e}"
    return text if run.resolved else f"{text}, not resolved"


main()
