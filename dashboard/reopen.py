"""From a run back to the page that asked for it: subject, settings and line-up as they were."""

from collections.abc import Mapping, Sequence
from typing import Any

from ase import Atoms

from dashboard import state
from dashboard.service import SHIPPED, SHIPPED_FOLDER, jobs
from dashboard.views import PAGES, page_of
from dashboard.widgets.navigation import script
from mlip_core.jobs.runs import Run
from mlip_core.jobs.task import Task
from mlip_core.structures import fingerprint, library, library_structure


def open_comparison(asked: Sequence[tuple[Run, Task]]) -> str | None:
    """Choose the subject, the settings and the line-up of runs that asked one question.

    Parameters
    ----------
    asked : sequence of (Run, Task)
        The runs and what they compute. Their configurations become the line-up.

    Returns
    -------
    str or None
        Script of the page that shows them; None where no page does.
    """
    first = asked[0][1]
    folder = page_of(first.kind)
    if folder is None:
        return None
    _open_subject(first)
    state.open_lineup(list(dict.fromkeys(task.configuration for _, task in asked))[: state.MAX_MEMBERS])
    shown = PAGES[folder].shows[first.kind]
    values = shown.widget_values(first)
    state.open_with(values, shown.in_words(first, values))
    for run, task in asked:
        _remember_earlier(run, task)
    return script(folder)


def show_task(task: Task, view: Mapping[str, Any] | None = None) -> str | None:
    """Choose the settings of a task that was asked of the chosen structure; the structure and the line-up stay.

    Parameters
    ----------
    task : Task
        Of the structure itself, of its standard cell, of it repeated, or of a data set.
    view : mapping, optional
        How the page shows the results: widget key → value.

    Returns
    -------
    str or None
        Script of the page that shows it; None where no page does.
    """
    folder = page_of(task.kind)
    if folder is None:
        return None
    if not isinstance(task.subject, Atoms):
        _open_subject(task)
    shown = PAGES[folder].shows[task.kind]
    asked = shown.widget_values(task)
    values = {**asked, **dict.fromkeys(asked.keys() & {state.STANDARD}, True), **(view or {})}
    state.open_with(values, shown.in_words(task, values))
    return script(folder)


def _remember_earlier(run: Run, task: Task) -> None:
    """Let the page show a result that an earlier version of the program stored under a key of its own."""
    key = jobs().key(task)
    if key != run.key and not jobs().store.has(key) and jobs().store.has(run.key):
        state.earlier()[key] = run.key


def _open_subject(task: Task) -> None:
    if isinstance(task.subject, Atoms):
        mark = fingerprint(task.subject)
        same = [item.id for item in library() if fingerprint(library_structure(item.id)) == mark]
        if same:
            state.choose_library(same[0])
        else:
            state.choose_structure(task.subject, "")
    else:
        shipped = task.subject.file.partition("/")[0] == SHIPPED_FOLDER
        state.choose_data(SHIPPED if shipped else task.subject.code)
