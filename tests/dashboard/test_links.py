"""What an address carries: the line-up with its colours, what was clicked, and words for what is not here."""

import ast
import inspect
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from ase.calculators.emt import EMT
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

import dashboard
import mlip_core as mlip
from dashboard.lineup import MAX_MEMBERS, placed, read, write
from dashboard.widgets.theme import COLORS
from mlip_core.configuration import Configuration
from mlip_core.datasets.shelf import Shelf

CODES = ("pet-demo:direct", "pet-demo:conservative", "soap-demo", "sevennet-0", "chgnet", "pet-demo:direct+octahedral")
MEMBERS = [Configuration.from_code(code) for code in CODES]
orders = some.permutations(MEMBERS).flatmap(lambda order: some.integers(0, len(order)).map(lambda n: order[:n]))


def test_a_plain_address_gives_colours_in_order():
    assert read(",".join(CODES)) == (dict(zip(MEMBERS, range(6), strict=True)), ())
    assert write(dict(zip(MEMBERS, range(6), strict=True))) == ",".join(CODES)


@given(orders, orders)
def test_a_member_keeps_its_colour_whatever_becomes_of_the_others(before, after):
    first = placed(before, {})
    second = placed(after, first)
    assert list(second) == after
    assert len(set(second.values())) == len(after)
    assert set(second.values()) <= set(range(len(COLORS)))
    assert all(second[member] == first[member] for member in after if member in first)
    assert read(write(second)) == (second, ())
    assert list(read(write(second))[0]) == after, "a dict does not compare order"


@pytest.mark.parametrize(
    ("text", "colors", "unknown"),
    [
        ("chgnet~4,soap-demo", {"chgnet": 4, "soap-demo": 1}, ()),
        ("chgnet~1,soap-demo~1", {"chgnet": 1, "soap-demo": 0}, ()),
        ("chgnet~9,soap-demo~x", {"chgnet": 0, "soap-demo": 1}, ()),
        ("nobody~2,chgnet,/etc/passwd", {"chgnet": 0}, ("nobody", "/etc/passwd")),
        ("chgnet,chgnet~3", {"chgnet": 0}, ()),
        (" , ", {}, ()),
    ],
)
def test_an_address_made_by_hand_is_understood_or_named(text, colors, unknown):
    found, missing = read(text)
    assert {member.code: color for member, color in found.items()} == colors
    assert missing == unknown


def test_no_more_members_than_colours():
    text = ",".join([*CODES, "soap-demo+icosahedral"])
    assert list(read(text)[0]) == MEMBERS
    assert len(MEMBERS) == MAX_MEMBERS == len(COLORS)


def test_the_line_up_is_always_in_the_address(visitor):
    app = visitor.open("speed")
    assert "".join(app.query_params["lineup"]).startswith("pet-demo:direct,pet-demo:conservative")


def test_what_a_link_names_is_taken_in_a_session_that_has_chosen_something_else(visitor):
    app = visitor.open("speed", structure="si", lineup="chgnet")
    app.query_params["structure"], app.query_params["lineup"] = "mgo", "soap-demo"
    visitor.run(app)
    assert (app.session_state["structure"], app.session_state["lineup"]) == ("mgo", "soap-demo")


def test_a_link_says_what_is_not_here(visitor):
    app = visitor.open("speed", structure="0123456789abcdef0123456789abcdef", lineup="chgnet,nobody")
    said = " ".join(box.value for box in app.warning)
    assert "structure that this link names is not kept here" in said
    assert "not here: nobody. They are left out" in said


def test_a_member_that_is_removed_leaves_the_others_their_colours(visitor):
    app = visitor.open("lineup", lineup="chgnet,soap-demo")
    app.button(key="remove-0").click()
    visitor.run(app)
    assert app.session_state["lineup"] == "soap-demo~1"
    assert any(COLORS[1] in item.proto.body for item in app.get("html"))
    assert not any(COLORS[0] in item.proto.body for item in app.get("html"))


def test_a_switch_of_every_page_stays_on_from_page_to_page(visitor):
    app = visitor.open("speed", structure="si", lineup="soap-demo", projector="true")
    assert app.toggle(key="projector-switch").value
    app.toggle(key="projector-switch").set_value(False)
    visitor.run(app)
    assert "".join(app.query_params["projector"]) == "false"
    app.toggle(key="projector-switch").set_value(True)
    visitor.run(app)
    app.switch_page("views/rotations/page.py")
    visitor.run(app)
    assert app.toggle(key="projector-switch").value
    assert "".join(app.query_params["projector"]) == "true"


def clicking():
    import streamlit as st

    from dashboard import state

    st.button("click", on_click=state.pick, args=(state.MODE, (1, 20, 3)))
    st.button("forget", on_click=state.forget, args=(state.MODE,))
    st.text(state.picked(state.MODE))


@pytest.mark.parametrize(("address", "shown"), [("0.12.3", "(0, 12, 3)"), ("0.12", "None"), ("-1.x.3", "None")])
def test_what_was_clicked_is_taken_from_the_address(address, shown):
    app = AppTest.from_function(clicking)
    app.query_params["mode"] = address
    assert app.run().text[0].value == shown


def test_what_was_clicked_is_written_into_the_address_and_forgotten():
    app = AppTest.from_function(clicking).run()
    app.button[0].click().run()
    assert app.text[0].value == "(1, 20, 3)"
    assert "".join(app.query_params["mode"]) == "1.20.3"
    app.button[1].click().run()
    assert app.text[0].value == "None"
    assert "mode" not in app.query_params


CHOICES = {
    name
    for name in dir(st)
    if inspect.isfunction(getattr(st, name)) or inspect.ismethod(getattr(st, name))
    if "bind" in inspect.signature(getattr(st, name)).parameters
} - {"expander"}
"""Widgets of Streamlit that can stand in the address; what is folded away is left to the visitor."""
NOT_CARRIED = {
    "views/force_errors/bringing.py": {
        '"In the server\'s data folder"': "what is read is carried as the data set",
        "'Elements of the types 0, 1, …'": "part of reading a file",
    },
    "views/force_errors/data.py": {
        "'Data set'": "carried as `data`",
        "'Units of forces, energies and stress'": "part of reading a file",
        "'Level of theory'": "part of reading a file",
        "quantity.capitalize()": "part of reading a file",
    },
    "views/force_errors/groups.py": {"'Views'": "follows from `view`"},
    "views/force_errors/labelled.py": {"'Predicted by'": "carried as `point`"},
    "views/force_errors/page.py": {"on_select of 'parity'": "carried as `point`"},
    "views/force_errors/panels.py": {
        "'Atoms as'": "the format of a file, nothing that is shown",
        "on_select of 'outliers'": "carried as `point`",
        "on_select of 'structures-table'": "carried as `point`",
        "on_select of 'by-element'": "carried as `element`",
        "on_select of key": "carried as `subset`",
    },
    "views/lessons/page.py": {"'Lessons'": "carried as `lesson`"},
    "views/lineup/page.py": {
        "'Model'": "what may be added; the line-up itself is carried",
        "'Forces'": "what may be added",
        "'Precision'": "what may be added",
        "'Average over rotations'": "what may be added",
        "'… and inversion'": "what may be added",
        "'Project onto the space group'": "what may be added",
        "'Tolerance (Å)'": "what may be added",
        "'Remove the net force'": "what may be added",
    },
    "views/phonons/mode.py": {"title": "carried as `mode`"},
    "views/phonons/page.py": {"on_select of 'phonon-figure'": "carried as `mode`"},
    "views/rotations/page.py": {"'Correct a configuration'": "what may be added"},
    "views/runs/page.py": {"on_select of key": "rows of this machine's own list, which grows"},
    "views/start/page.py": {"on_select of 'library-table'": "leads to another page"},
    "views/structure/choosing.py": {
        "'Library'": "carried as `structure`",
        "'CIF, POSCAR or XYZ'": "what is used is carried as the structure",
    },
    "widgets/chart.py": {"on_select of key": "told where the figure is drawn"},
    "widgets/frame.py": {"title": "carried as `projector` and `present`"},
}
"""Choices of a page that are not in its address by their own name, and why."""


def choices(tree):
    """What the visitor can choose in a file: what it is called, and whether the address carries it by its own name."""
    bound = {
        item.targets[0].id
        for item in ast.walk(tree)
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Dict) and "'bind'" in ast.unparse(item.value)
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", "")  # a function of our own is looked into where it is defined
        words = {word.arg: word.value for word in call.keywords}
        if name in CHOICES and call.args:
            carried = "bind" in words or any(getattr(word.value, "id", "") in bound for word in call.keywords)
            yield ast.unparse(call.args[0]), carried
        elif "on_select" in words:
            yield f"on_select of {ast.unparse(words.get('key') or call.args[1])}", False


def test_every_choice_is_carried_by_the_address_or_there_is_a_reason():
    root = Path(dashboard.__file__).parent
    found = {}
    for path in sorted(root.rglob("*.py")):
        for called, carried in choices(ast.parse(path.read_text(encoding="utf-8"))):
            if not carried:
                found.setdefault(path.relative_to(root).as_posix(), set()).add(called)
    assert found == {path: set(reasons) for path, reasons in NOT_CARRIED.items()}


SHOWN = [
    ("rotations", {"rotation-panel": "Against angle"}, {"turn-axis"}),
    ("rotations", {"rotation-panel": "Energy over the sphere"}, {"globe-of", "globe-what", "globe-polar", "globe-azimuth"}),
    ("rotations", {"rotation-panel": "Atoms"}, {"atoms-of"}),
    ("force_errors", {}, {"parity-of"}),
    ("force_errors", {"view": "By subset"}, {"subset-tag"}),
    ("force_errors", {"view": "Is it real?"}, {"real-first", "real-second"}),
    ("phonons", {}, {"unit", "which", "compare-to", "mode-speed", "mode-amplitude", "mode-arrows"}),
    ("relaxation", {}, {"watch"}),
    ("speed", {}, {"speed_clock"}),
]  # fmt: skip
"""Pages, what of them is open, and choices that are seen there once there are results."""


def other_choice(widget):
    """What the address says for another choice than the one that is made; None where there is only one."""
    kind, proto = type(widget).__name__, widget.proto
    if kind == "Toggle":
        return str(not widget.value).lower()
    if kind in ("NumberInput", "Slider"):
        step = proto.step if widget.value + proto.step <= proto.max else -proto.step
        return str(float(widget.value + step))
    options = [getattr(option, "content", option) for option in proto.options]
    shown = [text for text in options if text != str(chosen_of(widget))]
    return shown[0] if shown else None


def chosen_of(widget):
    """What a widget shows, as the address writes it."""
    value = widget.value
    if type(widget).__name__ == "Toggle":
        return str(value).lower()
    if type(widget).__name__ in ("NumberInput", "Slider"):
        return str(float(value))
    return widget.format_func(value) if value is not None else None


def carried(app):
    """All widgets whose choice is in the address, by their names there."""
    kinds = ("selectbox", "button_group", "number_input", "slider", "toggle")
    every = [widget for kind in kinds for widget in app.get(kind)]
    return {widget.proto.query_param_key: widget for widget in every if widget.proto.query_param_key}


@pytest.fixture
def address(home, labelled_file):
    """A crystal, a data set and three configurations."""
    data = Shelf(home / "datasets").bring(labelled_file, "labelled.extxyz")
    return {"structure": "al", "data": data, "lineup": "pet-demo:direct,chgnet,sevennet-0"}


@pytest.fixture
def answers(answer):
    """Answer a calculation with EMT; rotations with a map of the sphere, force errors of data with two tags."""

    def answered(kind):
        found = answer(kind)
        if kind == "force_errors":
            again = found.by_subset.assign(tag="another")
            return replace(found, by_subset=pd.concat([found.by_subset, again], ignore_index=True))
        if kind != "rotational_variance":
            return found
        return mlip.rotational_variance(
            found.structure, mlip.from_ase(EMT(), name="EMT"), mlip.RotationSettings(map_polar=3)
        )

    return answered


@pytest.mark.parametrize("case", SHOWN, ids=lambda case: "-".join((case[0], *case[1].values())))
def test_a_link_shows_what_was_chosen_among_the_results(visitor, address, answers, case):
    folder, opened, expected = case
    app = visitor.open(folder, **address, **opened)
    empty = set(carried(app))
    for run in visitor.start(app):
        visitor.answer(run, answers(run.kind))
    visitor.run(app)
    seen = {name: widget for name, widget in carried(app).items() if name not in empty}
    assert expected <= set(seen)
    changed = {name: other for name in expected if (other := other_choice(seen[name])) is not None}
    assert changed
    again = carried(visitor.open(folder, **address, **opened, **changed))
    assert {name: chosen_of(again[name]) for name in changed} == changed


def test_who_predicts_the_structure_that_was_clicked_is_in_the_link(visitor):
    app = AppTest.from_function(predicted_by)
    app.query_params["point"] = "3.1.0"
    app.run()
    app.selectbox(key="predicted-by").select("B").run()
    assert not app.exception
    assert "".join(app.query_params["point"]) == "3.1.1"
    assert app.text[0].value == "B"


def predicted_by():
    import streamlit as st

    from dashboard import state
    from dashboard.views.force_errors.labelled import choose_prediction

    st.text(choose_prediction(st, ["A", "B"], state.picked(state.POINT)))
