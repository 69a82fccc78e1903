"""Lessons: a question, steps on the live pages, what to expect and what came, what to conclude."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.reopen import show_task
from dashboard.widgets.frame import LAYOUT, PROJECTOR, look, projector_switch
from dashboard.widgets.glossary import terms
from dashboard.widgets.navigation import go
from dashboard.widgets.work import Work, live, start_button
from mlip_core.teaching.lessons import Expected, Lesson, Step, lessons

SIGNS = {True: "✓ as expected", False: "≠ other than expected"}


def main() -> None:
    """Lay the page out: the questions at the left, the chosen lesson beside them."""
    st.html(LAYOUT + PROJECTOR * look().projector)
    questions, lesson = st.columns([1, 3], gap="large")
    with questions:
        chosen = choose(lessons())
        terms()
        projector_switch()
    with lesson:
        show(chosen)


def choose(offered: Sequence[Lesson]) -> Lesson:
    """Offer the lessons by their questions; the chosen one stays in the address."""
    by_id = {lesson.id: lesson for lesson in offered}
    st.subheader("Lessons")
    chosen = st.radio(
        "Lessons",
        list(by_id),
        format_func=lambda name: f"{name.partition('-')[0]}. {by_id[name].title}",
        key=state.LESSON,
        bind="query-params",
        label_visibility="collapsed",
    )
    st.caption("Each takes a few minutes. What it needs is computed here, live, or has come with the program.")
    return by_id[chosen]


def show(lesson: Lesson) -> None:
    """Show a lesson from its question to its answer."""
    st.title(lesson.title)
    st.markdown(lesson.why)
    for number, step in enumerate(lesson.steps, start=1):
        with st.container(border=True):
            take(step, number)
    st.subheader("What to conclude")
    st.markdown(lesson.conclude)
    with st.expander(f"**A question back:** {lesson.asks}"):
        st.markdown(lesson.answer)


def take(step: Step, number: int) -> None:
    """Show one step: what to do, the way to do it, and what came beside what was expected."""
    words, buttons = st.columns([3, 1], gap="medium")
    with words:
        st.markdown(f"**Step {number}.** {step.do}")
        st.markdown(f":material/visibility: {step.look}")
    with buttons:
        if not step.again:
            start_button("Compute", step.tasks, key=f"lesson-{number}", about=step.structure, first=number == 1)
        if st.button("See it on its page", key=f"open-{number}", icon=":material/open_in_new:", width="stretch"):
            leave(step)
    tell = _silent if step.again else None
    live(step.tasks, lambda works: check(works, step.expected), tell=tell, name=f"step-{number}")


def _silent(works: Sequence[Work]) -> None:
    """Say nothing: the step before does."""


def leave(step: Step) -> None:
    """Open the page that shows this step, with its structure, line-up and settings."""
    state.choose_library(step.structure)
    state.open_lineup(step.members)
    if page := show_task(step.tasks[-1]):  # of tasks that differ, the one that is offered besides the others
        go(page)


def check(works: Sequence[Work], expected: Sequence[Expected]) -> None:
    """Show what came beside what was expected."""
    rows = [_row(one, next(work for work in works if work.task is one.task)) for one in expected]
    st.table(pd.DataFrame(rows).set_index("what"), border="horizontal")


def _row(one: Expected, work: Work) -> dict[str, str]:
    value = None if work.result is None else one.found(work.task.kind, work.result)
    unit = f" {one.unit}" if one.unit else ""
    between = f"{one.low:g}" if one.low == one.high else f"{one.low:g} to {one.high:g}"
    return {
        "what": one.name,
        "expected": between + unit,
        "found": "–" if value is None else f"{value:.3g}{unit}",
        "": "" if value is None else SIGNS[one.holds(value)],
    }


if __name__ == "__main__":
    main()
