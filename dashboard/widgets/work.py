"""Long work as a visitor sees it: who is at what, how far, how long still, and a way to stop it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dashboard import state
from dashboard.service import jobs, result, shipped_key
from dashboard.widgets.frame import chip, guarded, plain
from dashboard.widgets.preview import welcome
from dashboard.widgets.price import LONG, estimate
from dashboard.widgets.python import same_in_python
from dashboard.widgets.style import style_of
from dashboard.widgets.theme import Style
from dashboard.widgets.ticker import ticker
from dashboard.widgets.watching import LOOK_COST, Watched, note_watcher, seconds_between, watched, watchers
from mlip_core.configuration import Configuration
from mlip_core.jobs.cost import in_words
from mlip_core.jobs.runs import Run
from mlip_core.jobs.task import Task


@dataclass(frozen=True)
class Work:
    """One configuration's task on this page."""

    member: Configuration
    """Model with forces, precision and corrections."""
    style: Style
    """Colour, line and label of the configuration in every figure."""
    task: Task
    """What is asked of the configuration."""
    run: Run | None
    """The latest run of the task; None if it was never asked for."""
    result: Any
    """The stored record; None until it is there."""
    earlier: bool = False
    """Whether the record was computed by an earlier version of the program."""
    key: str = ""
    """Content key of the record that is shown, or of the one that is asked for."""
    watched: Watched = field(default_factory=Watched)
    """Progress of the runs, shared by all who watch them."""

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.run is not None and self.run.active and self.result is None

    @property
    def mark(self) -> tuple[object, ...]:
        """What tells two states of a picture of this work apart, progress among them; holds while the record lives."""
        reported = self.watched.count(self.run.id) if self.run is not None and self.result is None else None
        return self.key, id(self.result), self.active, reported, self.style

    def rows(self) -> list[dict[str, Any]]:
        """Return what the worker has reported so far."""
        return [] if self.run is None else self.watched.rows(self.run.id)


def follow(tasks: Sequence[Task], keys: Sequence[str] | None = None) -> list[Work]:
    """Look up where every task of a line-up stands; ``keys`` are those of the tasks, where they are known."""
    asked = tuple(keys or (jobs().key(task) for task in tasks))
    shared = watched(asked)
    runs = jobs().find_all(asked)
    found = []
    for position, (task, key) in enumerate(zip(tasks, asked, strict=True)):
        style = style_of(task.configuration, state.color(task.configuration, position))
        run, record, stored = runs.get(key), result(key), shipped_key(key) or key
        if record is not None and _asked_anew(run, key):
            record, stored = None, key
        if record is None and key in state.earlier():
            stored = state.earlier()[key]
            record = result(stored)
        found.append(Work(task.configuration, style, task, run, record, stored != key, stored, shared))
    shared.look([work.run.id for work in found if work.run is not None and work.result is None])
    return found


def _asked_anew(run: Run | None, key: str) -> bool:
    """Whether something is computed here, or failed to be, whose result has come with the program."""
    return run is not None and run.status not in ("done", "cancelled") and not jobs().store.has(key)


def drawn(works: Sequence[Work]) -> list[tuple[Style, Any]]:
    """Return the style and the record of those that are done."""
    return [(work.style, work.result) for work in works if work.result is not None]


def nothing_yet(works: Sequence[Work], words: str) -> bool:
    """Whether no result is there; where none is on its way either, say what the page answers and how to begin.

    Parameters
    ----------
    works : sequence of Work
        What the page asks of the line-up.
    words : str
        What to press and what it does, in Markdown.
    """
    if any(work.result is not None for work in works):
        return False
    if not any(work.active for work in works):
        welcome(words)
    return True


def say_notes(works: Sequence[Work]) -> None:
    """Say what the results ask a reader to know about each configuration; what several share is said once."""
    found: dict[str, list[str]] = {}
    for work in works:
        for note in () if work.result is None else work.result.notes:
            found.setdefault(note, []).append(work.member.label)
    for note, labels in found.items():
        st.markdown(f":material/info: **{plain(', '.join(labels))}**: {plain(note)}")


def of_kind(works: Sequence[Work], kind: str) -> list[Work]:
    """Return those that ask this kind of question."""
    return [work for work in works if work.task.kind == kind]


def choose(title: str, works: Sequence[Work], *, key: str) -> Work:
    """Let the visitor choose one of the configurations that are there."""
    names = [work.member.label for work in works]
    return works[names.index(st.selectbox(title, names, key=key, bind="query-params"))]


def start_button(
    text: str,
    tasks: Sequence[Task],
    *,
    key: str,
    about: str | None = None,
    first: bool = True,
    takes: float | None = None,
) -> None:
    """Offer to compute what is not there yet, and say what it takes.

    Parameters
    ----------
    text : str
        On the button.
    tasks : sequence of Task
        What the page asks.
    key : str
        Of the button.
    about : str, optional
        What it is computed on, if not the structure.
    first : bool
        Whether it is the one of the page that the keyboard starts.
    takes : float, optional
        Seconds that all of it takes, where the page knows better than what the models are asked for.
    """
    works = follow(tasks)
    asked = [work for work in works if not (work.run is not None and work.run.active)]
    missing = [work.task for work in asked if work.result is None or work.earlier]
    done = sum(work.result is not None and not work.earlier for work in works)
    if any(work.earlier for work in works):
        st.caption(
            ":material/history: Computed by an earlier version of this program, or with other versions of its packages. Compute anew to compare with today's results."
        )
    if missing:
        rest = f"Compute the {len(missing)} missing" if first else f"{text}: the {len(missing)} missing"
        title = rest if done else text
        shortcut = "Ctrl+Enter" if first else None
        took = estimate(missing) if takes is None else takes
        if st.button(
            title,
            type="primary" if first else "secondary",
            key=key,
            icon=":material/play_arrow:",
            width="stretch",
            shortcut=shortcut,
        ):
            if took > LONG:
                ask(missing, about, key=key, took=took)
            else:
                submit(missing, about)
        st.caption(f":material/schedule: {in_words(took).capitalize()} on this machine.")
    elif done == len(works):
        st.caption(":material/check: All results are there. Change a setting to compute anew.")
    else:
        st.caption("Running. Results appear as they come; you may leave this page and come back.")
    same_in_python(tasks, key=key)


def submit(tasks: Sequence[Task], about: str | None = None) -> None:
    """Ask for tasks, and draw the page again; ``about`` names what they are computed on, if not the structure."""
    labels = [task.configuration.label for task in tasks]
    jobs().submit_many(tasks, labels=labels, subject_name=about or state.structure_name())
    st.rerun()


@st.dialog("This takes a while")
def ask(tasks: Sequence[Task], about: str | None, *, key: str, took: float) -> None:
    """Say that tasks take long, so many seconds, and ask whether to start them."""
    st.markdown(
        f"**{in_words(took).capitalize()} on this machine**, in the background: results appear as they come, and each can be cancelled. "
        "You may leave the page, and even close the browser."
    )
    yes, no = st.columns(2)
    if yes.button("Start", key=f"{key}-yes", type="primary", width="stretch"):
        submit(tasks, about)
    if no.button("Not now", key=f"{key}-no", width="stretch"):
        st.rerun()


def live(
    tasks: Sequence[Task],
    draw: Callable[[list[Work]], None],
    *,
    steps: bool = False,
    tell: "Callable[[list[Work]], None] | None" = None,
    name: str | None = None,
) -> None:
    """Draw the results of the line-up; while something still runs, draw anew what has changed.

    Parameters
    ----------
    tasks : sequence of Task
        What is asked of the line-up.
    draw : callable
        Draws the results that are there.
    steps : bool
        Whether it draws progress as well, and so is called again when there is new progress.
    tell : callable, optional
        Tells what waits, runs or failed; :func:`status` by default.
    name : str, optional
        Tells it from what else is live on the page; the kinds of the tasks by default.
    """
    keys = [jobs().key(task) for task in tasks]
    name = name or "-".join(sorted({task.kind for task in tasks}))
    shown: dict[str, object] = {}
    fresh = follow(tasks, keys)

    @st.fragment(key=f"lines-{name}")
    def lines() -> None:
        shown["lines"] = _lines_mark(fresh)
        with guarded():
            (tell or status)(fresh)

    @st.fragment(key=f"picture-{name}")
    def picture() -> None:
        shown["picture"] = _picture_mark(fresh, steps)
        with guarded(), watched(tuple(keys)).drawing():
            draw(fresh)

    @st.fragment
    def clock() -> None:
        ticker(seconds_between(LOOK_COST, watchers()), look, key=f"clock-{name}")

    def look() -> None:
        nonlocal fresh
        note_watcher(state.visitor())
        fresh = follow(tasks, keys)
        if not any(work.active for work in fresh):
            st.rerun()
        now = {"lines": _lines_mark(fresh), "picture": _picture_mark(fresh, steps)}
        if changed := [f"{part}-{name}" for part, mark in now.items() if mark != shown.get(part)]:
            st.rerun(changed)

    lines()
    picture()
    if any(work.active for work in fresh):
        clock()


def _lines_mark(works: Sequence[Work]) -> list[object]:
    return [(work.result is not None, work.run) for work in works]


def _picture_mark(works: Sequence[Work], steps: bool) -> list[object]:
    return [work.mark if steps else (work.key, work.result is not None, work.active) for work in works]


def status(works: Sequence[Work]) -> None:
    """Draw a line for each configuration that waits, runs or failed."""
    for work in works:
        if work.result is not None or work.run is None:
            continue
        name, bar, button = st.columns([3, 6, 1], vertical_alignment="center")
        name.html(chip(work.style))
        if work.active:
            _progress(bar, work)
            if button.button("Cancel", key=f"cancel-{work.run.id}"):
                jobs().cancel(work.run.id)
                st.rerun(scope="fragment")
        else:
            bar.error(f"{work.run.status.capitalize()}. {work.run.reason or ''}", icon=":material/error:")
            if button.button("Retry", key=f"retry-{work.run.id}"):
                jobs().retry(work.run.id)
                st.rerun()


def _progress(place: Any, work: Work) -> None:
    run = work.run
    assert run is not None
    if run.status == "queued":
        place.progress(0.0, "waiting for a free worker")
        return
    if not run.total:
        place.progress(0.0, "starting: the model is being loaded")
        return
    rows = work.rows()
    values = rows[-1]["values"] if rows else {}
    stage, mae = values.get("stage"), values.get("mae")
    so_far = f" · MAE so far {1000 * mae:.3g} meV/Å" if mae is not None else ""
    place.progress(
        min(run.done / run.total, 1.0),
        f"{stage + ': ' if stage else ''}{run.done} of {run.total}{so_far}{_remaining(rows)}",
    )


def _remaining(rows: list[dict[str, Any]]) -> str:
    """Say how long a run that counts to its total still takes, from the pace of this stage."""
    if not rows:
        return ""
    same = [row for row in rows if row["values"].get("stage") == rows[-1]["values"].get("stage")]
    done, total = same[-1]["done"] - same[0]["done"], same[-1]["total"]
    if not done or total is None or "fmax" in same[-1]["values"]:
        return ""
    seconds = (same[-1]["time"] - same[0]["time"]) / done * (total - same[-1]["done"])
    return f" · about {seconds:.0f} s left"
