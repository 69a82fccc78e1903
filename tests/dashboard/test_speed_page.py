"""The Speed page shows the clocks of its records, says what direct forces save, and on what it was measured."""

import io
import json
import zipfile

import pandas as pd
import pytest
from ase.build import bulk

import mlip_core as mlip
from dashboard.views.speed import declaration
from dashboard.views.speed.figures import CLOCKS, speed_figure
from dashboard.views.speed.page import SIZES, ratio_by_size
from dashboard.widgets.download import archive
from dashboard.widgets.theme import DESK, Look, style
from mlip_core.calculations.speed.record import Speed, Timing

FIRST = style(0, constrained=True, corrected=False, label="exact")
SECOND = style(1, constrained=False, corrected=False, label="learned")


def timing(n_atoms, n_structures, us_per_atom):
    """Time of a structure that spends half of its time with the processor."""
    wall = 1e-6 * us_per_atom * n_atoms
    return Timing(
        n_atoms=n_atoms,
        n_structures=n_structures,
        n_calls=5,
        wall=wall,
        wall_range=(0.9 * wall, 1.5 * wall),
        processor=wall / 2,
    )


def measured(factor=1.0, *, settings=None, structure=None, **others):
    """Cost 500 μs/atom one by one at 8 atoms and 250 at 64, a fifth less in batches, times a factor."""
    timings = [timing(n, k, factor * cost * (0.8 if k > 1 else 1)) for n, cost in ((8, 500), (64, 250)) for k in (1, 8)]
    given = {
        "model": "toy",
        "structure": structure or bulk("Si"),
        "settings": settings or mlip.SpeedSettings(processor="an abacus"),
        "timings": tuple(timings),
        "processor": "an abacus",
        "device": "cpu",
        "dtype": "float32",
        "threads": 1,
        "omp_num_threads": "1",
        "packages": {"python": "3"},
        "others": 0.0,
        "disturbed": False,
        "notes": (),
        "seconds": 1.0,
    }
    return Speed(**given | others)


def named(figure, label):
    return [trace for trace in figure.data if trace.name == label and trace.x[0] is not None]


@pytest.mark.parametrize(("clock", "share"), [(CLOCKS[0], 1), (CLOCKS[1], 0.5)])
def test_the_figure_shows_the_cost_of_an_atom_one_by_one_and_in_batches(clock, share):
    figure = speed_figure([(FIRST, measured()), (SECOND, measured(2.0))], clock=clock)
    for mark, factor in ((FIRST, 1), (SECOND, 2)):
        single, batched = named(figure, mark.label)
        assert list(single.x) == list(batched.x) == [8, 64]
        assert single.y == pytest.approx([factor * share * 500, factor * share * 250])
        assert batched.y == pytest.approx([factor * share * 400, factor * share * 200])
        assert (single.line.dash, single.line.color) == (mark.dash, mark.color)
        assert (single.mode, batched.mode) == ("lines+markers", "markers")
        assert single.marker.symbol is None
        assert batched.marker.symbol == "circle-open"
        assert single.customdata[1] == pytest.approx([1e-3 * share * factor * 250 * 64, 1, 5])
    if clock == "Wall time":
        assert named(figure, "exact")[0].error_y.array == pytest.approx([250, 125])
        assert named(figure, "exact")[0].error_y.arrayminus == pytest.approx([50, 25])
    else:
        assert named(figure, "exact")[0].error_y.array is None


@pytest.mark.parametrize("look", [Look(), Look(dark=True, projector=True)])
def test_both_axes_are_logarithmic_with_numbers_written_out(look):
    figure = speed_figure([(FIRST, measured(10.0))], look=look)
    for axis, name, low, high in (
        (figure.layout.xaxis, "atoms", 8, 64),
        (figure.layout.yaxis, "(μs/atom)", 2000, 5000),
    ):
        assert axis.type == "log"
        assert axis.title.text.endswith(name)
        assert 10 ** axis.range[0] < low < high < 10 ** axis.range[1]
    assert figure.layout.xaxis.ticktext == ("5", "10", "20", "50", "100")
    assert "2,000" in figure.layout.yaxis.ticktext


def test_what_the_points_mean_stands_above_the_curves():
    disturbed = speed_figure([(FIRST, measured(disturbed=True))])
    note = disturbed.layout.annotations[0]
    assert (note.y, note.yanchor) == (1, "bottom")
    quiet = speed_figure([(FIRST, measured())])
    lines = (disturbed.layout.margin.t - quiet.layout.margin.t) / DESK.font_size
    assert lines >= 1, "room for one line more"


def test_a_disturbed_measurement_is_marked_in_the_figure():
    quiet, disturbed = measured(), measured(disturbed=True)
    assert "disturbed" not in speed_figure([(FIRST, quiet)]).layout.annotations[0].text
    text = speed_figure([(FIRST, quiet), (SECOND, disturbed)]).layout.annotations[0].text
    assert text.endswith("disturbed: learned")
    text = speed_figure([(FIRST, disturbed), (SECOND, disturbed)]).layout.annotations[0].text
    assert text.endswith("disturbed: all")


def test_the_zip_holds_the_table_and_both_figures(has_figures, hostile):
    results = [(FIRST, measured()), (SECOND, measured(2.0))]
    packed = archive(hostile, results, declaration.figures(results))
    has_figures(packed, declaration.figures(results))
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        table = pd.read_csv(opened.open("learned/timings.csv"))
        summary = pd.read_csv(opened.open("speed.csv")).set_index("configuration")
        settings = json.load(opened.open("settings.json"))
    assert table["wall_us_per_atom"].tolist() == pytest.approx([1000, 800, 500, 400])
    assert table["processor_seconds"].tolist() == pytest.approx([4e-3, 3.2e-3, 16e-3, 12.8e-3])
    assert summary.loc["exact", "wall_us_per_atom"] == pytest.approx(250)
    assert summary.loc["exact", "batch_wall_us_per_atom"] == pytest.approx(200)
    assert settings["speed"]["exact"]["processor"] == "an abacus"


def test_a_ratio_is_taken_at_the_sizes_that_both_have():
    short = measured(timings=(timing(8, 1, 100), timing(8, 4, 100), timing(512, 1, 100)))
    assert ratio_by_size(measured(), short, "Wall time") == pytest.approx({8: 0.2})
    assert ratio_by_size(measured(), measured(3.0), "Processor time") == pytest.approx({8: 3, 64: 3})


def answered(visitor, lineup, factors, **others):
    """Open the page, ask, and give each configuration an answer that takes so many times as long as the first."""
    app = visitor.open("speed", structure="si", lineup=lineup)
    runs = {run.label: run for run in visitor.start(app)}
    for label, factor in factors.items():
        visitor.answer(runs[label], measured(factor, **others))
    return visitor.run(app)


def text_of(app):
    return " ".join(item.value for item in (*app.markdown, *app.caption)).replace("\\", "")


DIRECT, CONSERVATIVE = "PET demo · direct", "PET demo · conservative"
BOTH = {"lineup": "pet-demo:direct,pet-demo:conservative", "factors": {DIRECT: 1.0, CONSERVATIVE: 2.2}}


def test_the_page_shows_ms_a_step_and_the_factor_between_direct_and_conservative(visitor):
    app = answered(visitor, **BOTH)
    table = app.dataframe[0].value.set_index("configuration")
    assert table.loc[DIRECT, "8"] == pytest.approx(4)
    assert table.loc[CONSERVATIVE, "64"] == pytest.approx(2.2 * 16)
    assert table.loc[CONSERVATIVE, "batched"] == pytest.approx(2.2 * 200)
    assert table.loc[DIRECT, "processor"] == pytest.approx(0.5)
    said = text_of(app)
    assert f"**{CONSERVATIVE}** takes **2.2 times** as long as **{DIRECT}** with 64 atoms" in said
    assert "an abacus, 1 thread of torch" in said
    assert len(app.get("plotly_chart")) == 1
    assert [button.label for button in app.get("download_button")] == ["Download all (ZIP)"]


def test_the_table_keeps_the_clock_that_was_chosen(visitor):
    app = answered(visitor, **BOTH)
    app.session_state["speed_clock"] = CLOCKS[1]
    table = visitor.run(app).dataframe[0].value.set_index("configuration")
    assert table.loc[DIRECT, "8"] == pytest.approx(2)
    assert table.loc[CONSERVATIVE, "batched"] == pytest.approx(2.2 * 100)
    assert "Median processor time" in text_of(app)


def test_members_that_differ_in_more_than_their_forces_are_not_compared(visitor):
    lineup = "pet-demo:direct:float64,pet-demo:conservative"
    app = answered(visitor, lineup, {"PET demo · direct · float64": 1.0, CONSERVATIVE: 2.2})
    assert len(app.dataframe[0].value) == 2
    assert "times" not in text_of(app).replace("wall times", "")


def test_notes_are_shown_once_with_the_names_of_those_they_are_about(visitor):
    app = answered(visitor, **BOTH, disturbed=True, notes=("Other processes kept 1.4 of 2 cores busy.",))
    assert text_of(app).count(f"{DIRECT}, {CONSERVATIVE}**: Other processes kept 1.4 of 2 cores busy") == 1
    assert app.dataframe[0].value["disturbed"].all()


def test_the_price_is_said_before(visitor):
    app = visitor.open("speed", structure="si", lineup="pet-demo:direct,chgnet")
    assert "What does a step cost" in app.subheader[0].value
    said = text_of(app)
    assert "8 · 64 · 216 · 512 · 1,000 atoms. Up to 60 s" in said
    assert "each of 2 configurations" in said
    (run, *_) = visitor.start(app)
    assert run.kind == "speed"


def test_sizes_and_threads_are_asked_for_as_chosen(visitor):
    from dashboard.service import jobs

    app = visitor.open("speed", session={"speed_largest": 216, "speed_repeats": 9}, structure="si", lineup="chgnet")
    (run,) = visitor.start(app)
    settings = jobs().task(run.id).settings
    assert settings == mlip.SpeedSettings(n_atoms=SIZES[:3], repeats=9)


def test_a_molecule_is_measured_as_it_is_and_offers_no_sizes(visitor):
    app = visitor.open("speed", structure="water", lineup="chgnet")
    assert not app.select_slider
    assert "About 3 atoms" in text_of(app)
    assert len(visitor.start(app)) == 1
