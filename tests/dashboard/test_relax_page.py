"""What the Relax page asks for."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.service import jobs
from dashboard.views.relaxation.figures import typeset
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.task import Task
from mlip_core.structures import library_structure
from mlip_core.symmetry.moving import rattled

PAGE = Path(dashboard.__file__).parent / "views" / "relaxation" / "page.py"


@pytest.mark.parametrize("rattle", [0.0, 0.1])
def test_the_structure_is_rattled_as_everywhere_else(home, monkeypatch, rattle):
    monkeypatch.setattr(Jobs, "ensure_dispatcher", lambda self: None)
    monkeypatch.setattr(Jobs, "_revive", lambda self: None)
    jobs.clear()
    start = rattled(library_structure("mgo"), rattle, seed=0)
    settings = RelaxationSettings(fmax=1e-2, steps=300, cell="full")
    run = Jobs(home).submit(
        Task(kind="relaxation", subject=start, configuration=Configuration(model="chgnet"), settings=settings)
    )
    app = AppTest.from_file(PAGE, default_timeout=60)
    for key, value in {"structure": "mgo", "lineup": "chgnet", "rattle": rattle}.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception
    assert f"cancel-{run.id}" in [button.key for button in app.button]
    jobs.clear()


def test_a_space_group_is_written_with_its_bar_over_the_digit_and_its_screw_axis_below():
    assert typeset("P-42_1m (113)") == 'P<span style="text-decoration:overline">4</span>2<sub>1</sub>m (113)'
