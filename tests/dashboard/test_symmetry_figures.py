"""Figures and downloads of the Rotations and Conservation pages: what is drawn is what was measured, in the units on the axes."""

import dataclasses
import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from ase.build import bulk

from dashboard.views.conservation.declaration import figures as conservation_figures
from dashboard.views.conservation.figures import energy_figure, heads_figure, loop_figure, random_loops_figure
from dashboard.views.rotations.declaration import cost_figures, variance_figures
from dashboard.views.rotations.figures import (
    angle_figure,
    cost_figure,
    direction,
    distribution_figure,
    globe_figure,
    spectrum_figure,
    split_figure,
)
from dashboard.widgets.download import archive
from dashboard.widgets.theme import style
from mlip_core.calculations.conservation.calculation import ConservationSettings, conservation
from mlip_core.calculations.rotations.correction_cost import CorrectionCostSettings, correction_cost
from mlip_core.calculations.rotations.variance import RotationSettings, rotational_variance
from mlip_core.models.model import Claims, Model, Prediction

MARK = style(0, constrained=False, corrected=False, label="leaning")
OTHER = style(1, constrained=True, corrected=False, label="upright")


class Leaning(Model):
    """Springs to the lattice along the laboratory's axes, unlike on each, with a swirl in the direct forces."""

    name = "leaning"
    claims = Claims(False, True, True, False)

    def __init__(self, swirl=0.0, slant=1.0):
        self.swirl, self.slant = swirl, slant
        self.forces = "direct" if swirl else "conservative"

    def _forward(self, structures):
        return [self.one(atoms) for atoms in structures]

    def one(self, atoms):
        stiffness = 1 + self.slant * np.array([0.0, 0.1, 0.3])
        middle = atoms.positions - atoms.positions.mean(axis=0)
        swirl = self.swirl * np.cross([0, 0, 1.0], middle)
        energy = float(np.sum(stiffness * middle**2) / 2)
        return Prediction(energy, -stiffness * middle + swirl, np.diag(stiffness) * 1e-3)


@pytest.fixture(scope="module")
def crystal():
    return bulk("NaCl", "rocksalt", 5.6)


@pytest.fixture(scope="module")
def rotations(crystal):
    settings = RotationSettings(grid="lebedev-5", rattle=0.05, n_angles=4, map_polar=5)
    return rotational_variance(crystal, Leaning(swirl=0.2), settings, reference=Leaning(slant=0.2))


@pytest.fixture(scope="module")
def cost(crystal):
    settings = CorrectionCostSettings(grids=("none", "octahedral"), n_probes=3)
    return correction_cost(crystal, Leaning(), settings, reference=Leaning(slant=0.2))


@pytest.fixture(scope="module")
def conserved(crystal):
    settings = ConservationSettings(n_random_loops=5, n_points=12, picoseconds=0.03, rattle=0.05)
    return [
        conservation(crystal, Leaning(swirl=0.2), settings, other_head=Leaning()),
        conservation(crystal, Leaning(), settings, other_head=Leaning(swirl=0.2)),
    ]


def titles(figure):
    axes = [*figure.select_xaxes(), *figure.select_yaxes()]
    return [axis.title.text for axis in axes if axis.showticklabels is not False and axis.title.text]


def test_every_axis_has_a_unit(rotations, cost, conserved):
    both = list(zip((MARK, OTHER), conserved, strict=True))
    figures = [
        distribution_figure([(MARK, rotations)]),
        angle_figure([(MARK, rotations)], 2),
        split_figure([(MARK, rotations)], "the teacher"),
        cost_figure([(MARK, cost)], reference="the teacher"),
        loop_figure(both),
        energy_figure(both),
        random_loops_figure(both),
        heads_figure(both),
    ]
    for figure in figures:
        for title in titles(figure):
            assert "(" in title or title.startswith("evaluations")
    assert all("(" in title for title in titles(spectrum_figure([(MARK, rotations)])) if title != "degree l")


def test_the_two_parts_of_the_split_add_up_in_the_figure(rotations):
    figure = split_figure([(MARK, rotations)], "the teacher")
    bars = [trace for trace in figure.data if trace.x is not None and trace.x[0] is not None]
    split = rotations.error_split
    assert sum(bar.x[0] for bar in bars) == pytest.approx(1e6 * split.mean_square_error)
    assert figure.layout.barmode == "stack"
    assert "difference to the teacher" in figure.layout.xaxis.title.text
    assert bars[1].marker.pattern.shape == "/"


def test_the_reference_is_named_and_a_model_is_no_error(cost):
    words = titles(cost_figure([(MARK, cost)], reference="SevenNet"))
    assert "difference to SevenNet (meV/Å)" in words
    assert not any("error" in title for title in words)


def test_the_globe_shows_energy_or_one_force_and_the_direction_that_is_up(rotations):
    energy, force = globe_figure(rotations), globe_figure(rotations, component=(1, 0), towards=(90, 45))
    np.testing.assert_allclose(energy.data[0].surfacecolor, 1000 * rotations.orientation_map.energies)
    np.testing.assert_allclose(force.data[0].surfacecolor, 1000 * rotations.orientation_map.force(1, 0))
    assert "meV/atom" in energy.data[0].colorbar.title.text
    assert "meV/Å" in force.data[0].colorbar.title.text
    up = next(trace for trace in force.data if trace.text and "up" in trace.text)
    np.testing.assert_allclose([up.x[1], up.y[1], up.z[1]], 1.5 * direction(90, 45))
    np.testing.assert_allclose(direction(90, 45), [0.5**0.5, 0.5**0.5, 0], atol=1e-12)


def test_heads_are_drawn_direct_against_conservative_whichever_was_measured(conserved):
    for result in conserved:
        points = [trace for trace in heads_figure([(MARK, result)]).data if trace.mode == "markers"]
        heads = result.heads
        direct = heads.forces if heads.forces_kind == "direct" else heads.other_forces
        np.testing.assert_allclose(points[0].y, direct.ravel())
        assert np.sqrt(np.mean(np.square(points[1].y))) == pytest.approx(1000 * heads.rms)
    assert [result.heads.forces_kind for result in conserved] == ["direct", "conservative"]


def test_random_loops_stand_beside_their_error(conserved):
    figure = random_loops_figure([(MARK, conserved[0])])
    work, error, bar = (trace for trace in figure.data if trace.x is not None and trace.x[0] is not None)
    np.testing.assert_allclose(work.y, [1000 * abs(loop.work) for loop in conserved[0].random_loops])
    np.testing.assert_allclose(error.y, [max(1000 * loop.error, 1e-9) for loop in conserved[0].random_loops])
    assert bar.y[0] == pytest.approx(1000 * conserved[0].random_loop_work)
    assert (work.marker.symbol, error.marker.symbol) == ("circle", "circle-open")


def unpacked(data):
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def test_rotations_taken_along_are_the_record(rotations, cost):
    files = unpacked(archive("Rotations", [(MARK, rotations), (MARK, cost)], {}))
    table = pd.read_csv(io.StringIO(files["leaning/orientations.csv"]))
    std = np.sqrt(table["weight"] @ table["energy_deviation_eV_per_atom"] ** 2)
    assert std == pytest.approx(rotations.energy_rot_std)
    for name in ("atoms.csv", "angles.csv", "degrees.csv", "corrections.csv", "structure.extxyz"):
        assert files[f"leaning/{name}"]
    settings = json.loads(files["settings.json"])
    assert settings["rotational_variance"]["leaning"]["grid"] == "lebedev-5"
    assert settings["correction_cost"]["leaning"]["n_probes"] == 3


def test_conservation_taken_along_is_the_record(conserved):
    files = unpacked(archive("Conservation", list(zip((MARK, OTHER), conserved, strict=True)), {}))
    summary = pd.read_csv(io.StringIO(files["conservation.csv"]))
    assert summary["lambda"].tolist() == pytest.approx([r.jacobian_asymmetry for r in conserved])
    heads = pd.read_csv(io.StringIO(files["leaning/heads.csv"]))
    difference = heads["direct_eV_per_A"] - heads["conservative_eV_per_A"]
    assert np.sqrt(np.mean(difference**2)) == pytest.approx(conserved[0].heads.rms)
    loops = pd.read_csv(io.StringIO(files["leaning/random_loops.csv"]))
    assert np.sqrt(np.mean(loops["work_eV_per_atom"] ** 2)) == pytest.approx(conserved[0].random_loop_work)
    assert "time_ps" in files["leaning/run.csv"]


def test_what_was_measured_is_taken_along_as_figures(rotations, cost, conserved, hostile, has_figures):
    mark = dataclasses.replace(MARK, label=hostile)
    figures = variance_figures([(mark, rotations)], hostile)
    assert f"Energy over the sphere: {hostile}" in figures
    assert {"Symmetry share of the difference", "Rotated about z", "Spectrum (l)"} < set(figures)
    has_figures(archive(hostile, [(mark, rotations)], figures), figures)
    figures = cost_figures([(mark, cost)], hostile)
    has_figures(archive(hostile, [(mark, cost)], figures), figures)
    results = list(zip((mark, OTHER), conserved, strict=True))
    figures = conservation_figures(results)
    assert list(figures) == ["Work around the loop", "Random loops", "Two heads", "Run at constant energy"]
    has_figures(archive(hostile, results, figures), figures)


def test_what_was_not_measured_is_not_drawn(crystal):
    settings = RotationSettings(grid="tetrahedral", n_angles=0)
    assert len(variance_figures([(MARK, rotational_variance(crystal, Leaning(), settings))], "")) == 1
    settings = ConservationSettings(loop=None, n_random_loops=0, picoseconds=0, jacobian=False, loops=False)
    assert not conservation_figures([(MARK, conservation(crystal, Leaning(), settings))])
