"""PBE bands on the Phonons page: drawn beneath the line-up, marked where exact, counted against it."""

import dataclasses

import numpy as np
import pytest

from dashboard.views.phonons.figures import PhononSeries, phonon_figure
from dashboard.views.phonons.reference import PBE, series_of, words
from dashboard.widgets.theme import style
from mlip_core.calculations.phonons.reference_bands import reference_bands, reference_crystal
from mlip_core.reference.pbe import reference_phonons


@pytest.fixture(scope="module")
def silicon():
    return reference_phonons("Si", mesh=5.0, n_qpoints=40)


@pytest.fixture(scope="module")
def reference(silicon):
    return reference_bands(reference_crystal(silicon.structure), silicon)


def drawn(silicon, reference, unit="THz"):
    bands = dataclasses.replace(silicon.band_structure, frequencies=silicon.band_structure.frequencies * 0.5)
    member = PhononSeries(style=style(0, constrained=True, corrected=False, label="half"), bands=bands)
    return phonon_figure([member], unit=unit, reference=series_of(reference))


def test_the_reference_lies_beneath_the_line_up_and_within_the_axes(silicon, reference):
    figure = drawn(silicon, reference, unit="meV")
    names = [trace.name for trace in figure.data if trace.x is not None and trace.x[0] is not None]
    assert names.index(PBE) < names.index("half")
    line = next(trace for trace in figure.data if trace.name == PBE and trace.customdata is None and len(trace.x) > 1)
    top = np.nanmax(line.y)
    assert top == pytest.approx(15.12 * 4.135667, rel=2e-3)
    assert figure.layout.yaxis.range[1] > top
    assert [trace.name for trace in figure.data if trace.customdata is not None] == ["half"], "only models are clicked"


def test_circles_stand_where_the_supercell_is_exact(silicon, reference):
    circles = next(trace for trace in drawn(silicon, reference).data if trace.mode == "markers")
    places = dict(zip(silicon.band_structure.labels, silicon.band_structure.label_indices, strict=True))
    distances = silicon.band_structure.distances
    assert {"Γ", "X", "L"} <= set(reference.exact_labels)
    assert distances[places["L"]] in circles.x
    assert distances[places["U|K"]] not in circles.x
    at_x = np.sort([y for x, y in zip(circles.x, circles.y, strict=True) if x == distances[places["X"]]])
    np.testing.assert_allclose(at_x, [4.37, 4.37, 12.01, 12.01, 13.37, 13.37], atol=0.3)


def test_the_words_name_theory_lattice_constant_and_exact_points(reference):
    said = words(reference)
    for word in ("PBE", "400 eV", "5.477 Å", ", ".join(dict.fromkeys(reference.exact_labels)), "LO–TO"):
        assert word in said
    assert words(None) == ""


@pytest.fixture
def page(silicon, visitor):
    """Open the page with silicon's phonons as the answer to what it asks of a structure."""

    def visit(structure):
        app = visitor.open("phonons", session={"phonon_view": "Differences"}, structure=structure, lineup="chgnet")
        [run] = visitor.start(app)
        assert not app.get("plotly_chart")
        visitor.answer(run, silicon)
        visitor.run(app)
        assert app.get("plotly_chart")
        return app

    return visit


def test_the_page_offers_pbe_where_there_is_a_reference_and_nowhere_else(page):
    app = page("si")
    toggle = next(one for one in app.toggle if one.label == PBE)
    assert toggle.value
    [error] = [table.value[name] for table in app.table for name in table.value if name.startswith("MAE at")]
    assert 0 < float(error.iloc[0]) < 0.3, "PBE from the small supercell against PBE from the largest"
    toggle.set_value(False).run()
    assert not app.table
    assert not any(one.label == PBE for one in page("ge").toggle)
