"""What an address carries: the line-up with its colours, what was clicked, and words for what is not here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dashboard.lineup import MAX_MEMBERS, placed, read, write
from dashboard.widgets.theme import COLORS
from mlip_core.configuration import Configuration

CODES = ("pet-demo:direct", "pet-demo:conservative", "soap-demo", "sevennet-0", "chgnet", "pet-demo:direct+octahedral")
MEMBERS = [Configuration.from_code(code) for code in CODES]
orders = st.permutations(MEMBERS).flatmap(lambda order: st.integers(0, len(order)).map(lambda n: order[:n]))


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
