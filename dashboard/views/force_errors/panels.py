"""The parts of the Force errors page: narrowing down, each view behind its tab, and what a visitor takes along."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.views.force_errors import figures
from dashboard.views.force_errors.beginning import ALL, begin_with
from dashboard.views.force_errors.comparison import Compared, common, summary_table
from dashboard.views.force_errors.declaration import error_figures, split_figures
from dashboard.views.force_errors.download import per_atom_csv, per_atom_parquet, with_all_forces
from dashboard.views.force_errors.formulae import with_formulae
from dashboard.widgets.chart import chart
from dashboard.widgets.download import download_all
from dashboard.widgets.figure_page import file_name
from dashboard.widgets.frame import look
from dashboard.widgets.numbers import MISSING, decimals, fixed, power
from dashboard.widgets.table import as_read, headed
from dashboard.widgets.work import Work, drawn, of_kind
from mlip_core.calculations.force_errors import Comparison, ForceErrors, Selection, compare_errors
from mlip_core.datasets import Dataset
from mlip_core.errors import CalculationError

_MANY = 200
PER_ATOM = {"Parquet": per_atom_parquet, "CSV": per_atom_csv}


def choose_part(place: Any, works: Sequence[Work]) -> Selection:
    """Offer to narrow everything down to an element, a subset, and what all configurations answered for."""
    results = [work.result for work in works]
    elements = sorted({name for errors in results for name in errors.by_element["element"]})
    subsets = sorted({f"{row.tag} = {row.value}" for errors in results for row in errors.by_subset.itertuples()})
    for key, options in ((state.ELEMENT, elements), (state.SUBSET, subsets)):
        if st.session_state.get(key, ALL) not in [ALL, *options]:
            st.session_state.pop(key)
    element = place.selectbox("Element", [ALL, *elements], key=state.ELEMENT, bind="query-params", width=110)
    subset = ALL
    if subsets:
        subset = place.selectbox("Subset", begin_with(subsets), key=state.SUBSET, bind="query-params", width=260)
    shared = common(works)
    if shared is not None and not place.toggle(
        f"Only the {len(shared)} structures all answered for",
        True,
        key="fair",
        bind="query-params",
        help="Otherwise each configuration's figures are of what it answered for, and cannot be compared.",
    ):
        shared = None
    tag, _, value = subset.partition(" = ")
    return Selection(
        structures=shared,
        element=None if element == ALL else element,
        tag=None if subset == ALL else tag,
        value=None if subset == ALL else value,
    )


def open_point(key: str) -> Callable[[], None]:
    """Return what a click on a point of that figure does: remember structure, atom and configuration."""

    def remember() -> None:
        points = st.session_state[key].selection.points
        if points:
            structure, atom, _, place = points[0]["customdata"]
            state.pick(state.POINT, (int(structure), int(atom), int(place)))

    return remember


def narrow_by(key: str, target: str, before: str = "") -> Callable[[], None]:
    """Return what a click on a bar of that figure does: narrow everything down to its category."""

    def remember() -> None:
        points = st.session_state[key].selection.points
        if points:
            st.session_state[target] = before + str(points[0]["x"])

    return remember


def outliers(compared: Sequence[Compared]) -> None:
    """Name the structures far outside, and how a simple mistake in their labels would explain it."""
    rows = _suspects(compared)
    if rows.empty:
        st.markdown("No structure is far outside what the others show.")
        return
    event = st.dataframe(
        rows, hide_index=True, on_select="rerun", selection_mode="single-row", key="outliers", column_config=headed(rows, {})
    )  # fmt: skip
    st.caption(
        "Errors more than four times the median over the structure's own subset (the smallest of at least five that share a tag). Where one simple mistake in the reference would explain most of the error, it is named. Choose a row to look."
    )
    if event.selection.rows:
        _open(int(rows["structure"].iloc[event.selection.rows[0]]))


def distribution(compared: Sequence[Compared]) -> None:
    """Show how large errors are."""
    chart(figures.distribution_figure(_pairs(compared), look=look()), "distribution")
    st.caption("Left: how often an error of each size occurs. Right: how many components are worse than that.")


def by_element(compared: Sequence[Compared]) -> None:
    """Show the errors of each element."""
    figure = figures.breakdown_figure(_pairs(compared), "by_element", "element", "element of the atom", look=look())
    chart(figure, "by-element", on_select=narrow_by("by-element", state.ELEMENT))
    st.caption("Click a bar: everything else narrows down to that element.")


def by_subset(compared: Sequence[Compared]) -> None:
    """Show the errors of each subset."""
    tags = figures.tags(_pairs(compared))
    if not tags:
        st.markdown("Nothing in these data splits them: tags in a frame's `info` (such as `source` or `name`) would.")
        return
    tag = st.segmented_control("Split by", tags, default=tags[0], key="subset-tag", required=True, bind="query-params")
    figure = figures.breakdown_figure(_pairs(compared), "by_subset", tag, tag, look=look())
    key = f"by-subset-{tag}"
    chart(figure, key, on_select=narrow_by(key, state.SUBSET, f"{tag} = "))
    st.caption("Click a bar: everything else narrows down to that subset.")


def by_force(compared: Sequence[Compared]) -> None:
    """Show the errors against the size of the force."""
    chart(figures.magnitude_figure(_pairs(compared), look=look()), "by-force")
    st.caption(
        "Small forces decide phonons and relaxed structures, large ones dominate a mean. Relative: root mean square of the difference over the mean force of the class."
    )


def by_structure(compared: Sequence[Compared]) -> None:
    """List the structures, the worst first; a row opens."""
    rows = structure_table(compared).head(_MANY)
    number = st.column_config.NumberColumn
    columns = {
        name: number(f"{name} (meV/Å)", format="%.1f", width=150) for name in (item.member.label for item in compared)
    }
    written, config = as_read(rows, headed(rows, columns))
    event = st.dataframe(
        written, hide_index=True, on_select="rerun", selection_mode="single-row", key="structures-table",
        column_config=config, placeholder=MISSING,
    )  # fmt: skip
    st.caption(f"Force MAE of each structure; the worst {_MANY} at most. Choose a row to look at it.")
    if event.selection.rows:
        _open(int(rows["structure"].iloc[event.selection.rows[0]]))


def structure_table(compared: Sequence[Compared]) -> pd.DataFrame:
    """Return one row a structure: where it came from, and the force MAE of each configuration (meV/Å), worst first."""
    facts = pd.concat([item.errors.by_structure[["structure", "where", "formula"]] for item in compared])
    table = with_formulae(facts.drop_duplicates("structure"), compared[0].dataset).set_index("structure")
    for item in compared:
        table[item.member.label] = 1000 * item.errors.by_structure.set_index("structure")["mae"]
    worst = table.drop(columns=["where", "formula"]).max(axis=1)
    return table.loc[worst.sort_values(ascending=False).index].reset_index()


def energies(compared: Sequence[Compared]) -> None:
    """Show the energy of each structure after the offset."""
    if all(item.errors.energy_mae is None for item in compared):
        st.markdown("The reference has no energies.")
        return
    chart(figures.energy_figure(_readable(compared), look=look()), "energies")
    st.caption(compared[0].errors.energy_note)


def stress(compared: Sequence[Compared]) -> None:
    """Show the stress of each structure."""
    if not any(item.errors.n_stresses for item in compared):
        st.markdown("No structure has a stress on both sides.")
        return
    chart(figures.stress_figure(_readable(compared), look=look()), "stress")
    st.caption("Root mean square over the nine components of each structure's stress.")


def split(splits: Sequence[Work]) -> None:
    """Show how much of the error is broken symmetry."""
    finished = drawn(splits)
    if not finished:
        st.markdown("Press **Split the error**: every structure is asked about in 24 orientations.")
        return
    chart(figures.split_figure(finished, look=look()), "split")
    st.caption(
        "Does the missing constraint matter here? The mean square error over orientations is exactly that of the averaged forces (pale) "
        "plus the spread between orientations (full colour). Written on the bars: the root of each part, meV/Å. Averaging over rotations can remove the full colour and no more."
    )


def is_it_real(compared: Sequence[Compared]) -> None:
    """Say whether one configuration is better than another, or only luckier."""
    if len(compared) < 2:
        st.markdown("Two configurations are needed.")
        return
    names = [item.member.label for item in compared]
    bar = st.container(horizontal=True)
    first = bar.selectbox("First", names, key="real-first", bind="query-params", width=300)
    others = [name for name in names if name != first]
    second = bar.selectbox("Second", others, key="real-second", bind="query-params", width=300)
    pair = [compared[names.index(name)] for name in (first, second)]
    try:
        found = _compare(pair[0].errors, pair[1].errors, tuple(item.key for item in pair))
    except CalculationError as error:
        st.info(str(error))
        return
    values = [1000 * value for value in (found.difference, *found.interval)]
    difference, low, high = map(fixed(decimals(values)), values)
    better = first if found.difference < 0 else second
    st.markdown(
        (f"**Yes: {better} is closer.**" if found.real else "**No: the difference may be chance.**")
        + f" Mean difference of the structures' MAE {difference} meV/Å (95 %: {low} to {high}), "
        f"p = {power()(found.p_value)} (permutation), {power()(found.wilcoxon_p_value)} (Wilcoxon). {first} is closer on {found.better_first} of {found.n_structures} structures."
    )
    chart(figures.comparison_figure(found, look=look()), "real")
    st.caption("Paired, structure by structure. The line is the mean, the band its 95 % bootstrap interval.")


@st.cache_data(show_spinner="Comparing", max_entries=32)
def _compare(_first: ForceErrors, _second: ForceErrors, keys: tuple[str, ...]) -> Comparison:
    return compare_errors(_first, _second)


def speed(compared: Sequence[Compared]) -> None:
    """Show accuracy beside speed."""
    chart(figures.speed_figure(_pairs(compared), look=look()), "speed")
    st.caption(
        "Down and left is better. Times are those of this machine while the predictions were made, beside whatever else ran; the first call does not count. The cost in the table below is measured alone."
    )


def downloads(place: Any, works: Sequence[Work], compared: Sequence[Compared], data: Dataset) -> None:
    """Offer tables, figures, atoms and structures."""
    pairs = _pairs(compared)
    splits, runs = (drawn(of_kind(works, kind)) for kind in ("error_split", "lambench"))
    part = compared[0].errors.narrowed_to
    title = f"Force {figures.word(pairs)}s: {data.name}" + (f", {part}" if part else "")
    with place.popover("Download", icon=":material/download:"):
        st.download_button(
            "Summary (CSV)", lambda: summary_table(compared).to_csv(index=False), "force_errors.csv", on_click="ignore"
        )
        download_all(
            st,
            title,
            [*pairs, *splits, *runs],
            lambda: {**error_figures(pairs), **(split_figures(splits) if splits else {})},
            text="All tables, figures and settings (ZIP)",
        )
        st.download_button(
            "Structures with all forces (extended XYZ)", lambda: with_all_forces(compared), "forces.extxyz", on_click="ignore"
        )  # fmt: skip
        ending = st.segmented_control("Atoms as", list(PER_ATOM), default="Parquet", key="atoms-as", required=True)
        for item in compared:
            st.download_button(
                f"Atoms, {item.member.label}",
                partial(PER_ATOM[ending], item),
                f"{file_name(item.member.label)}.{ending.lower()}",
                on_click="ignore",
            )


def _pairs(compared: Sequence[Compared]) -> list[tuple]:
    return [(item.style, item.errors) for item in compared]


def _readable(compared: Sequence[Compared]) -> list[tuple]:
    """Return the pairs with formulae as people write them."""
    tables = [with_formulae(item.errors.by_structure, item.dataset) for item in compared]
    return [(item.style, replace(item.errors, by_structure=t)) for item, t in zip(compared, tables, strict=True)]


def _open(structure: int) -> None:
    point = state.picked(state.POINT)
    if point is None or point[0] != structure:
        state.pick(state.POINT, (structure, 0, 0))
        st.rerun(scope="fragment")


def _suspects(compared: Sequence[Compared]) -> pd.DataFrame:
    found = [
        item.errors.by_structure.query("suspect != ''")[["structure", "where", "formula", "suspect"]].assign(by=item.member.label)
        for item in compared
    ]  # fmt: skip
    every = with_formulae(pd.concat(found), compared[0].dataset)
    grouped = every.groupby(["structure", "where", "formula"], sort=False)
    table = grouped.agg(what=("suspect", lambda words: words.mode().iloc[0]), seen_by=("by", "size")).reset_index()
    table = table.sort_values(["seen_by", "structure"], ascending=[False, True], ignore_index=True)
    table["seen_by"] = [f"{n} of {len(compared)}" for n in table["seen_by"]]
    return table.rename(columns={"seen_by": "seen by"})
