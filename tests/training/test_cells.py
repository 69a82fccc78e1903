import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from mlip_core.errors import CalculationError, SettingsError
from mlip_core.models import from_ase
from mlip_core.structures import library_structure
from mlip_core.training.cells import cell_of, doubled, relaxed_cells, repeated
from mlip_core.training.settings import Crystal

COPPER = Crystal(name="Cu", formula="Cu", lattice="fcc", a=3.6, counts={})
WATER = Crystal(name="H2O", library="water", counts={})


def emt():
    return from_ase(EMT(), name="EMT")


def test_crystals_are_relaxed_once_and_then_read(tmp_path):
    first = relaxed_cells([COPPER, WATER], tmp_path, emt)
    again = relaxed_cells([COPPER, WATER], tmp_path, lambda: pytest.fail("the teacher is asked again"))
    assert again["Cu"] == first["Cu"]
    np.testing.assert_allclose(again["H2O"].positions, first["H2O"].positions, atol=1e-7)
    water, copper = first["H2O"], bulk("Cu", "fcc", a=first["Cu"])
    for atoms in (water, copper):
        atoms.calc = EMT()
        assert np.abs(atoms.get_forces()).max() < 5e-3
    assert np.abs(copper.get_stress()).max() < 1e-4
    assert water.pbc.all()
    assert (np.diag(water.cell.array) - np.ptp(water.positions, axis=0)).min() >= 9.5, "a box around a molecule"


def test_a_relaxation_that_does_not_arrive_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("mlip_core.training.cells.FMAX", 1e-13)
    with pytest.raises(CalculationError, match="H2O: the teacher's relaxation did not arrive"):
        relaxed_cells([WATER], tmp_path, emt)


@pytest.mark.parametrize(
    "wrong", [{}, {"formula": "Cu", "lattice": "fcc"}, {"library": "cu", "formula": "Cu", "lattice": "fcc", "a": 3.6}]
)
def test_a_crystal_is_either_cubic_or_of_the_library(wrong):
    with pytest.raises(SettingsError, match="crystal Cu: give either formula, lattice and a"):
        Crystal(name="Cu", counts={}, **wrong)


def test_cells_are_scaled():
    rutile = library_structure("tio2")
    crystal = Crystal(name="TiO2", library="tio2", counts={})
    np.testing.assert_allclose(cell_of(crystal, rutile, cubic=True, factor=1.1).cell.array, 1.1 * rutile.cell.array)
    assert len(cell_of(COPPER, 3.6, cubic=True)) == 4
    assert len(doubled(COPPER, 3.6)) == 8
    assert 8 <= len(doubled(crystal, rutile)) <= 20


def test_cells_are_repeated_to_the_least_elongated_shape():
    layer = library_structure("graphene")
    assert len(repeated(layer, 8, 8)) == 8
    np.testing.assert_allclose(repeated(layer, 8, 8).cell.lengths()[:2], 2 * layer.cell.lengths()[:2])
    benzene = library_structure("benzene")
    assert len(repeated(benzene, 4, 8)) == len(benzene)
