"""The mode beside the bands: which one it is, how it moves, and what the figure accents."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

import mlip_core as mlip
from dashboard.views.phonons.figures import PhononSeries, code, decode, phonon_figure
from dashboard.views.phonons.mode import MOST_ATOMS, pattern, pictures, repetitions
from dashboard.views.phonons.naming import gamma
from dashboard.widgets.theme import style
from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.phonons.modes import animate, modes

MARK = style(0, constrained=True, corrected=False, label="EMT")
OTHER = style(1, constrained=False, corrected=False, label="other")


@pytest.fixture(scope="module")
def aluminium():
    settings = PhononSettings(supercell_matrix=(2, 2, 2), mesh=(5, 5, 5), n_qpoints=40)
    return phonons(bulk("Al", a=3.99), mlip.from_ase(EMT(), name="EMT"), settings)


@pytest.fixture
def page(aluminium, visitor):
    """Open the page with the phonons of aluminium as everybody's answer."""

    def visit(**address):
        app = visitor.open("phonons", structure="al", lineup="chgnet,sevennet-0", **address)
        for run in visitor.start(app):
            visitor.answer(run, aluminium)
        return visitor.run(app)

    return visit


def chosen(app):
    """Member, q and branch in the boxes, by their keys."""
    return tuple(app.selectbox(key=f"mode-{what}").value for what in ("who", "q", "branch"))


def said(app):
    return next(caption.value for caption in app.caption if "q = (" in caption.value)


def test_the_highest_mode_at_gamma_moves_before_anybody_chose(page, aluminium):
    app = page()
    bands = aluminium.band_structure
    assert chosen(app) == (0, gamma(bands), 2)
    assert f"{bands.frequencies[gamma(bands), 2] + 0:.3f} THz** at Γ, q = (0, 0, 0)" in said(app).replace("−", "-")


def test_a_link_names_the_mode_and_a_choice_goes_into_the_link(page, aluminium):
    bands = aluminium.band_structure
    x = int(bands.label_indices[bands.labels.index("X")])
    app = page(mode=f"sevennet-0~0~{x}~1")
    assert chosen(app) == (1, x, 1)
    assert f"{modes(aluminium, bands.qpoints[x]).frequencies[1]:.3f} THz** at X" in said(app)
    app.selectbox(key="mode-branch").set_value(0).run()
    assert app.query_params["mode"] == f"sevennet-0~0~{x}~0"
    assert f"{bands.frequencies[x, 0]:.3f} THz" in said(app)


@pytest.mark.parametrize("told", ["chgnet~0~9999~0", "chgnet~0~1~77", "nonsense", "~~~"])
def test_a_link_to_no_mode_is_left_aside(page, aluminium, told):
    assert chosen(page(mode=told)) == (0, gamma(aluminium.band_structure), 2)


def test_one_is_accented_and_the_other_fades(aluminium):
    series = [PhononSeries.from_result(mark, aluminium) for mark in (MARK, OTHER)]
    alike = [trace for trace in phonon_figure(series).data if trace.customdata is not None]
    assert {trace.opacity for trace in alike} == {None}
    accented = [trace for trace in phonon_figure(series, accent="EMT").data if trace.customdata is not None]
    assert [trace.name for trace in accented] == ["other", "EMT"], "the accented one lies above"
    n_q = len(aluminium.band_structure.distances)
    whose = [decode(int(trace.customdata[0]), 2, n_q)[0] for trace in accented]
    assert whose == [1, 0], "a click still tells whose it is"
    assert accented[0].opacity < 0.5
    assert accented[1].opacity is None


def test_one_number_tells_whose_which_q_and_which_branch():
    points = np.array([[0, 0], [4, 0], [-1, -1], [2, 5]])
    numbers = code(2, 3, 5, points)
    assert numbers[2] == -1, "no mode in the gap"
    assert [decode(int(number), 3, 5) for number in numbers[[0, 1, 3]]] == [(2, 0, 0), (2, 4, 0), (2, 2, 5)]


def test_the_boxes_of_the_figure_name_special_points(aluminium):
    [trace] = [
        trace for trace in phonon_figure([PhononSeries.from_result(MARK, aluminium)]).data if trace.text is not None
    ]
    assert {text for text in trace.text if text} == {f" at {name}" for name in "ΓXUKLW"}
    n_q = len(aluminium.band_structure.distances)
    at_x = [
        decode(number, 1, n_q)[1] for number, text in zip(trace.customdata, trace.text, strict=True) if text == " at X"
    ]
    assert np.allclose(np.abs(aluminium.band_structure.qpoints[at_x] % 1), [0.5, 0, 0.5])


def test_the_zoom_shows_acoustic_branches_about_gamma(aluminium):
    one = PhononSeries.from_result(MARK, aluminium, raw=True)
    figure = phonon_figure([one], unit="meV", at_gamma=True)
    place = one.bands.distances[gamma(one.bands)]
    low, high = figure.layout.xaxis.range
    assert low < place < high
    assert list(figure.layout.xaxis.ticktext) == ["← K", "Γ", "L →"]
    inside = (one.bands.distances >= low) & (one.bands.distances <= high)
    bottom, top = figure.layout.yaxis.range
    assert top < 4.135667 * one.bands.frequencies.max()
    assert (
        bottom < 4.135667 * one.bands.frequencies[inside].min() < 4.135667 * one.bands.frequencies[inside].max() < top
    )


@pytest.mark.parametrize("qpoint", [(0.5, 0.0, 0.5), (0.375, 0.375, 0.75), (0.0, 0.0, 0.0)])
def test_repetitions_hold_whole_waves_and_stay_small(qpoint):
    for sizes in repetitions(np.array(qpoint), 2).values():
        waves = np.array(sizes) * qpoint
        assert np.allclose(waves, np.rint(waves))
        assert 2 * np.prod(sizes) <= max(MOST_ATOMS, 2 * np.prod(repetitions(np.array(qpoint), 2)[1]))


def test_arrows_are_the_displacements_when_the_atoms_are_farthest_out(aluminium):
    motion = animate(aluminium, (0.5, 0.0, 0.5), 1, amplitude=0.2)
    vectors = pattern(motion)
    assert np.linalg.norm(vectors, axis=1).max() == pytest.approx(0.2, rel=0.02)
    assert len(pictures(motion)) == len(motion.displacements)
    np.testing.assert_allclose(pictures(motion)[5].positions - motion.structure.positions, motion.displacements[5])
