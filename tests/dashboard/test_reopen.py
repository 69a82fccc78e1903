"""Opening a run shows that run: the page asks the very same question again."""

from dataclasses import replace

import pytest
from streamlit.runtime.state.common import TESTING_KEY
from streamlit.testing.v1 import AppTest

from dashboard import state
from dashboard.service import jobs
from dashboard.views import PAGES, page_of
from dashboard.widgets.navigation import script
from mlip_core.calculations.conservation.calculation import ConservationSettings
from mlip_core.calculations.conservation.closed_loops import Loop
from mlip_core.calculations.distillation import DistillationSettings
from mlip_core.calculations.equation_of_state import EquationOfStateSettings
from mlip_core.calculations.passport.calculation import PassportSettings
from mlip_core.calculations.phonons import PhononSettings
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.calculations.rotations.correction_cost import CorrectionCostSettings
from mlip_core.calculations.rotations.variance import RotationSettings
from mlip_core.calculations.speed import SpeedSettings
from mlip_core.configuration import Configuration
from mlip_core.datasets.shelf import Shelf
from mlip_core.jobs.task import Task
from mlip_core.structures import library_structure
from mlip_core.symmetry.corrections import Corrections

MEMBER = Configuration(model="chgnet")
TEACHER = Configuration(model="sevennet-0")
DIRECT = Configuration(model="pet-demo", forces="direct", corrections=Corrections(rotations="octahedral"))
FIRST = RelaxationSettings(fmax=1e-3, steps=500, optimizer="LBFGS", cell="full", fix_symmetry=False)


def asked(kind, settings, configuration=MEMBER, **others):
    return Task(kind=kind, settings=settings, configuration=configuration, subject=library_structure("mgo"), **others)


QUESTIONS = [
    asked("relaxation", RelaxationSettings(fmax=5e-3, steps=70, optimizer="BFGS", cell="isotropic")),
    asked(
        "phonons",
        PhononSettings(supercell_matrix=(3, 2, 2), displacement=0.02, displacements="reduced", plus_minus=True),
        before={"relaxation": asked("relaxation", FIRST)},
        reference=library_structure("mgo"),
    ),
    asked("rotational_variance", RotationSettings(grid="icosahedral", rattle=0.1, map_polar=9)),
    asked("rotational_variance", RotationSettings(grid="octahedral", rattle=0.05), other=TEACHER),
    asked("correction_cost", CorrectionCostSettings(rattle=0.1), other=TEACHER),
    asked(
        "conservation",
        ConservationSettings(loop=Loop(atom_a=1, atom_b=0, direction_a=(0.0, 0.0, 1.0), radius=0.1), radius=0.1),
    ),
    asked(
        "conservation",
        ConservationSettings(loop=Loop(atom_a=0, atom_b=1), rattle=0.05),
        DIRECT,
        other=replace(DIRECT, forces="conservative"),
    ),
    asked("passport", PassportSettings()),
    asked("equation_of_state", EquationOfStateSettings(n_volumes=13, volume_range=0.07, equation="vinet")),
    asked(
        "equation_of_state",
        EquationOfStateSettings(relax_atoms=True, fmax=1e-4),
        before={"relaxation": asked("relaxation", replace(FIRST, fmax=1e-4))},
    ),
    asked("distillation", DistillationSettings(n_structures=30, epochs=7, rattle=0.05, seed=3), TEACHER),
    asked("distillation", DistillationSettings(augmentation=False, strain=0.02), TEACHER),
    asked("speed", SpeedSettings(n_atoms=(8, 64, 216), repeats=7, batch=4, seconds=90.0)),
]


ASKING = [folder for folder, page in PAGES.items() if page.shows]


def reopened(visitor, run):
    """Open a run as its row in Runs does, in a session that knows nothing of it."""

    def script(run_id):
        import streamlit as st

        from dashboard.reopen import open_comparison
        from dashboard.service import jobs

        page = open_comparison([(jobs().run(run_id), jobs().task(run_id))])
        st.session_state["opened"] = page, dict(st.session_state)

    return visitor.run(AppTest.from_function(script, args=(run.id,))).session_state["opened"]


def shows(visitor, run):
    """Whether the page that opens with a run offers to cancel it: then it asks the very same question."""
    page, session = reopened(visitor, run)
    folder = page_of(run.kind)
    assert page == script(folder)
    return f"cancel-{run.id}" in [button.key for button in visitor.open(folder, session=session).button]


@pytest.mark.parametrize("task", QUESTIONS, ids=lambda task: task.kind)
def test_the_page_shows_the_run_that_was_opened(visitor, task):
    assert shows(visitor, jobs().submit(task))


@pytest.mark.parametrize("task", QUESTIONS, ids=lambda task: task.kind)
def test_the_address_of_what_was_opened_asks_the_same_in_another_session(visitor, task):
    run = jobs().submit(task)
    _, session = reopened(visitor, run)
    carried = {key: str(session[key]) for key in state.CARRIED if key in session}
    app = visitor.open(page_of(run.kind), **carried, **session[state.OPENED])
    assert f"cancel-{run.id}" in [button.key for button in app.button]


def choose(widget, words):
    """Choose an option by the words that a visitor sees."""
    widget.root.session_state[TESTING_KEY][widget.id] = str
    widget.set_value(words)


def change(app):
    """Give every widget with a name, except the line-up's, another value; what is switched on stays on."""
    for widget in app.number_input:
        widget.set_value(
            widget.value + (2 * widget.step if widget.value + 2 * widget.step <= widget.max else -widget.step)
        )
    for widget in [*app.selectbox, *app.select_slider]:
        if widget.key and not widget.key.startswith("add-"):
            now = widget.options.index(str(widget.format_func(widget.value)))
            choose(widget, widget.options[(now + 1) % len(widget.options)])
    for widget in app.toggle:
        if widget.key and not widget.disabled:
            widget.set_value(True)


@pytest.mark.parametrize("folder", ASKING)
def test_what_was_chosen_on_a_page_is_chosen_again(visitor, home, labelled_file, folder):
    data = Shelf(home / "datasets").bring(labelled_file, "labelled.extxyz")
    app = visitor.open(folder, structure="mgo", data=data, lineup="pet-demo:direct")
    usual = {run.key for run in visitor.start(app)}
    change(app)
    runs = visitor.start(visitor.run(app))
    assert runs or folder == "lineup", "a passport has no settings"
    assert not usual & {run.key for run in runs}
    for run in runs:
        assert shows(visitor, run)
