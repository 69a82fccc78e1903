"""Relax: the whole line-up relaxes the same structure, side by side, live."""

from collections.abc import Sequence
from typing import cast, get_args

import plotly.graph_objects as go
import streamlit as st
from ase import Atoms

from dashboard.views.relaxation.declaration import CELLS, figures
from dashboard.views.relaxation.figures import RelaxationTrace, relaxation_figure
from dashboard.views.relaxation.sweep import sweep_figure
from dashboard.widgets.chart import chart
from dashboard.widgets.download import download_all
from dashboard.widgets.frame import header, look, need_lineup, need_structure, notes, panes, plain, titled
from dashboard.widgets.numbers import as_text, fixed, power, table
from dashboard.widgets.once import once
from dashboard.widgets.preview import welcome
from dashboard.widgets.theme import Look, Style
from dashboard.widgets.viewer import viewer
from dashboard.widgets.work import Work, choose, drawn, live, start_button
from mlip_core.calculations.relaxation.calculation import Cell, Optimizer, RelaxationResult, RelaxationSettings
from mlip_core.jobs.task import Task
from mlip_core.symmetry.moving import rattled

COLUMNS = {
    "converged": ("Converged", as_text),
    "steps": ("Steps", as_text),
    "ΔE": ("ΔE (meV/atom)", fixed(3)),
    "work": ("−ΣF·dx (meV/atom)", fixed(3)),
    "fmax": ("Largest force on atoms (eV/Å)", power()),
    "all_fmax": ("… on atoms and cell (eV/Å)", power()),
    "ΔV": ("ΔV (%)", fixed(3)),
    "RMSD": ("RMSD", fixed(4)),
    "tight": ("Space group at 10⁻⁵ Å", as_text),
    "loose": ("Space group at 10⁻² Å", as_text),
    "evaluations": ("Evaluations", as_text),
    "seconds": ("Time (s)", fixed(1)),
}


def main() -> None:
    """Lay the page out: settings, progress, figure, outcomes."""
    header()
    structure = need_structure()
    members = need_lineup(structure)
    controls, results = panes()
    with controls:
        kept = choose_frozen(structure)
        start, settings = choose_settings(kept)
        tasks = [Task(kind="relaxation", subject=start, configuration=member, settings=settings) for member in members]
        start_button("Relax", tasks, key="relax")
    with results:
        live(tasks, draw, steps=True)


def choose_frozen(structure: Atoms) -> Atoms:
    """Offer to let go of the atoms that the structure's file holds fixed; return the structure to go on with."""
    if not structure.constraints:
        return structure
    notes(structure)
    keep = st.toggle(
        "Keep frozen atoms fixed", True, key="keep_frozen", bind="query-params",
        help="The file holds these atoms fixed. The largest force is then that of the atoms that may move.",
    )  # fmt: skip
    free = structure.copy()
    if not keep:
        free.set_constraint()
    return free


def choose_settings(structure: Atoms) -> tuple[Atoms, RelaxationSettings]:
    """Offer what a relaxation needs; return the structure to start from, rattled where that is asked, and the settings."""
    options: list[Cell] = list(CELLS) if structure.pbc.all() else ["none"]
    cell = st.selectbox("What may move", options, format_func=CELLS.__getitem__, key="cell", bind="query-params")
    fmax = st.select_slider(
        "Force threshold (eV/Å)",
        [1e-1, 5e-2, 2e-2, 1e-2, 5e-3, 1e-3, 5e-4, 1e-4],
        value=1e-2,
        format_func=lambda x: f"{x:g}",
        key="fmax",
        bind="query-params",
    )
    steps = st.number_input("Maximum steps", 1, 5000, 300, step=50, key="steps", bind="query-params")
    with st.expander("Advanced"):
        optimizer = st.selectbox("Optimizer", get_args(Optimizer), key="optimizer", bind="query-params")
        pressure = st.number_input(
            "Pressure (GPa)", -100.0, 1000.0, 0.0, key="pressure", bind="query-params", disabled=cell == "none"
        )
        fix = st.toggle(
            "Keep the space group", key="fix_symmetry", bind="query-params", disabled=not structure.pbc.all(),
            help="Locks the symmetry the structure starts with. A saddle point stays a saddle point: cubic BaTiO₃ stays cubic.",
        )  # fmt: skip
        rattle = st.number_input(
            "Rattle first (Å)",
            0.0,
            0.5,
            0.0,
            step=0.01,
            key="rattle",
            bind="query-params",
            help="Moves every atom by normal random displacements of this width (seed 0), so that a perfect crystal has something to relax.",
        )
    return rattled(structure, rattle, seed=0, keep_constraints=True), RelaxationSettings(
        fmax=float(fmax),
        steps=int(steps),
        optimizer=optimizer,
        cell=cell,
        pressure=float(pressure) if cell != "none" else 0.0,
        fix_symmetry=fix,
    )


def draw(works: list[Work]) -> None:
    """Draw the curves and the outcomes of everybody who has something to show."""
    shown = [work for work in works if work.result is not None or work.rows()]
    figure = once(_figure, shown, look())
    if figure is None:
        if not any(work.active for work in works):
            welcome(
                "Press **Relax**: each configuration relaxes the same structure, and its curves appear here while it runs.",
                shown=None,
            )
        viewer(works[0].task.subject, key="start-viewer", height=420)
        return
    chart(figure, "relaxation-figure")
    st.caption(
        "Energy and volume are relative to the first step; thin lines are the work of the forces, where it is not the "
        "change of energy, and the largest force on atoms alone. With direct forces the energy need not fall while the largest force does."
    )
    finished = [work for work in works if work.result is not None]
    if finished:
        outcomes(finished)


def outcomes(works: Sequence[Work]) -> None:
    """Compare where the relaxations ended."""
    table([_outcome(work) for work in works], COLUMNS)
    for work in works:
        if not work.result.converged:
            st.markdown(f":material/info: **{plain(work.member.label)}**: {plain(work.result.reason)}.")
    st.caption(
        "−ΣF·dx: work of the forces along the way, which is ΔE if they are the gradient of the energy. The largest force on atoms and "
        "cell is the one that is compared with the force threshold. RMSD: pymatgen's StructureMatcher, in units of the cube root of "
        "the volume per atom."
    )
    watch, take = st.columns([3, 1], vertical_alignment="bottom")
    with watch:
        chosen = choose("Watch", works, key="watch")
    results = drawn(works)
    download_all(take, titled("Relaxation"), results, lambda: figures(results))
    picture, sweep = st.columns([1, 1], gap="large")
    with picture:
        viewer(chosen.result.frames, key="relaxation-viewer", height=420)
    with sweep:
        show_sweep(works)


def show_sweep(works: Sequence[Work]) -> None:
    """Draw the space group of each final cell against the tolerance."""
    figure = once(_sweep, [(work.style, work.result) for work in works], look())
    if figure is not None:
        st.markdown("**What a tolerance hides**")
        chart(figure, "tolerance-sweep")
        st.caption(
            "Space group of the final cell against the tolerance it is looked for with; the table quotes the two dashed ones. "
            "A model that broke a symmetry shows it at the tight end, and how much it broke is where the group comes back."
        )


def _sweep(members: Sequence[tuple[Style, RelaxationResult]], look: Look) -> go.Figure | None:
    return sweep_figure([(mark, result.structure) for mark, result in members], look=look)


def _figure(works: Sequence[Work], look: Look) -> go.Figure | None:
    """Draw the curves, None where nobody has any yet."""
    traces = [trace for work in works if (trace := _trace(work)) is not None]
    return relaxation_figure(traces, look=look) if traces else None


def _trace(work: Work) -> RelaxationTrace | None:
    if work.result is not None:
        return RelaxationTrace.from_result(work.style, work.result)
    return RelaxationTrace.from_rows(
        work.style, work.rows(), n_atoms=len(cast(Atoms, work.task.subject)), target=work.task.settings.fmax
    )


def _outcome(work: Work) -> dict[str, object]:
    result: RelaxationResult = work.result
    per_atom = 1000 / len(result.structure)
    return {
        "configuration": work.member.label,
        "converged": "✓" if result.converged else "no",
        "steps": result.n_steps,
        "ΔE": (result.energies[-1] - result.energies[0]) * per_atom,
        "work": result.work[-1] * per_atom,
        "fmax": result.fmax[-1],
        "all_fmax": result.generalized_fmax[-1],
        "ΔV": None if result.start.volume_change is None else 100 * result.start.volume_change,
        "RMSD": result.start.rmsd,
        "tight": _change(result.space_groups),
        "loose": _change(result.space_groups_loose),
        "evaluations": result.n_evaluations,
        "seconds": result.seconds,
    }


def _change(groups: tuple[str | None, ...]) -> str:
    first, last = groups[0], groups[-1]
    if first is None:
        return "–"
    return str(first) if first == last else f"{first} → {last}"


if __name__ == "__main__":
    main()
