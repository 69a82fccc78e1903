import numpy as np
import pytest
from ase import Atoms

from mlip_core.models.model import Prediction
from mlip_core.training.accuracy import accuracy
from mlip_core.training.card import bar, domain
from mlip_core.units import EV_PER_A3_IN_GPA


def labelled(crystal, force, rattle):
    atoms = Atoms("Si2", positions=[[0, 0, 0], [0, 0, 2]], cell=np.eye(3) * 4, pbc=True)
    atoms.info.update(REF_energy=-2.0, REF_stress=np.zeros((3, 3)), crystal=crystal, rattle=rattle)
    atoms.info.update(split="train", kind="near")
    atoms.set_array("REF_forces", np.array([[force, 0, 0], [-force, 0, 0]]))
    return atoms


def test_errors_of_known_answers():
    structures = [labelled("a", 3.0, 0.1), labelled("b", 1.0, 0.05)]
    off = np.array([[0.3, 0.0, 0.0], [0.0, 0.0, 0.0]])
    answers = [Prediction(-1.98, atoms.arrays["REF_forces"] + off, np.full((3, 3), 0.01)) for atoms in structures]
    found = accuracy(structures, answers)
    assert found["energy_mae"] == pytest.approx(10.0)
    assert found["force_mae"] == pytest.approx(50.0)
    assert found["force_rmse"] == pytest.approx(1e3 * 0.3 / np.sqrt(6))
    assert found["stress_mae"] == pytest.approx(0.01 * EV_PER_A3_IN_GPA)
    assert found["by_crystal"]["a"]["relative_mae"] == pytest.approx(0.05 / 3)
    assert found["by_crystal"]["b"]["relative_mae"] == pytest.approx(0.05)
    assert found["by_crystal"]["b"]["relative_mae_per_component"] == pytest.approx(0.15)


def test_relative_errors_leave_out_what_was_rattled_more_or_not_at_all():
    structures = [labelled("a", 2.0, 0.1), labelled("a", 9.0, 0.15)]
    del structures[1].info["rattle"]
    structures.append(labelled("a", 9.0, 0.15))
    answers = [Prediction(-2.0, atoms.arrays["REF_forces"] * 1.1, np.zeros((3, 3))) for atoms in structures]
    entry = accuracy(structures, answers)["by_crystal"]["a"]
    assert entry["rattled_n_structures"] == 1
    assert entry["rattled_mean_force"] == pytest.approx(2000)


def test_the_domain_is_what_was_trained_on():
    inside, outside = labelled("a", 1.0, 0.1), labelled("a", 1.0, 0.1)
    outside.info["split"] = "test"
    outside.set_cell(np.eye(3) * 3)
    assert domain([inside, outside])["atoms_per_volume"] == pytest.approx([2 / 64, 2 / 64])


def test_bars_know_their_direction():
    assert bar("error", 0.1, 0.1)["met"]
    assert not bar("error", 0.11, 0.1)["met"]
    assert bar("speed", 10.0, 10.0, at_least=True)["met"]
    assert not bar("speed", 9.0, 10.0, at_least=True)["met"]
