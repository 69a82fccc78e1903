"""The line-up's force errors side by side: what is asked, what each record says of the chosen part, and the summary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard import state
from dashboard.service import jobs
from dashboard.widgets.cost import COLUMN, NONE, costs, say_whence
from dashboard.widgets.numbers import decimals, fixed
from dashboard.widgets.table import show_table
from dashboard.widgets.theme import Style
from dashboard.widgets.work import Work
from mlip_core.calculations.benchmarks.runs import LambenchSettings
from mlip_core.calculations.force_errors import ForceErrors, ForceErrorSettings, Selection, narrowed
from mlip_core.calculations.force_errors.functionals import functional_note
from mlip_core.calculations.force_errors.task import ErrorSplitSettings
from mlip_core.configuration import Configuration
from mlip_core.datasets import Dataset, open_dataset
from mlip_core.datasets.stored import StoredDataset
from mlip_core.errors import DatasetError
from mlip_core.jobs.task import Task
from mlip_core.keys import digest
from mlip_core.models.catalogue import entry
from mlip_core.units import EV_PER_A3_IN_GPA

BEST = "rgba(0,158,115,0.22)"
"""Background of the best value of a column."""
JUDGED = {"MAE": "mae", "RMSE": "rmse", "energy": "energy_mae", "stress": "stress_rmse"}
"""Column of the summary that is better the lower it is → the metric whose interval tells ties."""


@dataclass(frozen=True)
class Compared:
    """One configuration on the chosen part of the data."""

    member: Configuration
    """Model with forces, precision and corrections."""
    style: Style
    """Colour, line and label of the configuration in every figure."""
    errors: ForceErrors
    """Of the chosen part."""
    dataset: Path
    """File with structures and reference."""
    predictions: Path
    """File with what the configuration said."""
    reference: str
    """What it is compared with, as people should read it."""
    unanswered: int
    """Structures of the whole data set that it gave no answer for."""
    key: str
    """Different wherever the errors may be."""


def questions(
    data: Dataset, members: Sequence[Configuration], reference: Configuration | None
) -> tuple[list[Task], list[Task]]:
    """Tasks for the errors and for their split; the reference is not compared with itself."""
    asked = [member for member in members if member != reference]
    errors, splits = (
        [
            Task(kind=kind, subject=StoredDataset.of(data), configuration=member, settings=settings, other=reference)
            for member in asked
        ]
        for kind, settings in (("force_errors", ForceErrorSettings()), ("error_split", ErrorSplitSettings()))
    )
    return errors, splits


def lambench_questions(data: Dataset, members: Sequence[Configuration], n_cells: int, n_runs: int) -> list[Task]:
    """Tasks for LAMBench's efficiency and instability."""
    settings = LambenchSettings(n_cells=n_cells, n_runs=n_runs)
    subject = StoredDataset.of(data)
    return [Task(kind="lambench", subject=subject, configuration=member, settings=settings) for member in members]


def common(works: Sequence[Work]) -> tuple[int, ...] | None:
    """Return the structures that every configuration answered for; None where that is all of them."""
    answered = [set(work.result.by_structure["structure"]) for work in works]
    shared = set.intersection(*answered)
    return None if all(found == shared for found in answered) else tuple(sorted(shared))


def compared_by(works: Sequence[Work], folder: Path, selection: Selection) -> list[Compared]:
    """Return the finished configurations on the chosen part; those that have nothing of it are left out, and named."""
    found = []
    if selection.structures == ():
        st.info("No structure was answered for by all of the line-up; each is shown on its own.")
        selection = replace(selection, structures=None)
    for work in works:
        dataset = folder / work.result.dataset_file
        predictions = folder / work.result.predictions_file
        reference = work.result.reference if work.task.other is None else work.task.other.label
        stamp = jobs().store.stamp(work.key) or work.key
        try:
            errors = _part(stamp, work.result, dataset, predictions, selection)
        except DatasetError as error:
            st.caption(f"{work.member.label}: {error}")
            continue
        unanswered = len(work.result.not_evaluated)
        found.append(
            Compared(
                work.member, work.style, errors, dataset, predictions, reference, unanswered, digest([stamp, selection])
            )
        )
    if not found:
        st.stop()
    return found


@st.cache_resource(show_spinner=False, max_entries=8)
def opened(path: Path) -> Dataset:
    """Open the file of a data set once."""
    return open_dataset(path)


@st.cache_resource(show_spinner="Narrowing down", max_entries=32)
def _part(stamp: str, _errors: ForceErrors, dataset: Path, predictions: Path, selection: Selection) -> ForceErrors:
    return narrowed(_errors, opened(dataset), predictions, selection)


def against_labels(compared: Sequence[Compared]) -> bool:
    """Tell whether the reference are labels, and not a model."""
    return compared[0].errors.kind == "error"


def summary(compared: Sequence[Compared], data: Dataset) -> None:
    """Show one row a configuration: errors with their intervals, whether functionals differ, and what a step costs."""
    notes = {item.member: _note(item, data) for item in compared}
    table = summary_table(compared).dropna(axis="columns", how="all")
    if any(notes.values()):
        marks = ["⚠ see below" if notes[item.member] else "the data's" for item in compared]
        table.insert(1, "functional", marks)
    members = [item.member for item in compared]
    found = costs(state.structure(), data.n_atoms / data.n_structures, members)
    table["cost"] = [found[member].us_per_atom if member in found else NONE for member in members]
    number = st.column_config.NumberColumn
    best = {name: tied_with_best(compared, metric) for name, metric in JUDGED.items() if name in table}
    show_table(_written(table, best), hide_index=True, column_order=[name for name in table if name not in ("time", "max")], column_config={
        "functional": st.column_config.TextColumn(help="Whether the model learned from the functional of the data."),
        "MAE": number("MAE (meV/Å)", help="Mean |ΔF| of a component over all atoms."),
        "interval": st.column_config.TextColumn("95 % interval (MAE)", help="Bootstrap over structures."),
        "RMSE": number("RMSE (meV/Å)"),
        "cosine": number("Direction agreement", help="Mean cosine between F and F_ref, where |F_ref| is above 0.05 eV/Å."),
        "softening": number("Softening", help="Slope ΣF·F_ref / Σ|F_ref|². Below 1 the model is too soft: its forces are too small, as if the potential were too flat."),
        "energy": number("Energy MAE (meV/atom)", help="After a least-squares offset for each element was removed."),
        "stress": number("Stress RMSE (GPa)"),
        "cost": COLUMN,
    })  # fmt: skip
    if best:
        st.caption(
            "Green: the best of a column, and all that tie with it, as their 95 % intervals overlap."
            if any(map(any, best.values()))
            else "Too few structures for intervals: none is called the best."
        )
    say_whence(found, members)
    for note in dict.fromkeys(filter(None, notes.values())):
        names = [member.label for member, said in notes.items() if said == note]
        who = "" if len(names) == len(compared) else f"{', '.join(names)}: "
        st.caption(f":material/warning: {who}{note}")
    unanswered = [f"{item.member.label} {n}" for item in compared if (n := item.unanswered)]
    if unanswered:
        st.caption(
            f"Structures without an answer, mostly for elements a model does not cover: {', '.join(unanswered)}."
        )


def tied_with_best(compared: Sequence[Compared], metric: str) -> list[bool]:
    """Tell which configurations have the lowest value, or one whose interval overlaps with that of the lowest.

    Parameters
    ----------
    compared : sequence of Compared
    metric : str
        Field of :class:`mlip_core.calculations.force_errors.ForceErrors` with an interval.

    Returns
    -------
    list of bool
        None are told where there is nothing to compare, or the lowest has no interval.
    """
    values = [getattr(item.errors, metric) for item in compared]
    known = [k for k, value in enumerate(values) if value is not None]
    ends = [item.errors.intervals.get(metric) for item in compared]
    if len(known) < 2 or (best := ends[min(known, key=values.__getitem__)]) is None:
        return [False] * len(values)
    return [end is not None and end[0] <= best[1] for end in ends]


def _written(table: pd.DataFrame, best: Mapping[str, Sequence[bool]]) -> Styler:
    """Write each column with one precision, and mark what is best in it."""
    digits = {name: decimals(table[name].tolist()) for name in table.select_dtypes("number")}
    digits |= {name: 3 for name in ("cosine", "softening") if name in digits}
    styled = table.style.format({name: fixed(n) for name, n in digits.items()}, na_rep=NONE)
    for name, marks in best.items():
        colors = [f"background-color: {BEST}" if mark else "" for mark in marks]
        styled = styled.apply(lambda _, colors=colors: colors, subset=[name])
    return styled


def summary_table(compared: Sequence[Compared]) -> pd.DataFrame:
    """Return one row a configuration, in meV/Å, meV/atom, GPa and μs/atom."""
    return pd.DataFrame([_row(item) for item in compared])


def _between(low: float, high: float) -> str:
    """Write an interval in meV/Å with one precision."""
    write = fixed(decimals((1000 * low, 1000 * high)), factor=1000)
    return f"{write(low)} – {write(high)}"


def _note(item: Compared, data: Dataset) -> str:
    if item.errors.kind == "difference":
        return ""
    return functional_note(entry(item.member.model).functional, item.errors.reference, data.elements)


def _row(item: Compared) -> dict[str, object]:
    errors = item.errors
    ends = errors.intervals.get("mae")
    return {
        "configuration": item.member.label,
        "MAE": 1000 * errors.mae,
        "interval": "too few structures" if ends is None else _between(*ends),
        "RMSE": 1000 * errors.rmse,
        "max": 1000 * errors.max_error,
        "cosine": errors.cosine,
        "softening": errors.softening,
        "energy": None if errors.energy_mae is None else 1000 * errors.energy_mae,
        "stress": None if errors.stress_rmse is None else EV_PER_A3_IN_GPA * errors.stress_rmse,
        "time": errors.us_per_atom,
    }
