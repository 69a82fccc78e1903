"""Speed: what a step costs every configuration, measured alone on the machine."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st
from ase import Atoms

from dashboard.views.speed.declaration import figures
from dashboard.views.speed.figures import CLOCKS, MICROSECONDS, MILLISECONDS, Clock, seconds, speed_figure
from dashboard.widgets.chart import chart
from dashboard.widgets.download import download_all
from dashboard.widgets.frame import header, look, need_lineup, need_structure, panes, plain, titled
from dashboard.widgets.table import show_table
from dashboard.widgets.work import Work, drawn, live, nothing_yet, say_notes, start_button
from mlip_core.calculations.speed.machine import n_cores
from mlip_core.calculations.speed.record import Speed, Timing
from mlip_core.calculations.speed.settings import SpeedSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import entry

SIZES = (8, 64, 216, 512, 1000, 2000, 4000)  # one is the largest; all smaller ones are measured too


def main() -> None:
    """Lay the page out: sizes, price, curves, numbers."""
    header()
    structure = need_structure()
    members = need_lineup(structure)
    controls, results = panes()
    with controls:
        settings = choose_settings(structure)
        tasks = [question(structure, member, settings) for member in members]
        start_button("Measure the speed", tasks, key="speed")
        st.caption(price(structure, settings, len(members)))
    with results:
        live(tasks, draw)


def question(structure: Atoms, member: Configuration, settings: SpeedSettings) -> Task:
    """Ask one member what a step costs."""
    return Task(kind="speed", subject=structure, configuration=member, settings=settings)


def choose_settings(structure: Atoms) -> SpeedSettings:
    """Offer the largest size, the threads and how often it is measured."""
    largest = 1000
    if structure.pbc.any():
        largest = st.select_slider(
            "Up to (atoms)", SIZES, value=largest, format_func=lambda n: f"{n:,}", key="speed_largest", bind="query-params",
            help="The crystal is repeated to about as many atoms, and to the smaller numbers of this row.",
        )  # fmt: skip
    threads = st.number_input(
        "Threads", 1, n_cores(), 1, key="speed_threads", bind="query-params",
        help="That torch computes with. With one, machines and models are compared most easily.",
    )  # fmt: skip
    with st.expander("Advanced"):
        repeats = st.number_input("Timed calls at each size", 1, 100, 5, key="speed_repeats", bind="query-params")
        batch = st.number_input(
            "Structures in a batch", 2, 64, 8, key="speed_batch", bind="query-params",
            help="At most; large structures fill a batch earlier.",
        )  # fmt: skip
        allowed = st.number_input(
            "Time for a configuration (s)", 5.0, 3600.0, 60.0, step=30.0, format="%.0f", key="speed_seconds", bind="query-params",
            help="Sizes that would take longer are left out.",
        )  # fmt: skip
    return SpeedSettings(
        n_atoms=tuple(size for size in SIZES if size <= largest),
        threads=int(threads),
        repeats=int(repeats),
        batch=int(batch),
        seconds=float(allowed),
    )


def price(structure: Atoms, settings: SpeedSettings, n_members: int) -> str:
    """Say before what it costs."""
    sizes = " · ".join(f"{size:,}" for size in settings.n_atoms) if structure.pbc.any() else f"{len(structure)}"
    return (
        f"About {sizes} atoms. Up to {settings.seconds:.0f} s and the loading of the model for each of {n_members} "
        f"configuration{'s' * (n_members > 1)}, one after the other: nothing else runs meanwhile."
    )


def draw(works: list[Work]) -> None:
    """Draw what was measured."""
    if nothing_yet(
        works,
        "Press **Measure the speed**: each configuration predicts energy and forces of this structure, repeated to "
        "several sizes, one by one as dynamics does and in a batch as phonons do. The first calls do not count, and nothing "
        "else of this program runs meanwhile. Direct forces need no derivative of the energy: see what that saves.",
    ):
        return
    measured = drawn(works)
    clock = choose_clock()
    chart(speed_figure(measured, clock=clock, look=look()), "speed-figure")
    st.caption(caption(measured[0][1], clock))
    ratios(works, clock)
    table(works, clock)
    say_notes(works)
    download_all(st, titled("Speed"), measured, lambda: figures(measured))


def choose_clock() -> Clock:
    """Let the visitor choose which time is drawn."""
    return (
        st.segmented_control(
            "Clock", CLOCKS, default=CLOCKS[0], key="speed_clock", label_visibility="collapsed", bind="query-params"
        )
        or CLOCKS[0]
    )


def caption(result: Speed, clock: Clock) -> str:
    """Say what is drawn, and on what it was measured."""
    threads = "" if result.threads is None else f", {result.threads} thread{'s' * (result.threads > 1)} of torch"
    meaning = (
        "with bars from the shortest call to the longest"
        if clock == "Wall time"
        else "of all threads together, which suffers less from what else the machine does"
    )
    return (
        f"Median {clock.lower()} of an atom's share of a step (energy, forces and, in a crystal, stress), {meaning}. Filled: one "
        f"structure a call; open: several. Both axes are logarithmic. Measured on {plain(result.processor)}{threads}."
    )


def ratios(works: Sequence[Work], clock: Clock) -> None:
    """Say in words what direct forces save where a model offers both kinds."""
    for direct, conservative in pairs(works):
        same = ratio_by_size(direct.result, conservative.result, clock)
        if not same:
            continue
        largest = max(same)
        spread = f", {min(same.values()):.1f} to {max(same.values()):.1f} over all sizes" if len(same) > 1 else ""
        st.markdown(
            f"**{plain(conservative.member.label)}** takes **{same[largest]:.1f} times** as long as "
            f"**{plain(direct.member.label)}** with {largest:,} atoms{spread}."
        )


def pairs(works: Sequence[Work]) -> list[tuple[Work, Work]]:
    """Return the members that differ in nothing but direct or conservative forces and are both measured."""
    done = {_spelled_out(work.member): work for work in works if work.result is not None}
    found = []
    for member, work in done.items():
        other = done.get(replace(member, forces="conservative"))
        if member.forces == "direct" and other is not None:
            found.append((work, other))
    return found


def _spelled_out(member: Configuration) -> Configuration:
    """Write the defaults of a configuration out."""
    forces, dtype = entry(member.model).settings(member.forces, member.dtype)
    return replace(member, forces=forces, dtype=dtype)


def ratio_by_size(direct: Speed, conservative: Speed, clock: Clock) -> dict[int, float]:
    """Return conservative over direct, one structure a call, by the number of atoms that both were measured with."""
    costs = {timing.n_atoms: seconds(timing, clock) for timing in direct.one_by_one}
    return {
        timing.n_atoms: seconds(timing, clock) / costs[timing.n_atoms]
        for timing in conservative.one_by_one
        if costs.get(timing.n_atoms)
    }


def table(works: Sequence[Work], clock: Clock) -> None:
    """Show what a step takes at each size, in ms."""
    done = [work for work in works if work.result is not None]
    sizes = sorted({timing.n_atoms for work in done for timing in work.result.one_by_one})
    number = st.column_config.NumberColumn
    columns = {str(size): number(f"{size:,} atoms (ms)", format="%.3g", help=_STEP) for size in sizes}
    show_table(
        pd.DataFrame([_row(work, clock) for work in done]),
        hide_index=True,
        column_order=("configuration", *columns, "batched", "processor", "disturbed"),
        column_config={
            **columns,
            "batched": number("largest batch (μs/atom)", format="%.3g", help="Time an atom where several structures are asked at once, at the largest size that was."),
            "processor": number("processor / wall", format="%.2f", help="Processor time over wall time of the calls: about the number of threads on a quiet machine, less where they had to wait."),
            "disturbed": st.column_config.CheckboxColumn("disturbed", help="Whether other programs kept the processor busy meanwhile."),
        },
    )  # fmt: skip


_STEP = "Median time of one step by the clock above: energy, forces and, in a crystal, stress of one structure."


def _row(work: Work, clock: Clock) -> dict[str, object]:
    found: Speed = work.result
    largest: Timing | None = found.batched[-1] if found.batched else None
    wall = sum(timing.wall for timing in found.timings)
    return {
        "configuration": work.member.label,
        **{str(timing.n_atoms): MILLISECONDS * seconds(timing, clock) for timing in found.one_by_one},
        "batched": None if largest is None else MICROSECONDS * seconds(largest, clock) / largest.n_atoms,
        "processor": sum(timing.processor for timing in found.timings) / wall if wall else None,
        "disturbed": found.disturbed,
    }


if __name__ == "__main__":
    main()
