"""Learn this structure: an unconstrained student of a constrained teacher, live."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from ase import Atoms
from ase.data import atomic_numbers

from dashboard import state
from dashboard.service import jobs
from dashboard.views.distillation.declaration import figures
from dashboard.views.distillation.figures import Course, course_of, how_taught, learning_figure
from dashboard.views.distillation.price import price, seconds
from dashboard.widgets.chart import chart
from dashboard.widgets.download import download_all
from dashboard.widgets.frame import header, look, need_structure, panes, plain, titled
from dashboard.widgets.navigation import link
from dashboard.widgets.once import once
from dashboard.widgets.preview import welcome
from dashboard.widgets.table import show_table
from dashboard.widgets.theme import Look
from dashboard.widgets.work import Work, drawn, follow, live, start_button, status, submit
from mlip_core.calculations.distillation import Distillation, DistillationSettings
from mlip_core.calculations.distillation.calculation import check_structure
from mlip_core.calculations.distillation.publishing import BARS, at_hand, install
from mlip_core.calculations.distillation.settings import FEWEST_STRUCTURES, MOST_EPOCHS, MOST_STRUCTURES
from mlip_core.configuration import Configuration
from mlip_core.errors import MlipError
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import Entry, catalogue, entry

TEACHER = "sevennet-0"  # chosen at first
LONGER = 15  # epochs that one click adds
WORDS = "a small model learns it from a larger one, while you watch."
SHOWN = "Gallium arsenide as two small models learn it from SevenNet-0"


def main() -> None:
    """Lay the page out: who teaches how much, the price, how it is learned, what comes of it."""
    header()
    structure = need_structure(WORDS, SHOWN)
    controls, results = panes()
    with controls:
        teacher = choose_teacher()
        tasks, refusal = ask(structure, teacher)
    with results:
        if refusal:
            st.subheader("This structure cannot be learned")
            st.markdown(plain(refusal))
            link("structure", "Choose a structure")
        else:
            live(tasks, draw, steps=True, tell=tell)


def choose_teacher() -> Entry:
    """Offer the constrained models that are here."""
    teachers = {item.name: item for item in catalogue() if may_teach(item)}
    name = st.selectbox(
        "Teacher", list(teachers), index=list(teachers).index(TEACHER) if TEACHER in teachers else 0,
        format_func=lambda key: teachers[key].title, key="learn_teacher", bind="query-params",
        help="A constrained model of the catalogue: its energies, forces and stresses are what the student learns.",
    )  # fmt: skip
    return teachers[name]


def ask(structure: Atoms, model: Entry) -> tuple[list[Task], str]:
    """Offer the settings, say what it takes, and start; or the reason why the structure cannot be learned."""
    teacher = Configuration(model=model.name)
    settings, both = choose_settings()
    try:
        check_structure(structure, model.title, numbers_of(model))
    except MlipError as reason:
        return [], str(reason)
    asked = [settings, replace(settings, augmentation=False)] if both else [settings]
    tasks = [Task(kind="distillation", subject=structure, configuration=teacher, settings=each) for each in asked]
    works = follow(tasks)
    if not any(work.active or work.result is not None for work in works):
        st.caption(price(structure, tasks, teacher))
    start_button("Learn this structure", tasks, key="learn", takes=seconds(structure, tasks, teacher))
    if works[0].result is not None and not at_hand(works[0].result):
        learn_here(structure, tasks, anew=works[0].earlier)
    elif works[0].result is not None:
        offer(structure, teacher, works[0].result)
        st.button(
            f"Train longer (+{LONGER} epochs)", on_click=longer, args=(tasks,), icon=":material/update:", width="stretch",
            key="learn-longer", help="Learning goes on from where it is; the labels are there already.",
            disabled=settings.epochs + LONGER > MOST_EPOCHS,
        )  # fmt: skip
    return tasks, ""


def may_teach(item: Entry) -> bool:
    """Tell whether a model of the catalogue is here and has what a student is to learn."""
    return bool(item.rotation and "conservative" in item.forces and item.available() and not item.teaching)


def numbers_of(item: Entry) -> frozenset[int] | None:
    """Atomic numbers of the elements that a model covers; None where nobody lists them."""
    return frozenset(atomic_numbers[symbol] for symbol in item.elements) or None


def choose_settings() -> tuple[DistillationSettings, bool]:
    """Offer how much and how long to learn, and whether a second student learns without turning."""
    usual = DistillationSettings()
    n = st.number_input(
        "Variants to learn", FEWEST_STRUCTURES, MOST_STRUCTURES, usual.n_structures, step=50, key="learn_structures",
        bind="query-params", help="Strained, rattled and displaced copies of the structure, in cells of several sizes.",
    )  # fmt: skip
    epochs = st.number_input(
        "Epochs", 1, MOST_EPOCHS, usual.epochs, step=5, key=state.LEARN_EPOCHS, bind="query-params",
        help="How often each variant is learned. More can be added later.",
    )  # fmt: skip
    both = st.toggle(
        "Without turning the training data", False, key="learn_unturned", bind="query-params",
        help="Trains a second student on the same variants that never sees them in another orientation. It is better at home and worse turned: what turning teaches.",
    )  # fmt: skip
    with st.expander("Advanced"):
        rattle = st.number_input(
            "Largest rattle (Å)",
            0.01,
            0.2,
            usual.rattle,
            step=0.01,
            format="%.2f",
            key="learn_rattle",
            bind="query-params",
        )
        strain = st.number_input(
            "Largest strain (%)",
            0.1,
            10.0,
            100 * usual.strain,
            step=0.5,
            format="%.1f",
            key="learn_strain",
            bind="query-params",
        )
        seed = st.number_input("Seed", 0, 10**6, usual.seed, key="learn_seed", bind="query-params")
    chosen = DistillationSettings(
        n_structures=int(n),
        epochs=int(epochs),
        rattle=round(float(rattle), 6),
        strain=round(float(strain) / 100, 8),
        seed=int(seed),
    )
    return chosen, bool(both)


def learn_here(structure: Atoms, tasks: Sequence[Task], *, anew: bool) -> None:
    """Say that a result came without its student, and offer to learn it here where the page does not do so ``anew``."""
    st.caption(
        ":material/info: This result came with the program, without the model itself. Learn it here to get the model. "
        + price(structure, tasks, tasks[0].configuration)
    )
    if not anew and st.button("Learn it here", key="learn-here", icon=":material/school:", width="stretch"):
        submit(tasks)


def offer(structure: Atoms, teacher: Configuration, found: Distillation) -> None:
    """Offer to put both heads of the student beside their teacher."""
    heads = [Configuration(model=found.model, forces=forces) for forces in ("direct", "conservative")]
    heads = [replace(head, forces=None) if head.forces == "direct" else head for head in heads]
    if set(heads) <= set(state.lineup()):
        st.caption(":material/check: Both heads are in the line-up, beside their teacher: every page compares them.")
        link("phonons", "Compare their phonons")
        link("rotations", "Turn the structure")
    elif st.button(
        "Add both to the line-up", type="primary", icon=":material/group_add:", width="stretch", key="learn-lineup",
        help="The student with its direct and with its conservative forces, beside its teacher: every page then compares the three.",
    ):  # fmt: skip
        install(found)
        state.set_lineup(beside(structure, [teacher, *heads]))
        st.rerun()


def beside(structure: Atoms, wanted: Sequence[Configuration]) -> list[Configuration]:
    """Line-up with these members: behind those that the visitor chose and that know the structure, as far as there is room."""
    members = state.lineup()
    chosen = () if members == state.start_lineup() else members
    able = [
        member
        for member in chosen
        if member not in wanted and not entry(member.model).unknown(structure.get_chemical_symbols())
    ]
    return [*able[: state.MAX_MEMBERS - len(wanted)], *wanted]


def longer(tasks: Sequence[Task]) -> None:
    """Ask for more epochs of the same students."""
    more = [replace(task, settings=replace(task.settings, epochs=task.settings.epochs + LONGER)) for task in tasks]
    st.session_state[state.LEARN_EPOCHS] = more[0].settings.epochs
    jobs().submit_many(more, labels=[task.configuration.label for task in more], subject_name=state.structure_name())


def tell(works: Sequence[Work]) -> None:
    """Tell how far the students are; which is which, where there are two."""
    if len(works) > 1:
        works = [replace(work, style=replace(work.style, label=_named(work))) for work in works]
    status(works)


def _named(work: Work) -> str:
    return f"Student {how_taught(turned=work.task.settings.augmentation)}"


def draw(works: list[Work]) -> None:
    """Draw how the students learn, and what they are worth once they are finished."""
    figure = once(figure_so_far, works, look())
    if figure is None:
        introduce(active=any(work.active for work in works))
        return
    chart(figure, "learning-figure")
    st.caption(
        "After each epoch, on variants that are not learned. Left and middle: how far the student's forces are from its "
        "teacher's, as the variants lie and turned at random; below the thin lines a student is good. Right: how much its "
        "forces fail to turn with the structure, which is zero for the teacher; it keeps falling only where the training data "
        "are turned at random. *Direct* forces are an output of their own, *conservative* ones the slope of its energy."
    )
    results = drawn(works)
    if results:
        report([found for _, found in results])
        download_all(st, titled("Learn this structure"), results, lambda: figures(results))


def figure_so_far(works: list[Work], look: Look) -> go.Figure | None:
    """Draw how the students have learned so far; None before the first measurement."""
    courses = [course for course in map(course_so_far, works) if course is not None]
    return learning_figure(courses, look=look) if courses else None


def course_so_far(work: Work) -> Course | None:
    """How a student has learned so far; None before the first measurement."""
    if work.result is not None:
        return course_of(work.result, work.member.label)
    told = [row["values"] for row in work.rows() if "history" in row["values"]]
    if not told:
        return None
    return Course(told[-1]["history"], told[-1]["mean_force"], work.task.settings.augmentation, work.member.label)


def introduce(*, active: bool) -> None:
    """Say what will be seen."""
    if active:
        st.subheader("The teacher labels")
        st.markdown(
            "It relaxes the structure, then tells energy, forces and stress of every variant. The student begins after that."
        )
        return
    welcome(
        "Press **Learn this structure**: a constrained **teacher** labels strained, rattled and displaced variants of it, and an "
        "unconstrained **student**, a small PET, learns them. Nothing in it knows rotations: watch the rotational error fall as "
        "it sees its data turned at random. Afterwards the student, with direct and with conservative forces, can stand beside "
        "its teacher on every page.",
        shown=SHOWN,
    )


def report(students: Sequence[Distillation]) -> None:
    """Show what students are worth: in a sentence each, and in numbers."""
    for found in students:
        st.markdown(verdict(found))
    number = st.column_config.NumberColumn
    show_table(pd.DataFrame([row for found in students for row in _rows(found)]), hide_index=True, column_config={
        "error": number("force error (%)", format="%.1f", help="Mean absolute error of a component over the mean length of the teacher's force, on variants rattled by up to 0.1 Å."),
        "bar": number("good below (%)", format="%.0f", help="Up to this force error a student is good enough to compare."),
        "rotational": number("rotational error (%)", format="%.1f", help="Spread of the forces over turned copies, over their root mean square. Zero for the teacher."),
        "mae": number("forces, as oriented (meV/Å)", format="%.0f", help="Mean absolute error of a component as the variants lie."),
        "turned": number("forces, turned (meV/Å)", format="%.0f", help="The same on copies turned at random."),
        "energy": number("energy (meV/atom)", format="%.1f", help="Mean absolute error. Both kinds of forces belong to the same energy."),
    })  # fmt: skip
    for note in dict.fromkeys(note for found in students for note in found.notes):
        st.markdown(f":material/info: {plain(note)}")


def verdict(found: Distillation) -> str:
    """Say whether a student is good, and how far off it is, in Markdown."""
    errors = {"direct": found.direct, "conservative": found.conservative}
    good = [head for head, one in errors.items() if one.met]
    only = f"a good student with its {good[0]} forces only" if good else "not yet a good student"
    word = "a good student" if len(good) == len(errors) else only
    how = how_taught(turned=found.settings.augmentation)
    off = ", ".join(f"{head} forces are {100 * one.relative:.0f} % off" for head, one in errors.items())
    return (
        f"**{plain(found.model)}** ({how}, {int(found.history.epochs[-1])} epochs): **{word}**. Against its teacher, on "
        f"variants that it never met, {off}."
    )


def _rows(found: Distillation) -> list[dict[str, object]]:
    """Errors of both heads, a row each."""
    return [
        {
            "student": found.model,
            "forces": head,
            "error": 100 * errors.relative,
            "bar": 100 * bar,
            "rotational": 100 * errors.rotational,
            "mae": 1000 * errors.force_mae,
            "turned": 1000 * errors.turned_force_mae,
            "energy": 1000 * errors.energy_mae,
        }
        for (head, bar), errors in zip(BARS.items(), (found.direct, found.conservative), strict=True)
    ]


if __name__ == "__main__":
    main()
