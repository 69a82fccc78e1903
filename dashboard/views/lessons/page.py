"""Lessons: a question, steps on the live pages, what to expect and what came, what to conclude."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import state
from dashboard.reopen import show_task
from dashboard.views.lessons.checks import NARROW, Check, check_table
from dashboard.widgets.frame import LAYOUT, PROJECTOR, chip, look, projector_switch
from dashboard.widgets.glossary import terms
from dashboard.widgets.navigation import go
from dashboard.widgets.style import style_of
from dashboard.widgets.work import Work, follow, live, start_button
from mlip_core.structures import library
from mlip_core.teaching.lessons import Expected, Lesson, Step, lessons

_CHOICE = "lesson-choice"


def main() -> None:
    """Lay the page out: the questions at the left, the chosen lesson beside them."""
    st.html(LAYOUT + NARROW + PROJECTOR * look().projector)
    questions, lesson = st.columns([1, 3], gap="large")
    with questions.container(key="controls"):
        chosen = choose(lessons())
        terms()
        projector_switch()
    with lesson:
        show(chosen)


def choose(offered: Sequence[Lesson]) -> Lesson:
    """Offer the lessons by their questions; the chosen one stays in the address."""
    by_id = {lesson.id: lesson for lesson in offered}
    told = state.lesson()
    st.session_state[_CHOICE] = told if told in by_id else offered[0].id
    st.subheader("Lessons")
    chosen = st.radio(
        "Lessons",
        list(by_id),
        format_func=lambda name: f"{name.partition('-')[0]}. {by_id[name].title}",
        key=_CHOICE,
        on_change=lambda: state.choose_lesson(st.session_state[_CHOICE]),
        label_visibility="collapsed",
    )
    st.caption("Each takes a few minutes. What it needs is computed here, live, or has come with the program.")
    return by_id[chosen]


def show(lesson: Lesson) -> None:
    """Show a lesson from its question to its answer."""
    st.title(lesson.title)
    st.markdown(lesson.why)
    st.html(subject(lesson))
    for number, step in enumerate(lesson.steps, start=1):
        with st.container(border=True, key=f"lesson-step-{number}"):
            take(step, number)
    st.subheader("What to conclude")
    st.markdown(lesson.conclude)
    with st.expander(f"**A question back:** {lesson.asks}"):
        st.markdown(lesson.answer)


def subject(lesson: Lesson) -> str:
    """Return in HTML which structure a lesson asks about, and which configurations."""
    names = {item.id: item.name for item in library()}
    steps = lesson.steps
    structures = dict.fromkeys(names[step.structure] for step in steps)
    members = dict.fromkeys(member for step in steps for member in step.members)
    marks = " ".join(chip(style_of(member, place)) for place, member in enumerate(members))
    return f"<strong style='margin-right:1.2em'>{escape(', '.join(structures))}</strong>{marks}"


def take(step: Step, number: int) -> None:
    """Show one step: what to do, the way to do it, and what came beside what was expected."""
    words, buttons = st.columns([3, 1], gap="medium")
    with words:
        st.markdown(f"**Step {number}.** {step.do}")
        st.markdown(f":material/visibility: {step.look}")
    with buttons:
        finished = all(work.result is not None and not work.earlier for work in follow(step.tasks))
        if not step.again and not finished:
            start_button("Compute", step.tasks, key=f"lesson-{number}", about=step.structure, first=number == 1)
        if st.button(
            "See it on its page", key=f"open-{number}", icon=":material/open_in_new:", width="stretch",
            type="primary" if finished and not step.again else "secondary",
        ):  # fmt: skip
            leave(step)
    tell = _silent if step.again else None
    live(step.tasks, lambda works: check(works, step.expected), tell=tell, name=f"step-{number}")


def _silent(works: Sequence[Work]) -> None:
    """Say nothing: the step before does."""


def leave(step: Step) -> None:
    """Open the page that shows this step, with its structure, line-up and settings."""
    state.choose_library(step.structure)
    state.open_lineup(step.members)
    if page := show_task(step.tasks[-1], step.view):  # of tasks that differ, the one that is offered besides the others
        go(page)


def check(works: Sequence[Work], expected: Sequence[Expected]) -> None:
    """Show what came beside what was expected."""
    st.html(check_table([Check(one, found(one, works)) for one in expected]))


def found(one: Expected, works: Sequence[Work]) -> float | None:
    """Return the number that came; None until it is there."""
    work = next(work for work in works if work.task is one.task)
    return None if work.result is None else one.found(work.task.kind, work.result)


if __name__ == "__main__":
    main()
