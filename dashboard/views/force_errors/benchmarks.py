"""Benchmarks of the literature on these data: measured here as published, and published values apart from them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard.views.force_errors.comparison import BEST, Compared, against_labels, opened
from dashboard.views.force_errors.formulae import written
from dashboard.widgets.numbers import power
from dashboard.widgets.table import show_table
from dashboard.widgets.work import Work
from mlip_core.calculations.benchmarks.lambench import REFERENCE_TIME, LambenchError, lambench_error
from mlip_core.calculations.benchmarks.published import (
    Published,
    lambench_sets,
    madbench_table,
    madbench_tag,
    published,
)
from mlip_core.calculations.benchmarks.runs import LARGEST_CELL, SMALLEST_CELL, LambenchRuns
from mlip_core.calculations.force_errors import ForceErrors, Selection
from mlip_core.datasets import Dataset


def benchmarks(compared: Sequence[Compared], runs: Sequence[Work], selection: Selection) -> None:
    """Show the benchmarks of the literature: computed here as published, and published values apart from them."""
    if not against_labels(compared):
        st.markdown("LAMBench's and MADBench's errors need labels: compare with the labels of these data.")
    elif selection.element or selection.tag:
        st.markdown("Benchmarks are of whole data sets: set **Element** and **Subset** back to all.")
    else:
        if selection.structures is not None:
            st.caption(f"Errors are of the {len(selection.structures)} structures that all answered for.")
        lambench_errors(compared)
        madbench(compared)
    lambench_runs([work for work in runs if work.result is not None])
    for found in published().values():
        as_published(found)


def lambench_errors(compared: Sequence[Compared]) -> None:
    """Show LAMBench's normalised error, and what it is made of."""
    st.markdown("**LAMBench's generalisability error on these data, measured here**")
    rows = [_normalised(opened(item.dataset), item.errors, item.key) for item in compared]
    names = [item.member.label for item in compared]
    domains = pd.concat([row.domains.assign(configuration=name) for name, row in zip(names, rows, strict=True)])
    wide = domains.pivot(index="configuration", columns="domain", values=["energy", "forces", "virial"])
    wide.columns = [quantity if domains["domain"].nunique() == 1 else f"{domain}: {quantity}" for quantity, domain in wide.columns]  # fmt: skip
    table = wide.loc[names].dropna(axis="columns", how="all").reset_index()
    table.insert(1, "error", [row.error for row in rows])
    number = st.column_config.NumberColumn
    show_table(table, hide_index=True, column_config={name: number(format="%.3f") for name in table.columns[1:]})
    st.caption(
        "RMSE over that of a dummy that knows only the formula, capped at 1; 0 is perfect. Log-average over the sets of a domain, weighted mean over quantities, mean over domains. "
        "Sets are told apart by the first folder of a DeePMD tree; the sets of LAMBench, release 1.0.0, have its domains and its dummies. "
        "Its three sets of molecules come with PBE and with ωB97M-V labels: give those that are nearer to the models' functional. Peng et al., arXiv:2504.19578."
    )


@st.cache_data(show_spinner=False, max_entries=32)
def _normalised(_dataset: Dataset, _errors: ForceErrors, key: str) -> LambenchError:
    domains, dummies = lambench_sets()
    return lambench_error(_dataset, _errors, domains=domains, dummies=dummies)


def madbench(compared: Sequence[Compared]) -> None:
    """Show errors by subset as MADBench does."""
    if madbench_tag(compared[0].errors) is None:
        return
    st.markdown("**Errors by subset, in the layout of MADBench, measured here**")
    table = pd.concat(
        [
            madbench_table(item.errors)
            .set_index(["subset", "n_structures"])
            .set_axis([f"{item.member.label}: E", f"{item.member.label}: F"], axis=1)
            for item in compared
        ],
        axis=1,
    ).reset_index()
    number = st.column_config.NumberColumn
    columns = {name: number(format="%.3g") for name in table.columns[2:]} | {"n_structures": number("structures")}
    show_table(table, hide_index=True, column_config=columns)
    st.caption(
        "Mean absolute errors: E in meV/atom, after one offset an element; F in meV/Å. Mazitov et al., arXiv:2503.14118."
    )


def lambench_runs(works: Sequence[Work]) -> None:
    """Show LAMBench's efficiency and instability, and what they come from."""
    st.markdown("**LAMBench's efficiency and instability, measured here**")
    if not works:
        st.markdown("Press **Time and run** on the left: large cells are timed, and structures run at constant energy.")
        return
    number = st.column_config.NumberColumn
    show_table(pd.DataFrame([_row(work) for work in works]), hide_index=True, column_config={
        "efficiency": number("efficiency M_E", format="%.3g", help=f"100 μs/atom over the mean time an atom, in cells of {SMALLEST_CELL} to {LARGEST_CELL} atoms; larger is faster. Published values are those of the benchmark's GPU."),
        "time": number("beside other work (μs/atom)", format="%.4g", help="Mean, without the first tenth of the cells, measured beside whatever else ran: to compare models, take the cost of the Speed page."),
        "cells": number("cells timed"),
        "instability": number("instability M_IS", format="%.2f", help="Orders of magnitude by which the drift of the energy exceeds 5×10⁻⁴ eV/atom/ps, mean over the runs: 0 is stable, 5 is a run that failed."),
        "drift": st.column_config.TextColumn("drift (eV/atom/ps)"),
    })  # fmt: skip
    settings = works[0].result.settings
    st.caption(
        f"Runs of {settings.picoseconds:g} ps with {settings.timestep:g} fs from {settings.temperature:g} K, fitted after the first fifth. "
        "Times are measured beside whatever else runs on this machine, and the first tenth of the cells, which warms up, does not count. "
        "Cells and starts are structures of these data, not the benchmark's own: compare with published values in kind, not in figures. "
        "Drifts are in true eV/atom/ps here, so that the instability of the same run is up to 1.01 lower than as published (see below). Peng et al., arXiv:2504.19578."
    )


def _row(work: Work) -> dict[str, object]:
    found: LambenchRuns = work.result
    return {
        "configuration": work.member.label,
        "efficiency": found.efficiency,
        "time": None if found.efficiency is None else REFERENCE_TIME / found.efficiency,
        "cells": len(found.cells),
        "instability": found.instability,
        "drift": "; ".join(
            f"{written(row.formula, periodic=True)}: " + (row.stopped or _drift(row.drift, row.drift_error))
            for row in found.runs.itertuples()
        ),
    }


def as_published(found: Published) -> None:
    """Show a table of published values with its version, its source and what must be known to read it; best values marked."""
    st.markdown(f"**{found.title}, as published** ({found.version}); not measured here")
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    show_table(_best_marked(found), hide_index=True, column_config={
        name: number(column.label, format=column.format, help=column.meaning) if column.format else text(column.label, help=column.meaning)
        for name, column in found.columns.items()
    })  # fmt: skip
    st.caption(f"{found.note} [{found.source}]({found.url}), commit {found.commit[:8]} of {found.date:%-d %B %Y}.")


def _best_marked(found: Published) -> Styler:
    best = {
        which: [name for name, column in found.columns.items() if column.best == which]
        for which in ("lowest", "highest")
    }
    return found.table.style.highlight_min(subset=best["lowest"], color=BEST).highlight_max(
        subset=best["highest"], color=BEST
    )


def _drift(drift: float, error: float) -> str:
    """Write a drift in eV/atom/ps with its error, which a short run has not."""
    return f"{power()(drift)}, too short to tell" if pd.isna(error) else f"{power()(drift)} ± {power(0)(error)}"
