"""Tabs that lack what they show carry their own button, which asks for it and sets the page to it."""

import pytest

from dashboard import service, state
from dashboard.widgets import work

PANEL = "rotation-panel"


@pytest.fixture
def page(visitor, answer):
    """Open the page with an answer on the octahedral group, at one of its tabs."""

    def visit(panel):
        app = visitor.open("rotations", structure="si", lineup="pet-demo:direct,chgnet")
        for run in visitor.start(app):
            if run.kind == "rotational_variance":
                visitor.answer(run, answer(run.kind))
        app.session_state[PANEL] = panel
        return visitor.run(app)

    return visit


def asked():
    """Settings and the model compared with of the runs that wait."""
    tasks = [service.jobs().task(run.id) for run in service.jobs().runs(limit=None) if run.active]
    return [(task.settings, task.other) for task in tasks if task.kind == "rotational_variance"]


def press(visitor, app, key):
    app.button(key=key).click()
    return visitor.run(app)


@pytest.mark.parametrize(
    ("panel", "key", "sets"),
    [
        ("Spectrum (l)", "offer-spectrum", {state.GRID: "lebedev-5"}),
        ("Energy over the sphere", "offer-sphere", {"globe": True}),
        ("Symmetry share of the difference", "offer-reference", {state.ROTATION_REFERENCE: "sevennet-l3i5"}),
    ],
)
def test_a_tab_without_its_result_asks_for_it(page, visitor, panel, key, sets):
    app = press(visitor, page(panel), key)
    assert {name: app.session_state[name] for name in sets} == sets
    assert len(asked()) == 2, "the whole line-up"
    for settings, other in asked():
        assert settings.grid == sets.get(state.GRID, "octahedral")
        assert settings.map_polar == (9 if "globe" in sets else 0)
        assert (other and other.model) == sets.get(state.ROTATION_REFERENCE)
    assert not any(button.key == "rotations" for button in app.button), "the page is set to what now runs"


def test_who_thinks_better_of_it_stays_where_they_are(page, visitor, monkeypatch):
    app = page("Spectrum (l)")
    monkeypatch.setattr(work, "LONG", -1.0)  # everything takes long: a dialog asks
    app = press(visitor, app, "offer-spectrum")
    assert not asked()
    assert app.session_state[state.GRID] == "octahedral"


def test_numbers_are_a_table_that_reads(page):
    [shown] = page("Numbers").table
    assert shown.value.index.tolist() == ["PET demo · direct", "CHGNet 0.3.0"]
    assert list(shown.value)[:3] == ["Energy (meV/atom)", "Forces (meV/Å)", "Relative to forces (%)"]
    assert not any("e-" in text or "None" in text for column in shown.value for text in shown.value[column])
