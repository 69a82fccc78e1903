"""Watching work under way: new rows are read once, what is seen is shared, and the dearer it is the less often it is drawn."""

import os
import time
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.service import jobs
from dashboard.views.relaxation.figures import RelaxationTrace, relaxation_figure
from dashboard.widgets import watching
from dashboard.widgets.once import once
from dashboard.widgets.theme import Look, style
from dashboard.widgets.thinning import MOST, thinned
from dashboard.widgets.ticker import chart_code
from dashboard.widgets.watching import ALL, LONGEST, ONE, TICK, Watched, seconds_between
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.files import ProgressFile, RunFolder
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.task import Task
from mlip_core.structures import library_structure

PAGE = Path(dashboard.__file__).parent / "views" / "relaxation" / "page.py"


@pytest.mark.parametrize("cost", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("watchers", [1, 20])
def test_drawing_takes_no_larger_share_of_a_core_than_allowed(cost, watchers):
    seconds = seconds_between(cost, watchers)
    assert TICK <= seconds <= LONGEST
    assert cost / seconds <= ONE * (1 + 1e-9)
    assert watchers * cost / seconds <= ALL * (1 + 1e-9)


def test_the_code_for_charts_is_where_the_browser_fetches_it_ahead():
    code = chart_code()
    assert code is not None
    assert (Path(st.__file__).with_name("static") / code).stat().st_size > 1e6


def test_what_costs_nothing_is_looked_at_every_second_and_nothing_is_forgotten_for_ever():
    assert seconds_between(0.0, 1) == TICK
    assert seconds_between(100.0, 100) == LONGEST


@pytest.fixture
def running(home, monkeypatch):
    """A relaxation of MgO that a worker has, and what the worker writes its progress with."""
    monkeypatch.setattr(Jobs, "ensure_dispatcher", lambda self: None)
    monkeypatch.setattr(Jobs, "_revive", lambda self: None)
    jobs.clear()
    queue = Jobs(home)
    settings = RelaxationSettings(fmax=1e-2, steps=300, cell="full")
    task = Task(
        kind="relaxation",
        subject=library_structure("mgo"),
        configuration=Configuration(model="chgnet"),
        settings=settings,
    )
    queue.submit(task)
    run = queue._table.claim(owner=os.getpid(), worker="here")
    with ProgressFile(RunFolder(home, run.id)) as report:
        yield run, report
    queue.close()
    jobs.clear()


def row(step):
    return {"energy": -10 + 1 / step, "fmax": 1 / step, "generalized_fmax": 1 / step, "volume": 70.0}


def test_all_see_the_same_rows_until_drawing_has_been_paid_for(running, monkeypatch):
    run, report = running
    clock = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: clock[0])
    shared = Watched()
    report(1, 300, **row(1))
    shared.look([run.id])
    assert shared.count(run.id) == 1
    report(2, 300, **row(2))
    shared.look([run.id])
    assert shared.count(run.id) == 1, "not due"
    with shared.drawing():
        began = time.thread_time()
        while time.thread_time() - began < 2 * TICK * ONE:
            pass
    clock[0] += 1.5 * TICK
    shared.look([run.id])
    assert shared.count(run.id) == 1, "the drawing is not paid for"
    clock[0] += TICK
    shared.look([run.id])
    assert [line["done"] for line in shared.rows(run.id)] == [1, 2]


def test_the_page_draws_each_state_of_a_running_relaxation_once(running, monkeypatch):
    _, report = running
    drawn = []
    from dashboard.views.relaxation import figures

    def counting(traces, **options):
        drawn.append(len(traces[0].steps))
        return relaxation_figure(traces, **options)

    monkeypatch.setattr(figures, "relaxation_figure", counting)
    for step in range(1, 6):
        report(step, 300, **row(step))
    for _ in range(2):
        app = AppTest.from_file(PAGE, default_timeout=60)
        app.session_state["structure"], app.session_state["lineup"] = "mgo", "chgnet"
        app.run().run()
        assert not app.exception
        assert len(app.get("plotly_chart")) == 1
        assert [element.key for element in app.get("bidi_component")] == ["clock-relaxation"]
    assert drawn == [5]


def test_a_thinned_curve_keeps_its_ends_and_its_extremes_and_a_short_one_everything():
    random = np.random.default_rng(0)
    y = random.normal(size=5000).cumsum()
    y[1000:1100] = np.nan
    kept = thinned(y)
    assert len(kept) <= MOST
    assert kept[0] == 0
    assert kept[-1] == 4999
    assert (np.diff(kept) > 0).all()
    assert {int(np.nanargmin(y)), int(np.nanargmax(y))} <= set(kept.tolist())
    assert np.nanmax(np.abs(np.interp(np.arange(5000), kept, y[kept])[:1000] - y[:1000])) < np.nanmax(y) - np.nanmin(y)
    assert thinned(y[:MOST]).tolist() == list(range(MOST))


def test_a_long_relaxation_is_drawn_with_few_points_and_its_real_end():
    rows = [{"done": n, "values": row(n + 1)} for n in range(4000)]
    trace = RelaxationTrace.from_rows(style(0, constrained=True, corrected=False, label="a"), rows, n_atoms=2)
    curves = [curve for curve in relaxation_figure([trace], look=Look()).data if len(curve.x) > 1]
    assert curves
    for curve in curves:
        assert len(curve.x) == len(curve.y) <= MOST
        assert (curve.x[0], curve.x[-1]) == (0, 3999)
        if curve.customdata is not None:
            assert len(curve.customdata) == len(curve.x)


calls = []


def figure_of(items, title):
    calls.append(title)
    return go.Figure(layout={"title": title})


def test_the_same_arguments_are_computed_with_once_others_anew():
    calls.clear()
    record = object()
    first = once(figure_of, [(Look(), record)], "a")
    assert once(figure_of, [(Look(), record)], "a") is first
    assert once(figure_of, [(Look(), record)], "b") is not first
    assert once(figure_of, [(Look(dark=True), record)], "a") is not first
    assert once(figure_of, [(Look(), object())], "a") is not first
    assert calls == ["a", "b", "a", "a"]
