"""PBE energies at several volumes are found for the crystals that have them, whatever cell is given."""

import json

import numpy as np
import pytest
from ase.build import bulk, make_supercell
from ase.units import GPa

from mlip_core.calculations.equation_of_state import reference

A, MODULUS, SLOPE = 4.25, 150.0, 4.2
VOLUME = A**3 / 4


def energy(volumes):
    """Birch and Murnaghan's equation, eV."""
    y = (VOLUME / volumes) ** (2 / 3) - 1
    return -12.0 + 9 / 16 * VOLUME * MODULUS * GPa * (y**3 * SLOPE + y**2 * (2 - 4 * y))


@pytest.fixture
def stored(monkeypatch, tmp_path):
    """Put other data in the place of the reference's."""

    def put(**rows):
        path = tmp_path / "equilibrium.json"
        path.write_text(json.dumps(rows))
        monkeypatch.setattr(reference, "asset", lambda *_: path)
        reference._equations.cache_clear()

    yield put
    reference._equations.cache_clear()


@pytest.fixture
def magnesia(stored):
    volumes = VOLUME * np.array([1.06, 0.94, 1.0, 1.03, 0.97])  # in no order
    row = {"structure": "rocksalt", "a": A, "volumes": volumes.tolist(), "energies": energy(volumes).tolist()}
    stored(MgO=row, Si={"structure": "diamond", "a": 5.47})


def test_the_equation_comes_back_from_the_stored_energies(magnesia):
    found = reference.reference_equation(bulk("MgO", "rocksalt", 4.2))
    assert found.name == "MgO"
    assert len(found.structure) == 2
    assert found.fit.volume == pytest.approx(VOLUME)
    assert found.fit.bulk_modulus == pytest.approx(MODULUS)
    assert found.fit.bulk_modulus_derivative == pytest.approx(SLOPE, abs=1e-4)
    assert (np.diff(found.volumes) > 0).all()
    assert found.energies == pytest.approx(energy(found.volumes))
    step = 1e-3
    slopes = (energy(found.volumes - step) - energy(found.volumes + step)) / (2 * step) / GPa
    assert found.point_pressures == pytest.approx(slopes, abs=0.1)


def test_any_cell_of_the_crystal_finds_it_and_another_crystal_does_not(magnesia):
    cubic = bulk("MgO", "rocksalt", 4.3, cubic=True)
    assert reference.reference_equation(make_supercell(cubic, np.diag([1, 2, 1]))).name == "MgO"
    assert reference.reference_equation(bulk("MgO", "zincblende", 4.3)) is None
    assert reference.reference_equation(bulk("NaCl", "rocksalt", 5.6)) is None


def test_a_crystal_without_volumes_has_no_reference(magnesia):
    assert reference.reference_equation(bulk("Si", a=5.47)) is None


def test_the_data_that_are_shipped_can_be_read():
    reference._equations.cache_clear()
    for one in reference._equations():
        assert one.volumes[0] < one.fit.volume < one.volumes[-1]
