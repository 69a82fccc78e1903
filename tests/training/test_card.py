import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from mlip_core.models import from_ase
from mlip_core.training.evaluate import bars
from mlip_core.training.labels import relaxed_constant
from mlip_core.training.properties import own_cell
from mlip_core.training.settings import Crystal

CUBIC = Crystal(name="Cu", formula="Cu", lattice="fcc", a=3.6, counts={})
LIBRARY = Crystal(name="Cu", library="cu", counts={})


@pytest.fixture(scope="module")
def emt():
    return from_ase(EMT(), name="EMT")


def test_a_models_own_cell_is_found_alike_for_cubic_crystals_and_those_of_the_library(emt):
    expected = relaxed_constant(CUBIC, emt)
    cubic = own_cell(CUBIC, bulk("Cu", a=expected * 1.01, cubic=True), emt)
    library = own_cell(LIBRARY, bulk("Cu", a=expected * 1.01), emt)
    assert cubic.cell.lengths()[0] == pytest.approx(expected, abs=2e-4)
    assert library.cell.lengths()[0] * np.sqrt(2) == pytest.approx(expected, abs=5e-3)


def test_a_cell_without_an_equilibrium_nearby_has_none(emt):
    far = bulk("Cu", a=relaxed_constant(CUBIC, emt) * 1.06, cubic=True)
    assert own_cell(CUBIC, far, emt) is None


def result(**crystals):
    """One mode of forces of a card: relative force and band error, lattice error, and lost imaginary modes by crystal."""
    return {
        "test": {
            "force_rmse": 1.0,
            "by_crystal": {name: {"relative_mae": error[0]} for name, error in crystals.items()},
        },
        "crystals": {
            name: {
                "band_mae_relative": error[0],
                "lattice_error": error[1],
                "new_imaginary_mode": False,
                "lost_imaginary_mode": name == "BaTiO3",
            }
            for name, error in crystals.items()
        },
        "rotations": {name: {"forces_rot_std": 0.0} for name in crystals},
    }


def test_bars_name_the_worst_crystal_and_all_that_miss():
    card = {"forces": {"conservative": result(Si=(0.02, 0.001), BaTiO3=(0.12, -0.006), TiO2=(0.06, None))}}
    found = {entry["what"].removeprefix("conservative "): entry for entry in bars(card)}
    assert found["force MAE over mean force, worst crystal (BaTiO3)"]["missed"] == ["BaTiO3"]
    assert found["band MAE over highest frequency, worst crystal (BaTiO3)"]["missed"] == ["BaTiO3", "TiO2"]
    lattice = found["lattice constant error, worst crystal (TiO2)"]
    assert lattice["missed"] == ["BaTiO3", "TiO2"]
    assert not lattice["met"]
    assert not found["crystals without imaginary modes the teacher has (BaTiO3)"]["met"]
    assert found["crystals with imaginary modes the teacher has not (none)"]["met"]


def test_a_bar_that_is_met_names_no_crystal():
    card = {"forces": {"conservative": result(Si=(0.02, 0.001), C=(0.03, 0.002))}}
    assert all("missed" not in entry for entry in bars(card))
