"""Opening a run shows that run: the page asks the very same question again."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.pages import PAGES, page_of
from dashboard.service import jobs
from dashboard.widgets.navigation import script
from mlip_core.calculations.conservation.calculation import ConservationSettings
from mlip_core.calculations.conservation.closed_loops import Loop
from mlip_core.calculations.equation_of_state import EquationOfStateSettings
from mlip_core.calculations.passport.calculation import PassportSettings
from mlip_core.calculations.phonons import PhononSettings
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.calculations.rotations.correction_cost import CorrectionCostSettings
from mlip_core.calculations.rotations.variance import RotationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.task import Task
from mlip_core.structures import library_structure
from mlip_core.symmetry.corrections import Corrections

APP = Path(dashboard.__file__).with_name("app.py")
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
]


@pytest.mark.parametrize("task", QUESTIONS, ids=lambda task: task.kind)
def test_the_page_shows_the_run_that_was_opened(home, monkeypatch, task):
    monkeypatch.setattr(Jobs, "ensure_dispatcher", lambda self: None)
    monkeypatch.setattr(Jobs, "_revive", lambda self: None)
    jobs.clear()
    run = Jobs(home).submit(task)
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["structure"], app.query_params["lineup"] = "mgo", task.configuration.code
    app.run()
    for key, value in PAGES[page_of(task.kind)].shows[task.kind].widget_values(task).items():
        app.session_state[key] = value
    app.switch_page(script(page_of(task.kind)))
    app.run()
    assert not app.exception
    assert not app.error
    assert f"cancel-{run.id}" in [button.key for button in app.button]
    jobs.clear()
