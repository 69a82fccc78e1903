"""What every adapter promises, whichever model is behind it."""

import numpy as np
import pytest
from ase import Atoms
from ase.stress import voigt_6_to_full_3x3_stress
from scipy.spatial.transform import Rotation

from mlip_core.errors import ModelError

PRECISION = {"float64": 1e-9, "float32": 2e-5}
"""Agreement of two evaluations of one structure, relative to the largest number (eV, eV/Å)."""


def same(one, other, tolerance):
    assert one.energy == pytest.approx(other.energy, rel=tolerance, abs=tolerance)
    scale = max(1.0, np.abs(other.forces).max())
    np.testing.assert_allclose(one.forces, other.forces, atol=tolerance * scale)
    assert (one.stress is None) == (other.stress is None)
    if one.stress is not None:
        np.testing.assert_allclose(one.stress, other.stress, atol=tolerance * max(1.0, np.abs(other.stress).max()))


def moved(atoms, atom, axis, by):
    other = atoms.copy()
    other.positions[atom, axis] += by
    return other


def strained(atoms, i, j, by):
    strain = np.zeros((3, 3))
    strain[i, j] += by / 2
    strain[j, i] += by / 2
    other = atoms.copy()
    other.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return other


def slopes(model, pairs, step):
    """Central differences of the energy over pairs of structures at +step and −step."""
    energies = [answer.energy for answer in model.predict([atoms for pair in pairs for atoms in pair])]
    return (np.array(energies[::2]) - np.array(energies[1::2])) / (2 * step)


def step_and_tolerance(model):
    """Step (Å), and the error allowed for a force: relative, and where the energy's digits end (eV/Å)."""
    step, relative, least = (3e-4, 1e-4, 1e-7) if model.dtype == "float64" else (5e-3, 4e-3, 1e-3)
    return step, lambda size: max(relative * size, least)


def test_energy_is_total_and_forces_and_stress_have_their_shapes(model, structures):
    answers = model.predict(structures)
    twice = model.predict([structures[0] * (2, 1, 1)])[0]
    for atoms, answer in zip(structures, answers, strict=True):
        assert isinstance(answer.energy, float)
        assert answer.forces.shape == (len(atoms), 3)
        assert answer.forces.dtype == np.float64
        assert (answer.stress is not None) == bool(atoms.pbc.all())
    assert answers[0].stress.shape == (3, 3)
    tolerance = 10 * PRECISION[model.dtype]
    assert twice.energy == pytest.approx(2 * answers[0].energy, rel=tolerance)
    np.testing.assert_allclose(twice.forces, np.tile(answers[0].forces, (2, 1)), atol=tolerance * 10)
    np.testing.assert_allclose(twice.stress, answers[0].stress, atol=tolerance)


def test_a_batch_equals_one_by_one(model, structures):
    for together, alone in zip(
        model.predict(structures), [model.predict([atoms])[0] for atoms in structures], strict=True
    ):
        same(together, alone, PRECISION[model.dtype])


def test_a_batch_is_fewer_forward_passes_than_structures(case, model, structures):
    if case.counted is None:
        assert model.batch_structures == 1
        return
    passes = []
    hook = case.counted(model).register_forward_hook(lambda *_: passes.append(1))
    model.predict(structures * 2)
    hook.remove()
    assert len(passes) == 1


def test_progress_counts_structures(model, structures):
    seen = []
    model.predict(structures, progress=lambda done, total, **_: seen.append((done, total)))
    assert seen[-1] == (3, 3)


def test_conservative_forces_are_minus_the_slope_of_the_energy(model, crystal):
    step, tolerance = step_and_tolerance(model)
    pairs = [(moved(crystal, 1, axis, step), moved(crystal, 1, axis, -step)) for axis in range(3)]
    error = np.abs(model.predict([crystal])[0].forces[1] + slopes(model, pairs, step)).max()
    scale = np.abs(slopes(model, pairs, step)).max()
    if model.forces == "conservative":
        assert error < tolerance(scale)
    else:
        assert error > 0.01 * scale
        assert model.claims.conservative is False


def test_conservative_stress_is_the_slope_against_strain(model, crystal):
    step, relative = (3e-4, 1e-4) if model.dtype == "float64" else (3e-3, 4e-3)
    pairs = [
        (strained(crystal, i, j, step), strained(crystal, i, j, -step))
        for i, j in [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    ]
    expected = voigt_6_to_full_3x3_stress(slopes(model, pairs, step)) / crystal.get_volume()
    error = np.abs(model.predict([crystal])[0].stress - expected).max()
    if model.forces == "conservative":
        assert error < max(relative * np.abs(expected).max(), 1e-9)
    else:
        assert error > 0.01 * np.abs(expected).max()


def test_a_molecule_has_conservative_forces_too(model, molecule):
    step, tolerance = step_and_tolerance(model)
    pairs = [(moved(molecule, 2, axis, step), moved(molecule, 2, axis, -step)) for axis in range(3)]
    expected = -slopes(model, pairs, step)
    error = np.abs(model.predict([molecule])[0].forces[2] - expected).max()
    if model.forces == "conservative":
        assert error < tolerance(np.abs(expected).max())
    else:
        assert error > 0.01 * np.abs(expected).max()


def test_a_model_that_saw_other_structures_answers_as_a_fresh_one(case, model, crystal, metal, molecule):
    large = metal * (2, 1, 1)
    for atoms in (molecule, large, crystal, metal):
        used = model.predict([atoms])[0]
    same(used, case.load().predict([metal])[0], PRECISION[model.dtype])


def test_an_element_it_does_not_cover_is_named(model):
    with pytest.raises(ModelError, match="Rn"):
        model.predict([Atoms("AlRn", [[0, 0, 0], [0, 0, 2.5]], cell=[6, 6, 6], pbc=True)])


def test_the_calculator_equals_predict_and_can_be_reused(model, structures):
    calculator = model.calculator()
    for atoms in structures:
        atoms.calc = calculator
        expected = model.predict([atoms])[0]
        assert atoms.get_potential_energy() == pytest.approx(expected.energy, rel=1e-6)
        np.testing.assert_allclose(atoms.get_forces(), expected.forces, atol=PRECISION[model.dtype])
        if expected.stress is not None:
            symmetric = (expected.stress + expected.stress.T) / 2
            np.testing.assert_allclose(atoms.get_stress(voigt=False), symmetric, atol=PRECISION[model.dtype])


def test_the_input_is_left_as_it_was(model, structures):
    before = [atoms.copy() for atoms in structures]
    model.predict(structures)
    assert structures == before
    assert all(atoms.calc is None for atoms in structures)


def test_rotation_and_inversion_hold_where_they_are_claimed_and_break_where_they_are_denied(model, metal):
    turn = Rotation.from_euler("xyz", [0.4, 0.7, 1.1]).as_matrix()
    tolerance = 20 * PRECISION[model.dtype]
    for claim, matrix in ((model.claims.rotation, turn), (model.claims.inversion, -np.eye(3))):
        other = metal.copy()
        other.set_cell(metal.cell.array @ matrix.T)
        other.positions = metal.positions @ matrix.T
        here, there = model.predict([metal, other])
        error = np.abs(there.forces - here.forces @ matrix.T).max()
        if claim is True:
            assert there.energy == pytest.approx(here.energy, rel=tolerance)
            assert error < tolerance
        elif claim is False:
            assert error > 1e-5


def test_translation_holds_where_it_is_claimed(model, metal):
    other = metal.copy()
    other.positions += [0.3, -0.2, 7.1]
    if model.claims.translation:
        same(*model.predict([other, metal]), 20 * PRECISION[model.dtype])


def test_two_atoms_beyond_the_cutoff_do_not_feel_each_other(model):
    if model.cutoff is None:
        return  # a model that does not say; from_ase is one
    apart = [model.cutoff - 0.5, model.cutoff + 0.05, model.cutoff + 1.0]
    near, beyond, far = (p.energy for p in model.predict([Atoms("Al2", [[0, 0, 0], [0, 0, d]]) for d in apart]))
    assert beyond == pytest.approx(far, abs=1e-5)
    assert abs(near - far) > 1e-5
