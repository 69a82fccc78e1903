"""The Force errors page begins with the chosen structure, shows ties as ties, and opens the group of the view asked for."""

from types import SimpleNamespace

import pytest

from dashboard import state
from dashboard.service import dataset, jobs
from dashboard.views.force_errors.comparison import decimals, questions, tied_with_best
from dashboard.views.force_errors.groups import GROUPS, group_of
from dashboard.views.force_errors.page import views_of
from mlip_core.configuration import Configuration

DIRECT = Configuration(model="pet-demo", forces="direct")


def compared(*members):
    """Return configurations with these MAEs and intervals."""
    return [
        SimpleNamespace(errors=SimpleNamespace(mae=mae, intervals={"mae": ends} if ends else {}))
        for mae, ends in members
    ]


@pytest.mark.parametrize(
    ("members", "marked"),
    [
        ([(2.0, (1.5, 2.5)), (1.8, (1.4, 2.2)), (9.0, (8.0, 10.0))], [True, True, False]),
        ([(2.0, (1.9, 2.1)), (1.0, (0.9, 1.1))], [False, True]),
        ([(2.0, None), (1.0, None)], [False, False]),
        ([(2.0, (1.9, 2.1)), (None, None)], [False, False]),
        ([(2.0, (1.9, 2.1)), (None, None), (3.0, (2.1, 4.0))], [True, False, True]),
    ],
)
def test_who_is_within_the_interval_of_the_best_ties_with_it(members, marked):
    assert tied_with_best(compared(*members), "mae") == marked


@pytest.mark.parametrize(("values", "digits"), [([23.4, 3.1], 1), ([0.012, 5], 3), ([120, 45], 0), ([1e-9], 3), ([0.0, float("nan")], 1)])  # fmt: skip
def test_a_column_shows_two_digits_of_its_smallest(values, digits):
    assert decimals(values) == digits


def test_every_view_is_in_one_group():
    views = [*views_of([], [], None), "Benchmarks"]
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(views)
    assert len(GROUPS) == 4
    assert group_of("Outliers") == "Where"
    assert group_of("Nothing") == group_of(None) == "How large"


def test_the_page_begins_with_the_structure_and_follows_it(visitor):
    app = visitor.open("force_errors", structure="si", lineup=DIRECT.code)
    for task in questions(dataset("pbe"), [DIRECT], None)[0]:
        jobs().store.put(jobs().key(task), task.run())
    visitor.run(app)
    box = app.selectbox(key="subset")
    assert box.value == "name = Si"
    silicon = next(f.value for f in app.dataframe if "MAE" in f.value)["MAE"].iloc[0]
    box.select("all").run()
    assert app.selectbox(key="subset").value == "all", "it can be left"
    assert next(f.value for f in app.dataframe if "MAE" in f.value)["MAE"].iloc[0] != silicon
    app.query_params["structure"] = "al"
    visitor.run(app)
    assert app.selectbox(key="subset").value == "name = Al"


def test_copies_are_offered_where_the_data_have_nothing_of_the_kind(visitor):
    app = visitor.open("force_errors", structure="si", lineup="pet-demo:direct,soap-demo")
    assert not [button for button in app.button if "rattled copies" in button.label and "compared with" in button.label]
    app = visitor.open("force_errors", structure="ge", lineup="chgnet,sevennet-0")
    offers = [button for button in app.button if "compared with" in button.label]
    assert app.button[0].label == offers[0].label == "24 rattled copies of Germanium, compared with CHGNet 0.3.0", (
        "first of all"
    )
    offers[0].click().run()
    assert not app.exception
    assert app.session_state["data"].startswith("rattled-")
    assert app.selectbox(key=state.AGAINST).value == "chgnet"
    assert dataset(app.session_state["data"]).n_structures == 24
    assert not [button for button in app.button if "compared with" in button.label]
