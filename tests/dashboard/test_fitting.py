"""The line-up that fits a structure is offered, and learning it where no unconstrained model knows it."""

from dashboard import state
from dashboard.views.lineup.fitting import fitting_lineup
from mlip_core.structures import library_structure


def labels(app):
    return [button.label for button in app.button]


def test_a_structure_that_all_know_needs_no_other_lineup(visitor):
    assert "Take the line-up that fits" not in labels(visitor.open("structure", structure="si"))


def test_those_that_know_it_are_offered_and_taken(visitor):
    app = visitor.open("structure", structure="tio2")
    (button,) = [button for button in app.button if button.label == "Take the line-up that fits"]
    button.click()
    visitor.run(app)
    chosen = [code.partition("~")[0] for code in app.session_state[state.LINEUP].split(",")]
    assert {"sevennet-0", "chgnet"} <= set(chosen)
    assert not any(code.startswith(("pet-demo", "soap-demo")) for code in chosen)
    assert "Take the line-up that fits" not in labels(app)


def test_where_no_unconstrained_model_knows_it_learning_it_is_offered_with_its_price(visitor):
    app = visitor.open("structure", structure="tio2")
    assert "learn" in [link.proto.page for link in app.get("page_link")]
    assert any("epochs to learn" in caption.value for caption in app.caption)
    known = visitor.open("structure", structure="si")
    assert "learn" not in [link.proto.page for link in known.get("page_link")]


def test_a_lineup_of_ones_own_is_left_alone(visitor):
    app = visitor.open("structure", structure="tio2", lineup="pet-demo:direct,chgnet")
    assert "Take the line-up that fits" not in labels(app)
    assert "learn" in [link.proto.page for link in app.get("page_link")]


def test_a_fitting_lineup_knows_every_element(visitor):
    visitor.open("structure")
    members = fitting_lineup(library_structure("srtio3"))
    assert 2 <= len(members) <= 5
    assert all(member.model.startswith(("sevennet", "chgnet")) for member in members)


def test_who_does_not_know_the_structure_is_never_asked(visitor):
    for folder in ("lineup", "relaxation", "conservation"):
        app = visitor.open(folder, structure="tio2", lineup="pet-demo:direct,chgnet")
        assert {run.label for run in visitor.start(app)} == {"CHGNet 0.3.0"}
        assert not app.error
    card = visitor.open("lineup", structure="tio2", lineup="pet-demo:direct,chgnet")
    assert [caption.value for caption in card.caption if "Not trained on Ti: will be skipped" in caption.value] != []
