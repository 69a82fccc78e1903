"""What the pages share with the workers: the queue and the stored results."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from mlip_core.datasets import Dataset
from mlip_core.datasets.shelf import Shelf
from mlip_core.datasets.stored import FOLDER
from mlip_core.errors import MlipError
from mlip_core.home import data_folder, home
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.task import Task
from mlip_core.reference.pbe import reference_dataset
from mlip_core.teaching.shipped import read, shipped

SHIPPED = "pbe"
"""Code of the data set that comes with the program."""
SHIPPED_FOLDER = "pbe-reference"
"""Its folder on the shelf."""


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """Return the one connection of this server to the runs table and the store."""
    queue = Jobs(home())
    queue.ensure_dispatcher()
    return queue


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """Return where the data sets of this person are kept."""
    return Shelf(home() / FOLDER, data_folder())


@st.cache_resource(show_spinner="Reading the data set", max_entries=8)
def dataset(code: str) -> Dataset:
    """Open a data set by its code; ``pbe`` is the one that comes with the program.

    Raises
    ------
    DatasetError
        If it is not here.
    """
    if code == SHIPPED:
        return replace(reference_dataset(folder=shelf().folder / SHIPPED_FOLDER), name="PBE reference (GPAW)")
    return shelf().open(code)


@st.cache_resource(show_spinner=False, max_entries=500)
def task_of(run_id: str) -> Task | None:
    """Return what a run asked, read once as it does not change; None where it cannot be read."""
    try:
        return jobs().task(run_id)
    except MlipError:
        return None


def result(key: str) -> Any:
    """Return the record with this key, stored here or come with the program, read once; None where there is none."""
    stamp = jobs().store.stamp(key)
    if stamp is None:
        return _read_shipped(path) if (path := _shipped().get(key)) else None
    record = _read(stamp, key)
    if record is None:
        _read.clear(stamp, key)
    return record


def shipped_key(key: str) -> str | None:
    """Return the key that a result which comes with the program had when it was computed; None where none is shown."""
    path = _shipped().get(key)
    return None if path is None or jobs().store.has(key) else path.stem


@st.cache_resource(show_spinner=False)
def _shipped() -> dict[str, Path]:
    return shipped()


@st.cache_resource(show_spinner=False, max_entries=64)
def _read_shipped(path: Path) -> Any:
    return read(path)


@st.cache_resource(show_spinner=False, max_entries=64)
def _read(stamp: str, key: str) -> Any:
    """Read a record; one that was deleted and computed anew has another stamp."""
    return jobs().result(key)
