"""Start: the name, three finished examples, a library that says who knows what, and what was done before."""

from importlib.metadata import version

from ase.build import bulk

from dashboard.service import jobs
from dashboard.views import PAGES
from mlip_core.calculations.relaxation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.structures import library
from mlip_core.teaching.examples import examples


def test_the_name_is_said_and_three_examples_open_pages_that_are_there(visitor):
    app = visitor.open("start")
    assert app.title[0].value == "mlip-dashboard"
    links = [link.proto for link in app.get("page_link")]
    assert [link.label for link in links] == [example.button for example in examples()]
    assert all(example.page in PAGES for example in examples())
    assert [link.query_string for link in links if "structure=" in link.query_string] != []


def test_the_library_says_how_many_of_the_lineup_know_each_structure(visitor):
    table = visitor.open("start", lineup="pet-demo:direct,chgnet").dataframe[0].value.set_index("structure")
    assert len(table) == len(library())
    assert table.loc["Silicon", "known to"] == "2 of 2"
    assert table.loc["Copper", "known to"] == "1 of 2"
    assert table.loc["Rutile", "formula"] == "TiO₂"


def test_what_was_asked_before_is_offered_whole(visitor):
    members = [Configuration(model="chgnet"), Configuration(model="pet-demo", forces="direct")]
    settings = RelaxationSettings(steps=7)
    for member in members:
        task = Task(kind="relaxation", subject=bulk("Ge"), configuration=member, settings=settings)
        jobs().submit(task, label=member.label, subject_name="mine")
    app = visitor.open("start")
    again = [button for button in app.button if button.key.startswith("again-")]
    assert [button.label for button in again] == ["Relaxation of mine Ge₂ · 2 configurations · running"]
    again[0].click().run()
    assert not app.exception
    assert app.session_state["lineup"] == "chgnet,pet-demo:direct"
    assert app.session_state["steps"] == 7


def test_what_is_installed_is_said(visitor):
    app = visitor.open("start")
    assert any(f"torch {version('torch')}" in text.value for text in app.markdown)
