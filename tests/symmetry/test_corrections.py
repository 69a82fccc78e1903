from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from hypothesis import given, settings
from hypothesis import strategies as st

from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.relaxation.calculation import RelaxationSettings, relax
from mlip_core.errors import Cancelled, SettingsError
from mlip_core.models import from_ase
from mlip_core.models.model import Claims, Counted, Model, Prediction
from mlip_core.symmetry.corrections import (
    Corrections,
    correct,
    count_beneath,
    random_frame,
    refuse_random_frame,
    without_torque,
)
from mlip_core.symmetry.equivalence import orientations
from mlip_core.symmetry.pair_potential import PairPotential
from mlip_core.symmetry.rotations import grid, rotate, rotate_back


class Skewed(Model):
    """Direct forces with a fixed push in the laboratory, so that nothing is symmetric."""

    name = "skewed"
    forces = "direct"
    claims = Claims(rotation=False, inversion=False, translation=True, conservative=False)

    def __init__(self, model, dtype="float64"):
        self.model, self.dtype = model, dtype

    def _forward(self, structures):
        push = np.array([0.3, -0.2, 0.1]).astype(self.dtype)
        return [
            Prediction(p.energy, (p.forces + push).astype(self.dtype), p.stress)
            for p in self.model._forward(structures)
        ]


def by_hand(model, atoms, g):
    """Weighted mean and deviations over every operation, one at a time."""
    back = [rotate_back(model.predict([rotate(atoms, o)])[0], o) for o in g.operations]
    w = g.operation_weights
    energies = np.array([p.energy for p in back])
    forces = np.array([p.forces for p in back])
    energy, force = w @ energies, np.einsum("k,kia->ia", w, forces)
    stress = None if back[0].stress is None else np.einsum("k,kab->ab", w, [p.stress for p in back])
    energy_std = np.sqrt(w @ (energies - energy) ** 2) / len(atoms)
    force_std = np.sqrt(w @ np.mean((forces - force) ** 2, axis=(1, 2)))
    return energy, force, stress, energy_std, force_std


def agree(prediction, other, tolerance=1e-10):
    assert prediction.energy == pytest.approx(other.energy, abs=tolerance)
    np.testing.assert_allclose(prediction.forces, other.forces, atol=tolerance)
    np.testing.assert_allclose(prediction.stress, other.stress, atol=tolerance)


@pytest.mark.parametrize("inversion", [False, True])
@pytest.mark.parametrize("name", ["none", "tetrahedral", "octahedral", "lebedev-3", "random-7"])
def test_a_corrected_prediction_is_the_weighted_mean(anisotropic, rattled, name, inversion):
    corrected = correct(anisotropic, Corrections(rotations=name, inversion=inversion))
    prediction, spread = corrected.predict_with_spread([rattled])[0]
    energy, forces, stress, energy_std, force_std = by_hand(anisotropic, rattled, grid(name, inversion=inversion))
    assert prediction.energy == pytest.approx(energy, rel=1e-13)
    np.testing.assert_allclose(prediction.forces, forces, atol=1e-12)
    np.testing.assert_allclose(prediction.stress, stress, atol=1e-13)
    if name == "none" and not inversion:
        assert (spread.energy_rot_std, spread.forces_rot_std, spread.stress_rot_std, spread.evaluations) == (
            None,
            None,
            None,
            1,
        )
    else:
        assert spread.energy_rot_std == pytest.approx(energy_std, rel=1e-9)
        assert spread.forces_rot_std == pytest.approx(force_std, rel=1e-9)
        assert spread.stress_rot_std > 0
        assert spread.evaluations == len(grid(name, inversion=inversion).operations)


@pytest.mark.parametrize(
    ("atoms", "name", "inversion", "expected"),
    [
        (bulk("Cu", cubic=True), "octahedral", False, 1),
        (bulk("Cu"), "octahedral", True, 1),
        (bulk("Si", cubic=True), "octahedral", False, 1),
        (bulk("NaCl", "rocksalt", a=5.6, cubic=True), "octahedral", True, 1),
        (bulk("GaAs", "zincblende", a=5.65), "octahedral", False, 2),
        (bulk("GaAs", "zincblende", a=5.65), "octahedral", True, 2),
        (bulk("Si"), "icosahedral", False, 5),
        (bulk("Si"), "random-12", False, 12),
        (Atoms("CO2", [[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]]), "octahedral", False, 3),
    ],
)
def test_equivalent_orientations_are_evaluated_once_and_exactly(anisotropic, atoms, name, inversion, expected):
    counted = Counted(anisotropic)
    prediction = correct(counted, Corrections(rotations=name, inversion=inversion)).predict([atoms])[0]
    assert counted.evaluations == expected
    energy, forces, stress, *_ = by_hand(anisotropic, atoms, grid(name, inversion=inversion))
    assert prediction.energy == pytest.approx(energy, rel=1e-13)
    np.testing.assert_allclose(prediction.forces, forces, atol=1e-12)
    if stress is not None:
        np.testing.assert_allclose(prediction.stress, stress, atol=1e-13)


def test_a_nearly_symmetric_crystal_is_evaluated_in_full():
    atoms = bulk("Cu", cubic=True)
    atoms.positions[0, 0] += 1e-6
    classes = orientations(atoms, grid("octahedral"))
    assert len(classes) > 1
    assert sum(m.weight for c in classes for m in c.members) == pytest.approx(1)


def test_a_displaced_supercell_keeps_part_of_the_saving(anisotropic):
    atoms = bulk("Cu", cubic=True)
    atoms.positions[0, 2] += 0.05
    counted = Counted(anisotropic)
    prediction = correct(counted, Corrections(rotations="octahedral")).predict([atoms])[0]
    assert counted.evaluations == 6  # the fourfold axis of the displacement is left
    np.testing.assert_allclose(prediction.forces, by_hand(anisotropic, atoms, grid("octahedral"))[1], atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-4)])
@pytest.mark.parametrize("atoms", [bulk("Al", cubic=True), bulk("NaCl", "rocksalt", a=5.6)], ids=["Al", "NaCl"])
def test_the_octahedral_average_restores_a_perfect_cubic_crystal(anisotropic, atoms, dtype, tolerance):
    model = Skewed(anisotropic, dtype)
    assert np.abs(model.predict([atoms])[0].forces).max() > 0.1
    raw_stress = model.predict([atoms])[0].stress
    assert np.abs(raw_stress - np.trace(raw_stress) / 3 * np.eye(3)).max() > 1e-4
    fixed = correct(model, Corrections(rotations="octahedral")).predict([atoms])[0]
    assert np.abs(fixed.forces).max() < tolerance
    np.testing.assert_allclose(fixed.stress, np.trace(fixed.stress) / 3 * np.eye(3), atol=tolerance)


@pytest.mark.parametrize("name", ["tetrahedral", "octahedral", "icosahedral"])
def test_a_group_average_is_equivariant_under_its_group(anisotropic, rattled, name):
    corrected = correct(anisotropic, Corrections(rotations=name, inversion=True))
    here = corrected.predict([rattled])[0]
    for operation in grid(name, inversion=True).operations[[1, 5, -1, -4]]:
        agree(rotate_back(corrected.predict([rotate(rattled, operation)])[0], operation), here)


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 10_000))
def test_turn_the_input_and_the_answer_turns(seed):
    rng = np.random.default_rng(seed)
    atoms = Atoms(
        "CuAl3",
        rng.normal(scale=0.1, size=(4, 3)) + 2 * np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]),
        cell=4 * np.eye(3) + rng.normal(scale=0.1, size=(3, 3)),
        pbc=True,
    )
    corrected = correct(
        from_ase(EMT(), name="EMT"),
        Corrections(rotations="tetrahedral", space_group=True, net_force=True),
    )
    operation = grid("random-64").rotations[seed % 64] * (-1) ** seed
    agree(rotate_back(corrected.predict([rotate(atoms, operation)])[0], operation), corrected.predict([atoms])[0], 1e-7)


def test_an_average_of_a_conservative_model_is_conservative(anisotropic, rattled):
    corrected = correct(anisotropic, Corrections(rotations="octahedral", inversion=True))
    assert corrected.claims.conservative
    step = 1e-4
    for atom, axis in ((0, 0), (3, 2)):
        ends = []
        for sign in (1, -1):
            moved = rattled.copy()
            moved.positions[atom, axis] += sign * step
            ends.append(moved)
        plus, minus = corrected.predict(ends)
        slope = -(plus.energy - minus.energy) / (2 * step)
        assert slope == pytest.approx(corrected.predict([rattled])[0].forces[atom, axis], abs=1e-6)


def test_a_corrected_model_keeps_nothing_between_structures(anisotropic, rattled, cluster):
    corrections = Corrections(rotations="octahedral", inversion=True, space_group=True, net_force=True, net_torque=True)
    reused = correct(anisotropic, corrections)
    others = [bulk("Cu"), rattled * (2, 1, 1), rattled]
    for atoms in others:
        reused.predict([atoms])
        fresh = correct(anisotropic, corrections)
        agree(reused.predict([atoms])[0], fresh.predict([atoms])[0])
    calculator, atoms = reused.calculator(), rattled * (1, 2, 1)
    for other in (bulk("Cu"), atoms):
        other.calc = calculator
        other.get_forces()
    np.testing.assert_allclose(
        atoms.get_forces(), correct(anisotropic, corrections).predict([atoms])[0].forces, atol=1e-10
    )
    assert reused.predict([cluster])[0].stress is None


def test_many_structures_share_batches_and_memory_stays_bounded(anisotropic, rattled, cluster):
    structures = [rattled, cluster, rattled * (2, 1, 1), bulk("Cu")]
    corrected = correct(anisotropic, Corrections(rotations="octahedral", batch_size=10))
    one_by_one = [correct(anisotropic, Corrections(rotations="octahedral")).predict([atoms])[0] for atoms in structures]
    anisotropic.batches.clear()
    together = corrected.predict(structures)
    assert anisotropic.batches == [10] * 7 + [3]  # 3 x 24 + 1 evaluations
    for a, b in zip(together, one_by_one, strict=True):
        np.testing.assert_array_equal(a.forces, b.forces)
    anisotropic.batch_atoms = 16
    anisotropic.batches.clear()
    correct(anisotropic, Corrections(rotations="octahedral")).predict([rattled])
    assert anisotropic.batches == [2] * 12


def test_progress_and_cancel(anisotropic, rattled):
    seen = []
    corrected = correct(anisotropic, Corrections(rotations="octahedral", batch_size=12))
    corrected.predict([rattled, rattled], progress=lambda done, total, **_: seen.append((done, total)))
    assert seen[0] == (0, 2)
    assert seen[-1] == (2, 2)
    anisotropic.batches.clear()

    def stop(done, total, **values):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        corrected.predict([rattled, rattled], progress=stop)
    assert len(anisotropic.batches) == 1


def test_corrections_of_corrections(anisotropic, rattled):
    inner = correct(anisotropic, Corrections(inversion=True))
    outer = correct(inner, Corrections(rotations="octahedral"))
    both = correct(anisotropic, Corrections(rotations="octahedral", inversion=True))
    agree(outer.predict([rattled])[0], both.predict([rattled])[0])


def test_the_space_group_alone_costs_one_evaluation(anisotropic):
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    counted = Counted(Skewed(anisotropic))
    fixed = correct(counted, Corrections(space_group=True)).predict([atoms])[0]
    assert counted.evaluations == 1
    np.testing.assert_allclose(fixed.forces, 0, atol=1e-12)


def test_the_space_group_uses_the_tolerance_given(anisotropic):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.002, seed=4)
    tight = correct(Skewed(anisotropic), Corrections(space_group=True)).predict([atoms])[0]
    loose = correct(Skewed(anisotropic), Corrections(space_group=True, symprec=0.05)).predict([atoms])[0]
    assert np.abs(tight.forces).max() > 0.1
    np.testing.assert_allclose(loose.forces, 0, atol=1e-12)


def test_net_force(anisotropic, rattled):
    assert np.abs(Skewed(anisotropic).predict([rattled])[0].forces.sum(axis=0)).max() > 0.5
    fixed = correct(Skewed(anisotropic), Corrections(net_force=True)).predict([rattled])[0]
    np.testing.assert_allclose(fixed.forces.sum(axis=0), 0, atol=1e-12)


def torque(positions, forces):
    return np.cross(positions - positions.mean(axis=0), forces).sum(axis=0)


@pytest.mark.parametrize("name", ["H2O", "CO2", "N2", "CH4", "C2H2"])
def test_net_torque_of_molecules_linear_ones_too(name):
    atoms = molecule(name)
    atoms.rotate(33, (1, 2, 3))
    forces = np.random.default_rng(3).normal(size=(len(atoms), 3))
    fixed = without_torque(atoms.positions, forces)
    np.testing.assert_allclose(torque(atoms.positions, fixed), 0, atol=1e-10)
    np.testing.assert_allclose(fixed.sum(axis=0), forces.sum(axis=0), atol=1e-12)
    np.testing.assert_allclose(without_torque(atoms.positions, fixed), fixed, atol=1e-10)
    change = fixed - forces
    stretch = np.random.default_rng(4).normal(size=forces.shape)
    assert abs(np.sum(change * without_torque(atoms.positions, stretch))) < 1e-9  # an orthogonal projection


def test_net_torque_through_a_model_and_not_on_crystals(anisotropic, cluster, rattled):
    assert np.linalg.norm(torque(cluster.positions, anisotropic.predict([cluster])[0].forces)) > 0.1
    corrected = correct(anisotropic, Corrections(net_torque=True))
    np.testing.assert_allclose(torque(cluster.positions, corrected.predict([cluster])[0].forces), 0, atol=1e-10)
    agree(corrected.predict([rattled])[0], anisotropic.predict([rattled])[0])


def test_one_atom_and_a_slab(anisotropic):
    everything = Corrections(rotations="octahedral", inversion=True, space_group=True, net_force=True, net_torque=True)
    corrected = correct(Skewed(anisotropic), everything)
    atom, crystal, slab = corrected.predict([Atoms("Al"), bulk("Al"), fcc111("Al", (1, 1, 3), vacuum=6)])
    assert np.abs(atom.forces).max() < 1e-12
    assert np.abs(crystal.forces).max() < 1e-12
    np.testing.assert_allclose(slab.forces[:, :2], 0, atol=1e-12)
    assert slab.stress is None
    assert atom.stress is None
    assert slab.forces[0, 2] == pytest.approx(-slab.forces[2, 2])


def test_claims_follow_what_is_done(anisotropic):
    assert correct(anisotropic, Corrections(inversion=True)).claims == replace(anisotropic.claims, inversion=True)
    assert correct(anisotropic, Corrections(space_group=True)).claims.conservative is False
    assert correct(anisotropic, Corrections(net_force=True)).claims.conservative is True
    invariant = from_ase(EMT(), name="EMT")
    assert correct(invariant, Corrections(space_group=True)).name == "EMT + space group"


def test_labels():
    assert Corrections().label == ""
    assert (
        Corrections(rotations="octahedral", inversion=True, net_force=True).label
        == "octahedral + inversion + no net force"
    )
    assert Corrections(inversion=True).label == "inversion"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"rotations": "cubic"}, "octahedral"),
        ({"rotations": "lebedev-4"}, "degree 4"),
        ({"symprec": 0.0}, "symprec"),
        ({"symprec": float("nan")}, "symprec"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_settings_that_make_no_sense(wrong, says):
    with pytest.raises(SettingsError, match=says):
        Corrections(**wrong)


def test_counting_beneath_corrections(anisotropic, rattled):
    corrected = correct(correct(anisotropic, Corrections(inversion=True)), Corrections(rotations="tetrahedral"))
    same, count = count_beneath(corrected)
    agree(same.predict([rattled])[0], corrected.predict([rattled])[0])
    assert count.evaluations == 24


def turned_means(model, structure, number):
    """Mean prediction over seeds, and its standard error."""
    answers = [
        correct(model, Corrections(rotations="random-frame", frame_seed=seed)).predict([structure])[0]
        for seed in range(number)
    ]
    energies, forces = np.array([a.energy for a in answers]), np.array([a.forces for a in answers])
    stresses = np.array([a.stress for a in answers])
    return [(x.mean(axis=0), x.std(axis=0, ddof=1) / np.sqrt(number)) for x in (energies, forces, stresses)]


def test_a_random_frame_is_unbiased_on_average_and_costs_one_evaluation(legendre_potential, rattled):
    model = Counted(legendre_potential({0: 1.0, 2: 0.3, 3: 0.25}))
    exact = correct(model, Corrections(rotations="lebedev-5")).predict([rattled])[0]  # the Haar mean of degrees up to 5
    model.evaluations = 0
    number = 400
    means = turned_means(model, rattled, number)
    assert model.evaluations == number
    for (mean, error), expected in zip(means, exact, strict=True):
        pulls = (mean - expected) / error
        assert np.abs(pulls).max() < 4.5
        assert np.sqrt(np.mean(np.square(pulls))) < 1.6
    uncorrected = model.predict([rattled])[0]
    assert np.abs((uncorrected.forces - exact.forces) / means[1][1]).max() > 10


def test_a_random_frame_is_new_for_every_geometry_and_can_be_repeated(anisotropic, rattled):
    model = correct(anisotropic, Corrections(rotations="random-frame", inversion=True))
    moved = rattled.copy()
    moved.positions[0, 0] += 1e-9
    first, again, other = model.predict([rattled, rattled.copy(), moved])
    np.testing.assert_array_equal(first.forces, again.forces)
    assert np.abs(first.forces - other.forces).max() > 1e-4
    another = correct(anisotropic, Corrections(rotations="random-frame", inversion=True, frame_seed=1))
    assert another.predict([rattled])[0].energy != first.energy
    signs = [np.linalg.det(random_frame(rattled, seed=seed, inversion=True)) for seed in range(60)]
    assert 15 < np.sum(np.array(signs) > 0) < 45
    assert all(np.linalg.det(random_frame(rattled, seed=seed)) > 0 for seed in range(20))


def test_a_random_frame_changes_nothing_for_an_exact_model_and_all_claims_for_others(anisotropic, rattled):
    exact = PairPotential(rattled, dtype="float64", energy=-20.0)
    frame = Corrections(rotations="random-frame")
    np.testing.assert_allclose(
        correct(exact, frame).predict([rattled])[0].forces, exact.predict([rattled])[0].forces, atol=1e-12
    )
    assert correct(exact, frame).claims == exact.claims
    claims = correct(anisotropic, frame).claims
    assert not any((claims.rotation, claims.inversion, claims.translation, claims.conservative, claims.smooth))
    refuse_random_frame(correct(anisotropic, Corrections(rotations="octahedral")), "this")
    with pytest.raises(SettingsError, match=r"this compares.*octahedral"):
        refuse_random_frame(correct(correct(anisotropic, frame), Corrections(net_force=True)), "this")
    with pytest.raises(SettingsError, match="choose none"):
        grid("random-frame")


def test_optimizers_that_compare_forces_and_phonons_refuse_a_random_frame(anisotropic):
    model, crystal = correct(anisotropic, Corrections(rotations="random-frame")), bulk("Al", cubic=True)
    for optimizer in ("LBFGS", "BFGS"):
        with pytest.raises(SettingsError, match=optimizer):
            relax(crystal, model, RelaxationSettings(optimizer=optimizer))
    crystal.rattle(0.05, seed=1)
    assert relax(crystal, model, RelaxationSettings(optimizer="FIRE", steps=2)).n_steps == 2
    with pytest.raises(SettingsError, match="phonon"):
        phonons(crystal, model, PhononSettings(supercell_matrix=(1, 1, 1)))
