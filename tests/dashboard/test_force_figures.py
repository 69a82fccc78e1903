"""Figures of force errors say what the records say, with units, and stay small for many atoms."""

import dataclasses

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from dashboard.views.force_errors import figures
from dashboard.views.force_errors.declaration import error_figures, split_figures
from dashboard.views.force_errors.parity import MOST_POINTS, WORST_POINTS, parity_figure
from dashboard.widgets.download import archive
from dashboard.widgets.theme import Look, style
from mlip_core.calculations.force_errors import compare_errors, error_split, force_errors
from mlip_core.datasets.read import dataset_of
from mlip_core.models.model import Model, Prediction

MARKS = [style(k, constrained=bool(k), corrected=False, label=name) for k, name in enumerate("ab")]
BAD = (5, 3)
"""Structure and atom with an error that was planted."""


class Near(Model):
    """Right up to a random error, the same in every call for the same structure."""

    def __init__(self, name, width):
        self.name, self.width = name, width

    def _forward(self, structures):
        return [
            Prediction(
                float(np.sum(a.positions**2)),
                a.positions + np.random.default_rng(int(1e6 * abs(a.positions).sum())).normal(0, self.width, a.positions.shape),
                None,
            )
            for a in structures
        ]  # fmt: skip


def dataset(n, size):
    rng = np.random.default_rng(0)
    frames = []
    for k in range(n):
        atoms = Atoms(["Na", "Cl"] * (size // 2), positions=rng.normal(0, 2, (size, 3)))
        forces = atoms.positions.copy()
        if k == BAD[0]:
            forces[BAD[1]] += 40
        atoms.calc = SinglePointCalculator(atoms, energy=float(np.sum(forces**2)), forces=forces)
        atoms.info["family"] = "even" if k % 2 == 0 else "odd"
        frames.append(atoms)
    return dataset_of(frames, "salt")


@pytest.fixture(scope="module")
def few():
    data = dataset(12, 8)
    return [(mark, force_errors(data, Near(mark.label, width))) for mark, width in zip(MARKS, (0.1, 0.2), strict=True)]


def points(figure):
    return [trace for trace in figure.data if trace.type == "scatter" and trace.customdata is not None]


def test_every_component_is_a_point_that_leads_to_its_atom(few):
    first, second = points(parity_figure(few))
    table = few[0][1].atoms
    assert len(first.x) == 3 * len(table) == 3 * 96
    np.testing.assert_allclose(np.array(first.x)[:3], table[["ref_x", "ref_y", "ref_z"]].iloc[0], atol=1e-5)
    np.testing.assert_allclose(np.array(first.y)[:3], table[["pred_x", "pred_y", "pred_z"]].iloc[0], atol=1e-5)
    worst = np.argmax(np.abs(np.array(second.x) - np.array(second.y)))
    structure, atom, what, place = second.customdata[worst]
    assert (structure, atom, place) == (*BAD, 1)
    assert what.startswith("Cl ")
    assert len(points(parity_figure(few, "magnitudes"))[0].x) == 96


def test_many_points_are_a_density_with_the_worst_above_it():
    data = dataset(2000, 50)
    errors = force_errors(data, Near("a", 0.1))
    assert errors.n_atoms == 100_000
    figure = parity_figure([(MARKS[0], errors)])
    density = next(trace for trace in figure.data if trace.type == "heatmap")
    counted = np.nansum(10 ** np.array(density.z, dtype=float))
    assert counted == pytest.approx(300_000, rel=0.01)
    (above,) = points(figure)
    assert len(above.x) == WORST_POINTS < MOST_POINTS
    assert (BAD[0], BAD[1]) in {(row[0], row[1]) for row in above.customdata}
    assert len(figure.to_json()) < 1_000_000


def test_distribution_is_a_density_per_decade(few):
    figure = figures.distribution_figure(few)
    share = next(trace for trace in figure.data if trace.x[0] is not None)
    area = np.trapezoid(share.y, np.log10(np.array(share.x, dtype=float)))
    assert area == pytest.approx(1, abs=0.05)


def test_bars_are_the_tables_in_mev(few):
    bars = [
        trace for trace in figures.breakdown_figure(few, "by_element", "element", "element").data if trace.type == "bar"
    ]
    for bar, (_, errors) in zip(bars, few, strict=True):
        assert list(bar.x) == list(errors.by_element["element"]) == ["Na", "Cl"]
        np.testing.assert_allclose(bar.y, 1000 * errors.by_element["mae"])
    subset = figures.breakdown_figure(few, "by_subset", "family", "family").data[0]
    assert list(subset.x) == ["even", "odd"]


@pytest.mark.parametrize(
    "figure",
    [
        figures.distribution_figure,
        figures.magnitude_figure,
        figures.speed_figure,
        figures.stress_figure,
        lambda few, **look: figures.per_structure_figure(few, "energy_error", "energy (meV/atom)", **look),
        lambda few, **look: figures.breakdown_figure(few, "by_element", "element", "element of the atom", **look),
        parity_figure,
    ],
    ids=["distribution", "magnitude", "speed", "stress", "energies", "elements", "parity"],
)
def test_numbers_on_axes_have_units(few, figure):
    drawn = figure(few, look=Look(dark=True, projector=True))
    titles = [axis.title.text or "" for axis in (*drawn.select_xaxes(), *drawn.select_yaxes())]
    named = [title for title in titles if title]
    assert named
    units = (
        "(meV/Å)",
        "(eV/Å)",
        "(%)",
        "(GPa)",
        "(meV/atom)",
        "μs/atom",
        "per decade",
        "number in the data set",
        "element",
    )
    assert all(any(unit in title for unit in units) for title in named), named


def test_the_split_adds_up_and_the_comparison_is_drawn(few):
    data = dataset(12, 8)
    split = error_split(data, Near("a", 0.1), grid="tetrahedral")
    rest, broken = figures.split_figure([(MARKS[0], split)]).data
    assert rest.x[0] + broken.x[0] == pytest.approx(100)
    assert broken.x[0] == pytest.approx(100 * split.share)
    found = compare_errors(few[0][1], few[1][1], resamples=200)
    histogram = figures.comparison_figure(found).data[0]
    np.testing.assert_allclose(np.sort(histogram.x), np.sort(1000 * found.differences))


def test_the_figures_are_taken_along_with_each_way_to_split_the_data(few, hostile, has_figures):
    data = dataset(12, 8)
    split = [(MARKS[0], error_split(data, Near("a", 0.1), grid="tetrahedral"))]
    renamed = few[0][1].by_subset.assign(tag=hostile)
    compared = [(dataclasses.replace(MARKS[0], label=hostile), dataclasses.replace(few[0][1], by_subset=renamed))]
    drawn = error_figures(compared) | split_figures(split)
    headings = "Parity", "Distribution", "By element", f"By subset: {hostile}", "By force", "Energies", "Speed", "Split"
    assert tuple(drawn) == headings
    has_figures(archive(hostile, [*compared, *split], drawn), drawn)


def test_logarithmic_axes_name_every_tick_in_full(few):
    timed = [
        (mark, dataclasses.replace(few[k][1], us_per_atom=cost))
        for k, (mark, cost) in enumerate(zip(MARKS, (45.0, 700.0), strict=True))
    ]
    speed, force = figures.speed_figure(timed), figures.magnitude_figure(few)
    for axis, values in (
        (speed.layout.xaxis, (45.0, 700.0)),
        (speed.layout.yaxis, [1000 * errors.mae for _, errors in few]),
        (force.layout.yaxis2, [y for trace in force.data if trace.yaxis == "y2" for y in trace.y]),
    ):
        assert axis.type == "log"
        assert [float(text.replace(",", "")) for text in axis.ticktext] == list(axis.tickvals), (
            "200 is not written as 2"
        )
        assert min(axis.tickvals) <= min(values) <= max(values) <= max(axis.tickvals)
