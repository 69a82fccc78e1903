import dataclasses
import itertools

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT

import mlip_core as mlip
from dashboard.views.phonons.declaration import figures as phonon_figures
from dashboard.views.phonons.figures import PhononSeries, decode, phonon_figure, thermal_figure
from dashboard.views.relaxation.declaration import figures as relaxation_figures
from dashboard.views.relaxation.figures import RelaxationTrace, relaxation_figure
from dashboard.widgets.download import archive
from dashboard.widgets.theme import COLORS, DARK, LIGHT, Look, style
from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.phonons.bands import BandStructure
from mlip_core.calculations.phonons.dos import TotalDos
from mlip_core.calculations.relaxation.calculation import RelaxationSettings, relax

MARK = style(0, constrained=True, corrected=False, label="EMT")
OTHER = style(1, constrained=False, corrected=True, label="EMT + correction")


def model():
    return mlip.from_ase(EMT(), name="EMT")


@pytest.fixture(scope="module")
def relaxation():
    start = bulk("Al", a=4.1)
    start.rattle(0.05, seed=0)
    return relax(start, model(), RelaxationSettings(fmax=1e-2, cell="full", steps=60))


@pytest.fixture(scope="module")
def aluminium():
    settings = PhononSettings(supercell_matrix=(2, 2, 2), mesh=(5, 5, 5), n_qpoints=40)
    return phonons(bulk("Al", a=3.99), model(), settings)


def luminance(color):
    parts = np.array([int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_colours_stand_out_from_both_backgrounds_and_from_each_other():
    for color in COLORS:
        assert contrast(color, "#ffffff") > 2
        assert contrast(color, "#10151c") > 3
    assert len(set(COLORS)) == 6
    assert contrast(LIGHT.text, "#ffffff") > 7
    assert contrast(DARK.text, "#10151c") > 7


def test_dashes_tell_what_holds():
    kinds = [(True, False), (False, False), (True, True), (False, True)]
    drawn = [style(0, constrained=c, corrected=k, label="").dash for c, k in kinds]
    assert drawn == ["solid", "dash", "dot", "dot"]
    assert style(7, constrained=True, corrected=False, label="").color == COLORS[1]


def test_the_projector_gets_larger_type():
    assert Look(projector=True).template().layout.font.size > Look().template().layout.font.size
    assert Look(dark=True).template().layout.paper_bgcolor == "rgba(0,0,0,0)"


def curves(figure, axis):
    """Curves with data on one y axis."""
    return [trace for trace in figure.data if trace.yaxis == axis and trace.x is not None and trace.x[0] is not None]


def test_relaxations_start_at_zero_in_the_units_on_the_axes(relaxation):
    figure = relaxation_figure([RelaxationTrace.from_result(MARK, relaxation)])
    energy = curves(figure, "y")[-1].y
    assert energy[0] == 0
    assert energy[-1] == pytest.approx((relaxation.energies[-1] - relaxation.energies[0]) * 1000, abs=1e-9)  # one atom
    volume = curves(figure, "y3")[0].y
    assert volume[-1] == pytest.approx(
        (relaxation.structure.get_volume() / relaxation.frames[0].get_volume() - 1) * 100
    )
    assert "meV/atom" in figure.layout.yaxis.title.text
    assert figure.layout.yaxis2.type == "log"
    assert any("m (" in name or "P" in name for name in figure.layout.yaxis4.ticktext)
    assert not figure.layout.title.text


def test_running_and_finished_draw_the_same_curve(relaxation):
    rows = [
        {"done": k, "total": 60, "time": 0.0, "values": {"energy": e, "fmax": f, "generalized_fmax": g, "volume": v}}
        for k, (e, f, g, v) in enumerate(
            zip(relaxation.energies, relaxation.fmax, relaxation.generalized_fmax, relaxation.volumes, strict=True)
        )
    ]
    other = {"done": 0, "total": None, "time": 0.0, "values": {"stage": "loading"}}
    live = RelaxationTrace.from_rows(MARK, [other, *rows], n_atoms=1)
    done = RelaxationTrace.from_result(MARK, relaxation)
    assert live.state == "running"
    assert done.state == "converged"
    for name in ("steps", "energy", "fmax", "volume"):
        assert getattr(live, name) == pytest.approx(getattr(done, name))
    assert RelaxationTrace.from_rows(MARK, [other], n_atoms=1) is None


def test_molecules_have_two_panels_and_perfect_crystals_a_finite_axis():
    settings = RelaxationSettings(fmax=1e-2, steps=20)
    ammonia = molecule("NH3")
    figure = relaxation_figure([RelaxationTrace.from_result(MARK, relax(ammonia, model(), settings))])
    titles = [axis.title.text for axis in figure.select_yaxes() if axis.visible is not False]
    assert titles == ["energy − start (meV/atom)", "largest force (eV/Å)"]
    at_rest = RelaxationTrace.from_result(MARK, relax(bulk("Al", a=3.99), model(), settings))
    assert np.isnan(curves(relaxation_figure([at_rest]), "y2")[0].y).all()


def test_work_is_drawn_only_where_it_differs_from_the_energy(relaxation):
    same = dataclasses.replace(RelaxationTrace.from_result(MARK, relaxation), work=None)
    other = dataclasses.replace(same, work=same.energy * 1.5)
    figure = relaxation_figure([other])
    assert len(curves(figure, "y")) == len(curves(relaxation_figure([same]), "y")) + 2
    line, name = curves(figure, "y")[-3:-1]
    assert name.text == ("work ",)
    assert (name.x[0], name.y[0]) == pytest.approx((line.x[-1], line.y[-1]))


def bands_of(figure):
    return next(trace for trace in figure.data if trace.customdata is not None)


def test_bands_lie_where_the_record_says_and_can_be_clicked(aluminium):
    figure = phonon_figure([PhononSeries.from_result(MARK, aluminium), PhononSeries.from_result(OTHER, aluminium)])
    drawn_bands = [trace for trace in figure.data if trace.customdata is not None]
    assert len(drawn_bands) == 2
    for place, trace in enumerate(drawn_bands):
        drawn = ~np.isnan(trace.y)
        told = [
            decode(number, 2, len(aluminium.band_structure.distances)) for number in trace.customdata[drawn].tolist()
        ]
        member, q, branch = np.array(told).T
        assert (member == place).all()
        assert trace.y[drawn] == pytest.approx(aluminium.band_structure.frequencies[q, branch], abs=1e-5)
        assert trace.x[drawn] == pytest.approx(aluminium.band_structure.distances[q], abs=1e-5)
        assert drawn.sum() == aluminium.band_structure.frequencies.size
        assert trace.mode == "lines+markers"
        assert trace.marker.opacity == 0


def test_the_pen_is_lifted_between_segments_and_branches(aluminium):
    trace = bands_of(phonon_figure([PhononSeries.from_result(MARK, aluminium)]))
    n_q = len(aluminium.band_structure.distances)
    steps = [
        (decode(a, 1, n_q)[1:], decode(b, 1, n_q)[1:])
        for a, b in itertools.pairwise(trace.customdata.tolist())
        if a >= 0 and b >= 0
    ]
    starts = set(aluminium.band_structure.segments[:, 0].tolist())
    assert all(b[0] == a[0] + 1 and b[1] == a[1] and b[0] not in starts for a, b in steps)


@pytest.mark.parametrize(("unit", "factor"), [("THz", 1.0), ("cm⁻¹", 33.35641), ("meV", 4.135667)])
def test_units_scale_frequencies_and_keep_the_number_of_modes(aluminium, unit, factor):
    figure = phonon_figure([PhononSeries.from_result(MARK, aluminium)], unit=unit)
    assert np.nanmax(bands_of(figure).y) == pytest.approx(aluminium.band_structure.frequencies.max() * factor, rel=1e-5)
    dos = next(trace for trace in figure.data if trace.xaxis == "x2" and trace.x is not None)
    assert np.trapezoid(dos.x, dos.y) == pytest.approx(3, rel=0.05)
    assert unit in figure.layout.yaxis.title.text
    assert list(figure.layout.xaxis.ticktext) == list(aluminium.band_structure.labels)


def test_imaginary_frequencies_are_pointed_out_and_others_are_not(aluminium):
    def zones(series):
        figure = phonon_figure([series])
        return figure, [shape for shape in figure.layout.shapes if shape.type == "rect"]

    series = PhononSeries.from_result(MARK, aluminium)
    figure, found = zones(series)
    assert not found
    assert figure.layout.yaxis.range[0] > -0.05
    bands = dataclasses.replace(series.bands, frequencies=series.bands.frequencies - 2.0)
    figure, found = zones(dataclasses.replace(series, bands=bands))
    assert found
    assert figure.layout.yaxis.range[0] < -2.0
    assert "imaginary" in [note.text for note in figure.layout.annotations]


def test_many_branches_stay_light_enough_for_a_page():
    n_q, n_bands = 300, 60
    bands = BandStructure(
        qpoints=np.zeros((n_q, 3)), distances=np.linspace(0, 1, n_q), segments=np.array([[0, 150], [150, n_q]]),
        labels=("Γ", "X|K", "L"), label_indices=np.array([0, 149, n_q - 1]),
        frequencies=np.sort(np.random.default_rng(0).random((n_q, n_bands)), axis=1),
    )  # fmt: skip
    dos = TotalDos(frequencies=np.linspace(0, 1, 400), density=np.ones(400))
    members = [
        PhononSeries(style=style(k, constrained=True, corrected=False, label=str(k)), bands=bands, dos=dos)
        for k in range(6)
    ]
    figure = phonon_figure(members)
    assert len([trace for trace in figure.data if trace.customdata is not None]) == 6
    assert {trace.type for trace in figure.data if trace.customdata is not None} == {"scattergl"}
    assert len(figure.to_json()) < 4e6


def test_heat_capacity_is_in_k_b_and_tends_to_three(aluminium):
    figure = thermal_figure([(MARK, aluminium)])
    capacity = next(trace for trace in figure.data if trace.xaxis == "x3" and trace.x is not None)
    assert capacity.y[-1] == pytest.approx(3, abs=0.1)
    energy = next(trace for trace in figure.data if trace.xaxis == "x" and trace.x[0] is not None)
    assert energy.y[0] == pytest.approx(aluminium.thermal.free_energy[0] * 1000)


def test_relaxations_and_phonons_are_taken_along_with_their_figures(relaxation, aluminium, hostile, has_figures):
    mark = dataclasses.replace(MARK, label=hostile)
    figures = relaxation_figures([(mark, relaxation)])
    has_figures(archive(hostile, [(mark, relaxation)], figures), figures)
    figures = phonon_figures([(mark, aluminium)])
    assert list(figures) == ["Bands and density of states", "Thermal properties"]
    has_figures(archive(hostile, [(mark, aluminium)], figures), figures)


def test_panels_stand_further_apart_where_their_titles_are_larger():
    assert Look(projector=True).gap(0.08) / Look().gap(0.08) == pytest.approx(
        Look(projector=True).font_size / Look().font_size
    )
