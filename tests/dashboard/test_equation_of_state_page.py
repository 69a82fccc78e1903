"""The Equation of state page shows the numbers of its records, per atom and with units, and says what is wrong."""

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk
from streamlit.testing.v1 import AppTest

import dashboard
import mlip_core as mlip
from dashboard.views.equation_of_state import declaration
from dashboard.views.equation_of_state.figures import equation_figure
from dashboard.views.equation_of_state.page import EQUATIONS, question
from dashboard.widgets.download import archive
from dashboard.widgets.navigation import script
from dashboard.widgets.theme import Look, style
from mlip_core.assets import asset
from mlip_core.calculations.equation_of_state.fit import fit_equation
from mlip_core.calculations.equation_of_state.reference import ReferenceEquation
from mlip_core.calculations.equation_of_state.settings import Equation
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.models.model import Model, Prediction
from mlip_core.structures import library_structure

APP = Path(dashboard.__file__).with_name("app.py")
MEMBERS = [Configuration(model="pet-demo", forces=forces) for forces in ("direct", "conservative")]
GPA = 160.2176634
EXTRA = 2.5
"""GPa by which the stress of the second model below differs from the slope of its energy."""
FIRST = style(0, constrained=True, corrected=False, label="honest")
SECOND = style(1, constrained=False, corrected=False, label="direct")


class Murnaghan(Model):
    """Energy of Murnaghan's equation with B′ = 4, per atom: V₀ 16 Å³, B 90 GPa."""

    name = "Murnaghan"

    def __init__(self, extra=0.0):
        self.extra = extra

    def energy(self, volume):
        return -4 + 90 / GPA * (volume / 4 * ((16 / volume) ** 4 / 3 + 1) - 16 / 3)

    def pressure(self, volume):
        return 90 / 4 * ((16 / volume) ** 4 - 1)

    def _forward(self, structures):
        return [self._one(atoms) for atoms in structures]

    def _one(self, atoms):
        n = len(atoms)
        volume = atoms.get_volume() / n
        stress = -(self.pressure(volume) + self.extra) / GPA * np.eye(3)
        return Prediction(n * self.energy(volume), np.zeros((n, 3)), stress)


def crystal():
    side = (2 * 16.1) ** (1 / 3)
    return Atoms("Cu2", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=np.eye(3) * side, pbc=True)


@pytest.fixture(scope="module")
def results():
    settings = mlip.EquationOfStateSettings(n_volumes=11)
    pairs = ((FIRST, Murnaghan()), (SECOND, Murnaghan(EXTRA)))
    return [(mark, mlip.equation_of_state(crystal(), model, settings)) for mark, model in pairs]


def traces(figure, panel, mode, label):
    """Traces of a configuration in a panel: "" energy, "2" pressure, "3" difference."""
    return [
        trace
        for trace in figure.data
        if (trace.yaxis or "y") == f"y{panel}" and trace.mode == mode and trace.name == label and trace.x[0] is not None
    ]


def test_points_and_fit_are_those_of_the_record_per_atom(results):
    figure = equation_figure(results)
    volumes = 16.1 * np.linspace(0.94, 1.06, 11)
    model = Murnaghan()
    for mark, _ in results:
        (points,) = traces(figure, "", "markers", mark.label)
        assert points.x == pytest.approx(volumes)
        assert points.y == pytest.approx(1000 * (model.energy(volumes) + 4), abs=0.02)
        assert points.customdata == pytest.approx(model.energy(volumes))
        (fit,) = traces(figure, "", "lines", mark.label)
        assert fit.y == pytest.approx(1000 * (model.energy(np.array(fit.x)) + 4), abs=0.05)
        assert (fit.line.color, fit.line.dash) == (mark.color, mark.dash)


def test_three_pressures_stand_beside_each_other_and_their_difference_below(results):
    figure = equation_figure(results)
    for (mark, _), extra in zip(results, (0.0, EXTRA), strict=True):
        ring, dot = traces(figure, "2", "markers", mark.label)
        expected = Murnaghan().pressure(np.array(ring.x))
        assert ring.marker.symbol == "circle-open"
        assert ring.y == pytest.approx(expected, abs=0.01)
        assert dot.y == pytest.approx(expected + extra)
        assert dot.marker.size < ring.marker.size
        (line,) = traces(figure, "2", "lines", mark.label)
        assert line.y == pytest.approx(Murnaghan().pressure(np.array(line.x)), abs=0.05)
        (difference,) = traces(figure, "3", "lines+markers", mark.label)
        assert difference.y == pytest.approx(np.full(11, extra), abs=0.01)
        assert difference.error_y.value < 0.01


@pytest.mark.parametrize("look", [Look(), Look(dark=True, projector=True)])
def test_every_axis_that_is_seen_has_a_name_and_a_unit(results, look):
    figure = equation_figure(results, look=look)
    named = [axis.title.text for axis in figure.select_yaxes()]
    named += [axis.title.text for axis in figure.select_xaxes() if axis.showticklabels is not False]
    assert len(named) == 5
    assert all(re.search(r"\((Å³/atom|meV/atom|GPa)\)$", name) for name in named)


def test_what_is_not_there_is_not_drawn(results):
    mark, full = results[0]
    converged = np.array([True] * 9 + [False, True])
    lone = replace(full, fit=None, pressures=None, point_pressures=None, converged=converged)
    figure = equation_figure([(mark, lone)])
    (points,) = traces(figure, "", "markers", mark.label)
    assert list(points.marker.symbol) == ["circle"] * 9 + ["x", "circle"]
    assert min(points.y) == 0
    assert not traces(figure, "2", "markers", mark.label)
    assert len(list(figure.select_yaxes())) == 2, "no panel for a difference that nobody has"


def reference_of(cell):
    volumes = cell.get_volume() * np.linspace(0.94, 1.06, 5)
    energies = len(cell) * Murnaghan().energy(volumes / len(cell))
    return ReferenceEquation(
        name="Cu",
        structure=cell,
        volumes=volumes,
        energies=energies,
        point_pressures=Murnaghan().pressure(volumes / len(cell)),
        fit=fit_equation(volumes, energies),
    )


def test_the_reference_is_drawn_per_atom_in_grey(results):
    cell = crystal() * (2, 1, 1)
    figure = equation_figure(results, reference=reference_of(cell))
    (points,) = traces(figure, "", "markers", "PBE reference (GPAW)")
    volumes = 16.1 * np.linspace(0.94, 1.06, 5)
    assert points.x == pytest.approx(volumes)
    assert points.y == pytest.approx(1000 * (Murnaghan().energy(volumes) + 4), abs=0.05)
    (pressures,) = traces(figure, "2", "markers", "PBE reference (GPAW)")
    assert pressures.y == pytest.approx(Murnaghan().pressure(volumes))
    assert points.marker.color == "#808080"


def test_the_zip_holds_tables_structures_and_the_figure(results, has_figures, hostile):
    packed = archive(hostile, results, declaration.figures(results))
    has_figures(packed, declaration.figures(results))
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        assert {"direct/volumes.csv", "direct/fit.csv", "direct/volumes.extxyz"} <= set(opened.namelist())
        table = pd.read_csv(opened.open("direct/volumes.csv"))
        numbers = pd.read_csv(opened.open("equation_of_state.csv")).set_index("configuration")
    difference = table["stress_pressure_GPa"] - table["fitted_pressure_GPa"]
    assert difference.to_numpy() == pytest.approx(EXTRA, abs=0.05)
    assert numbers["pressure_difference_GPa"].to_dict() == pytest.approx({"honest": 0, "direct": EXTRA}, abs=0.01)


def test_every_equation_of_the_calculation_is_offered():
    assert set(EQUATIONS) == set(get_args(Equation))


@pytest.fixture
def app(home_of_all, monkeypatch):
    from dashboard.service import jobs
    from mlip_core.jobs.queue import Jobs

    monkeypatch.setattr(Jobs, "ensure_dispatcher", lambda self: None)
    jobs.clear()
    tested = AppTest.from_file(APP, default_timeout=120)
    tested.query_params["structure"] = "si"
    tested.query_params["lineup"] = ",".join(member.code for member in MEMBERS)
    yield tested
    jobs.clear()


def compute(settings, relaxation=None):
    """Answer what the page asks, in this process."""
    from dashboard.service import jobs

    store = jobs().store
    records = []
    for member in MEMBERS:
        task = question(library_structure("si"), member, settings, relaxation)
        if not store.has(jobs().key(task)):
            store.put(jobs().key(task), task.run(store=store))
        records.append(store.get(jobs().key(task)))
    return records


def shown(app, **widgets):
    app.run()
    for key, value in widgets.items():
        app.session_state[key] = value
    app.switch_page(script("equation_of_state"))
    app.run()
    assert not app.exception
    assert not app.error
    return app


def text_of(app):
    return " ".join(item.value for item in app.markdown)


def test_the_page_shows_what_is_stored_under_its_own_keys(app):
    first = RelaxationSettings(fmax=1e-3, steps=500, optimizer="LBFGS", cell="full", fix_symmetry=True)
    direct, conservative = compute(mlip.EquationOfStateSettings(), first)
    shown(app)
    table = app.dataframe[0].value.set_index("configuration")
    assert list(table.index) == ["PET demo · direct", "PET demo · conservative", "PBE reference (GPAW)"]
    silicon = json.loads(asset("reference", "equilibrium.json").read_text(encoding="utf-8"))["Si"]
    assert table.loc["PBE reference (GPAW)", "V₀"] == pytest.approx(silicon["a"] ** 3 / 8, rel=1e-4)
    for label, record in zip(table.index, (direct, conservative), strict=False):
        row = table.loc[label]
        assert row["difference"] == pytest.approx(np.sqrt(np.mean((record.pressures - record.point_pressures) ** 2)))
        assert row["V₀"] == pytest.approx(record.volume / 2)
        assert row["E₀"] == pytest.approx(record.energy / 2)
        assert row["B₀"] == pytest.approx(record.bulk_modulus)
        assert row["stress volume"] == pytest.approx(record.stress_volume / 2)
    assert table["difference"].iloc[0] > 100 * table["difference"].iloc[1], "its stress is not the slope of its energy"
    assert len(app.get("plotly_chart")) == 1
    assert [button.label for button in app.get("download_button")] == ["Download all (ZIP)"]
    assert not any("Scan the volumes" in button.label for button in app.button)


def test_a_minimum_outside_the_volumes_is_said_in_words(app):
    compute(mlip.EquationOfStateSettings(volume_range=0.01))
    shown(app, eos_range=1.0, eos_relax_first=False)
    said = text_of(app).replace("\\", "")
    assert re.search(
        r"PET demo · direct, PET demo · conservative\*\*: The minimum of the fit.*outside the volumes", said
    )


def test_the_reference_has_a_row_where_there_is_one(app, monkeypatch):
    compute(mlip.EquationOfStateSettings(volume_range=0.01))
    monkeypatch.setattr(declaration, "reference_equation", lambda _: reference_of(bulk("Si", a=5.05)))
    shown(app, eos_range=1.0, eos_relax_first=False)
    row = app.dataframe[0].value.set_index("configuration").loc["PBE reference (GPAW)"]
    assert row["V₀"] == pytest.approx(16, abs=0.3)
    assert pd.isna(row["difference"])
    assert "5 volumes" in " ".join(item.value for item in app.caption)


def test_an_empty_page_says_what_it_is_for_and_offers_to_start(app):
    shown(app, eos_volumes=7)
    assert "the stress gives another" in text_of(app)
    assert any(button.label == "Scan the volumes" for button in app.button)


@pytest.mark.parametrize(
    ("structure", "kind"), [("water", "a molecule"), ("al-111", "a slab"), ("graphene", "a slab or")]
)
def test_what_has_no_volume_is_told_kindly(app, structure, kind):
    app.query_params["structure"] = structure
    shown(app)
    assert "Only a crystal" in app.subheader[0].value
    assert kind in text_of(app)
    assert not app.warning
    assert not app.button
    assert len(app.get("page_link")) == 1
