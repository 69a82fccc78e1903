"""The lessons: which one is open, what it asks about, and how a number is judged."""

from dataclasses import replace

import pytest

from dashboard.views.lessons.checks import SIGNS, Check, check_table
from mlip_core.teaching.lessons import lessons


def expected(**fields):
    given = replace(lessons()[0].steps[0].expected[0], low=10.0, high=40.0, unit="meV/Å", name="direct forces")
    return replace(given, **fields)


@pytest.mark.parametrize(
    ("value", "shown", "verdict"),
    [(22.04, "22 meV/Å", SIGNS[True]), (40.1, "40.1 meV/Å", SIGNS[False]), (5.9e-14, "5.9×10⁻¹⁴ meV/Å", SIGNS[False])],
)
def test_a_number_is_judged_by_where_it_should_lie(value, shown, verdict):
    text = check_table([Check(expected(), value)])
    assert f"<td class='found'>{shown}</td><td>10 to 40 meV/Å</td>" in text
    assert verdict in text
    assert [sign for sign in SIGNS.values() if sign in text] == [verdict]


def test_what_has_not_come_is_not_judged():
    text = check_table([Check(expected(low=227.0, high=227.0, unit=""), None)])
    assert "<td class='found'>–</td><td>227</td><td></td>" in text


def test_a_name_is_text(hostile):
    text = check_table([Check(expected(name=hostile, unit=hostile), 1.0)])
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") == 3


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.id)
def test_a_link_opens_its_lesson(visitor, lesson):
    app = visitor.open("lessons", lesson=lesson.id)
    assert [title.value for title in app.title] == [lesson.title]
    assert len(app.radio[0].options) == len(lessons())
    said = " ".join(item.proto.body for item in app.get("html"))
    assert all(member.label in said for step in lesson.steps for member in step.members)


def test_another_lesson_is_kept_in_the_address(visitor):
    app = visitor.open("lessons", lesson="nobody")
    assert app.title[0].value == lessons()[0].title
    app.radio[0].set_value(lessons()[3].id)
    visitor.run(app)
    assert app.title[0].value == lessons()[3].title
    assert "".join(app.query_params["lesson"]) == lessons()[3].id


def test_the_page_of_a_step_has_its_settings_in_the_address(visitor):
    app = visitor.open("lessons", lesson="5-phonons")
    app.button(key="open-1").click()
    visitor.run(app)
    said = {name: "".join(value) for name, value in app.query_params.items()}
    assert said["structure"] == "diamond"
    assert [said[f"supercell_{axis}"] for axis in "abc"] == ["3", "3", "3"]
    assert [app.number_input(key=f"supercell_{axis}").value for axis in "abc"] == [3, 3, 3]
    assert app.session_state["which"] == "raw"
    assert app.session_state["at_gamma"]
