"""Every button says what it takes, learns from this machine, and gives the same in Python."""

from dataclasses import replace

import pytest

from dashboard import service
from dashboard.views import PAGES
from dashboard.widgets import price
from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.conservation import ConservationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.cost import usual_pace
from mlip_core.jobs.task import Task
from mlip_core.structures import library_structure

ASKING = [folder for folder, page in PAGES.items() if page.shows]
DIRECT = Configuration(model="pet-demo", forces="direct")


@pytest.fixture(autouse=True)
def forgetful():
    """What was learned in another test is forgotten."""
    for cached in (price.paces, service.task_of):
        cached.clear()


@pytest.mark.parametrize("folder", ASKING)
def test_every_button_says_what_it_takes_and_the_same_in_python(visitor, folder):
    app = visitor.open(folder, structure="mgo", lineup="pet-demo:direct+octahedral,chgnet")
    assert any("on this machine" in caption.value for caption in app.caption)
    programs = [block.value for block in app.code]
    offered = [name for name in PAGES[folder].shows if CALCULATIONS[name].public]
    assert bool(programs) == bool(offered)
    for program in programs:
        compile(program, "page", "exec")
        assert program.startswith("import mlip_core as mlip\n")
        assert folder == "distillation" or (  # which asks a teacher, not the line-up
            'mlip.correct(mlip.load_model("pet-demo", forces="direct"), mlip.Corrections(rotations="octahedral"))'
            in program
        )
        variables = ("structure", "cell", "large", "data")
        assert any(f"{name} = " in program for name in variables)
        assert "other = " not in program


def test_a_machine_that_is_slower_says_longer_times(visitor, monkeypatch):
    jobs = service.jobs()
    settings = ConservationSettings()
    task = Task(kind="conservation", subject=library_structure("si"), configuration=DIRECT, settings=settings)
    before = price.estimate([task])
    run = jobs.submit(replace(task, settings=replace(settings, seed=1)))
    slow = replace(run, status="done", started=0.0, finished=100.0)
    monkeypatch.setattr(jobs, "runs", lambda *_, **__: [slow])
    price.paces.clear()
    assert price.paces()[DIRECT.code].atom > 2 * usual_pace(DIRECT).atom
    assert price.estimate([task]) > 2 * before
