"""Force errors: the whole line-up against labelled structures, or against one of its members."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import streamlit as st

from dashboard import state
from dashboard.views.force_errors import panels
from dashboard.views.force_errors.beginning import offer_copies
from dashboard.views.force_errors.benchmarks import benchmarks
from dashboard.views.force_errors.comparison import (
    Compared,
    against_labels,
    compared_by,
    lambench_questions,
    questions,
    summary,
)
from dashboard.views.force_errors.data import choose_data
from dashboard.views.force_errors.groups import show_views
from dashboard.views.force_errors.labelled import structure_panel
from dashboard.views.force_errors.parity import Quantity, parity_figure
from dashboard.widgets.chart import chart
from dashboard.widgets.frame import header, look, need_lineup, panes, plain
from dashboard.widgets.preview import welcome
from dashboard.widgets.work import Work, follow, live, of_kind, start_button
from mlip_core.calculations.benchmarks.runs import LARGEST_CELL, SMALLEST_CELL
from mlip_core.configuration import Configuration
from mlip_core.datasets import Dataset
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import catalogue


def main() -> None:
    """Lay the page out: data and what they are compared with, the figures, the structure that was clicked."""
    header()
    members = need_lineup()
    controls, results = panes()
    with controls:
        copies = st.container()
        data = choose_data()
        with copies:
            offer_copies(data, members)
        reference = choose_reference(data, members)
        tasks, splits = questions(data, members, reference)
        start_button("Compute force errors", tasks, key="force-errors", about=data.name)
        runs: list[Task] = []
        if any(work.result is not None for work in follow(tasks)):
            st.divider()
            word = "error" if reference is None else "difference"
            start_button(f"Split the {word}", splits, key="error-split", about=data.name, first=False)
            st.caption(
                f"Every structure in 24 orientations: how much of the {word} is broken rotational symmetry, how much the rest?"
            )
            runs = choose_lambench(data, members)
    with results:
        live([*tasks, *splits, *runs], lambda works: draw(data, works))


def choose_reference(data: Dataset, members: tuple[Configuration, ...]) -> Configuration | None:
    """Offer the labels, where there are any, or a model to compare with; None means the labels."""
    models = dict.fromkeys([*members, *(Configuration(model=item.name) for item in catalogue() if item.available())])
    options: dict[str, Configuration | None] = {state.LABELS: None} if data.keys.get("forces") else {}
    options.update((model.code, model) for model in models)
    level = data.level_of_theory or "level of theory not stated"

    def described(code: str) -> str:
        option = options[code]
        return f"the labels: {level}" if option is None else option.label

    picked = st.selectbox(
        "Compare with",
        list(options),
        format_func=described,
        key=state.AGAINST,
        bind="query-params",
        help="The labels give errors. A model gives differences: neither of the two is the truth.",
    )
    return options[picked]


def choose_lambench(data: Dataset, members: tuple[Configuration, ...]) -> list[Task]:
    """Offer the figures of LAMBench that need calculations of their own."""
    with st.expander("LAMBench: speed and stability"):
        cells, runs = st.columns(2)
        n_cells = cells.number_input("Cells timed", 10, 1000, 10, step=10, key="lambench_cells", bind="query-params")
        n_runs = runs.number_input("Runs of 10 ps", 1, 9, 1, key="lambench_runs", bind="query-params")
        tasks = lambench_questions(data, members, int(n_cells), int(n_runs))
        start_button("Time and run", tasks, key="lambench", about=data.name, first=False)
        st.caption(
            f"Cells of {SMALLEST_CELL} to {LARGEST_CELL} atoms, one by one, and 10,000 steps at constant energy for each of so many formulae of these data. "
            "It takes minutes to hours; the result stands under **Benchmarks**."
        )
    return tasks


def draw(data: Dataset, works: Sequence[Work]) -> None:
    """Draw what is there."""
    finished = [work for work in of_kind(works, "force_errors") if work.result is not None]
    if not finished:
        if not any(work.active for work in works):
            begin(data)
        return
    splits, runs = of_kind(works, "error_split"), of_kind(works, "lambench")
    bar = st.container(horizontal=True, vertical_alignment="bottom")
    selection = panels.choose_part(bar, finished)
    compared = compared_by(finished, Path(data.path).parent, selection)
    bar.space("stretch")
    panels.downloads(bar, works, compared, data)
    point = state.picked(state.POINT)
    views = views_of(compared, splits, None if point is None else point[0])
    views["Benchmarks"] = lambda: benchmarks(compared, runs, selection)
    if point is None:
        show_views(views)
    else:
        figures, picture = st.columns([1.7, 1], gap="medium")
        with figures:
            show_views(views)
        with picture:
            structure_panel(compared, point)
    summary(compared, data)


def views_of(compared: Sequence[Compared], splits: Sequence[Work], marked: int | None) -> dict[str, Callable[[], None]]:
    """Return the views of the errors by their names; a click on a point, a row or a bar leads on."""
    return {
        "Parity": lambda: draw_parity(compared, marked),
        "Distribution": lambda: panels.distribution(compared),
        "By element": lambda: panels.by_element(compared),
        "By subset": lambda: panels.by_subset(compared),
        "By force": lambda: panels.by_force(compared),
        "Structures": lambda: panels.by_structure(compared),
        "Outliers": lambda: panels.outliers(compared),
        "Energies": lambda: panels.energies(compared),
        "Stress": lambda: panels.stress(compared),
        "Split": lambda: panels.split(splits),
        "Is it real?": lambda: panels.is_it_real(compared),
        "Speed": lambda: panels.speed(compared),
    }


def draw_parity(compared: Sequence[Compared], marked: int | None) -> None:
    """Draw prediction against reference; a click opens the structure."""
    quantity = st.segmented_control(
        "Of", get_args(Quantity), default="components", key="parity-of", required=True, label_visibility="collapsed",
        bind="query-params",
    )  # fmt: skip
    figure = parity_figure(
        [(item.style, item.errors) for item in compared],
        quantity or "components",
        marked=marked,
        columns=3 if marked is None else 2,
        look=look(),
    )
    chart(figure, "parity", on_select=panels.open_point("parity"))
    reference = compared[0].reference
    st.caption(
        f"Against {plain(reference)}. On the line: prediction = reference. Click a point off it: its structure opens with both sets of forces."
        if against_labels(compared)
        else f"Differences to {reference}, which is a model and not the truth. Click a point: its structure opens with both sets of forces."
    )


def begin(data: Dataset) -> None:
    """Say what the page is for."""
    welcome(
        f"Press **Compute force errors**: every configuration of the line-up predicts the {data.n_structures:,} structures of *{plain(data.name)}*, in the background. "
        "Then see where the errors are, click the worst atoms, narrow down to an element or a subset, and learn how much of the error is broken symmetry. "
        "Bring your own labelled structures on the left, or compare models with one another on structures without labels.",
        shown="Two bundled models against the PBE reference that comes with the program",
    )


if __name__ == "__main__":
    main()
