"""The student begins as the bundled model: exactly, for the elements that that one knows."""

import numpy as np
import pytest
from ase.build import bulk

import mlip_core as mlip
from mlip_core.calculations.distillation.batches import joined, random_operations, single
from mlip_core.calculations.distillation.labelling import answered
from mlip_core.calculations.distillation.learning import answer, relative_spread
from mlip_core.calculations.distillation.network import begin, exported
from mlip_core.errors import CalculationError
from mlip_core.symmetry.moving import rattled


@pytest.fixture(scope="module")
def student():
    return begin([8, 12], seed=1)


@pytest.fixture(scope="module")
def crystals():
    """Two rattled crystals of magnesium oxide, which the bundled model knows."""
    return [rattled(bulk("MgO", "rocksalt", a=a) * (2, 2, n), 0.05, seed=n) for a, n in ((4.2, 1), (4.3, 2))]


@pytest.fixture(scope="module")
def batch(crystals):
    return joined([single(atoms, 5.0) for atoms in answered(crystals, mlip.load_model("pet-demo"))])


@pytest.mark.parametrize("forces", ["direct", "conservative"])
def test_for_known_elements_it_is_the_bundled_model_but_for_the_energies_of_lone_atoms(
    student, crystals, batch, forces, tmp_path
):
    (tmp_path / "student.pt").write_bytes(exported(student))
    start = mlip.load_model("pet-demo", forces=forces).predict(crystals)
    written = mlip.load_model(tmp_path / "student.pt", forces=forces).predict(crystals)
    said = answer(student, student.backend, batch, learning=False)
    inside = said.direct_forces if forces == "direct" else said.forces
    for one, other in zip(start, written, strict=True):
        np.testing.assert_allclose(one.forces, other.forces, atol=1e-5)
        np.testing.assert_allclose(one.stress, other.stress, atol=1e-6)
    np.testing.assert_allclose(inside.detach(), np.concatenate([one.forces for one in start]), atol=1e-5)
    difference = [
        (one.energy - other.energy) / len(atoms) for one, other, atoms in zip(start, written, crystals, strict=True)
    ]
    assert difference[0] == pytest.approx(difference[1], abs=1e-5)


def test_energies_of_lone_atoms_are_in_the_export(student, crystals, tmp_path):
    from dataclasses import replace

    shifted = replace(student, offsets=np.array([-2.0, 5.0]))
    energies = []
    for number, one in enumerate((student, shifted)):
        (tmp_path / f"{number}.pt").write_bytes(exported(one))
        energies.append(mlip.load_model(tmp_path / f"{number}.pt").predict(crystals)[0].energy)
    pairs = len(crystals[0]) // 2
    assert energies[1] - energies[0] == pytest.approx(pairs * 3.0, abs=1e-4)


def test_conservative_forces_are_the_slope_of_the_energy(student, crystals, batch):
    def energy(atoms):
        atoms = atoms.copy()
        atoms.info["REF_energy"], atoms.info["REF_stress"] = 0.0, np.zeros((3, 3))
        atoms.set_array("REF_forces", np.zeros((len(atoms), 3)))
        return float(answer(student, student.backend, single(atoms, 5.0), learning=False).energies.detach()[0])

    atoms, step = crystals[0], 0.02
    forces = answer(student, student.backend, batch, learning=True).forces.detach().numpy()
    for axis in range(3):
        ends = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[1, axis] += sign * step
            ends.append(energy(moved))
        assert -(ends[0] - ends[1]) / (2 * step) == pytest.approx(forces[1, axis], abs=0.02)


def test_turning_a_batch_turns_what_the_teacher_said_with_the_structure(batch):
    from ase.calculators.emt import EMT

    crystals = [rattled(bulk("Cu") * (2, 1, 1), 0.1, seed=2), rattled(bulk("Al") * (1, 1, 3), 0.1, seed=3)]
    emt = mlip.from_ase(EMT(), name="EMT")
    operations = random_operations(2, np.random.default_rng(1), improper=False)
    turned = joined([single(atoms, 5.0) for atoms in answered(crystals, emt)]).turned(operations)
    for number, atoms in enumerate(crystals):
        other = atoms.copy()
        other.set_cell(atoms.cell.array @ operations[number].T)
        other.positions = atoms.positions @ operations[number].T
        said = emt.predict([other])[0]
        mine = (turned.owner == number).numpy()
        np.testing.assert_allclose(turned.positions.numpy()[mine], other.positions, atol=1e-5)
        np.testing.assert_allclose(turned.forces.numpy()[mine], said.forces, atol=1e-5)
        np.testing.assert_allclose(turned.stresses.numpy()[number], said.stress, atol=1e-6)


def test_random_operations_are_orthogonal_and_half_of_them_mirror_where_they_may():
    found = random_operations(400, np.random.default_rng(3), improper=True)
    np.testing.assert_allclose(found @ found.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (400, 3, 3)), atol=1e-12)
    assert 150 < np.sum(np.linalg.det(found) > 0) < 250
    assert np.allclose(found.mean(axis=0), 0, atol=0.1), "no direction is preferred"


def test_the_spread_of_two_copies_that_differ_by_a_tenth_is_a_twentieth():
    forces = np.random.default_rng(0).normal(size=(5, 3))
    assert relative_spread(np.array([forces, forces])) == 0
    assert relative_spread(np.array([1.05 * forces, 0.95 * forces])) == pytest.approx(0.05)


def test_an_unwritable_disk_is_said_in_words_and_leaves_nothing(tmp_path, monkeypatch):
    import errno
    from pathlib import Path

    from mlip_core.calculations.distillation.workshop import write

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CalculationError, match=r"No space left on device.*Make room on the disk"):
        write(tmp_path / "model.pt", b"weights")
    assert not list(tmp_path.iterdir())
