"""What raw force constants show, what hides it, and what cures it."""

import numpy as np
import pytest
from ase.build import bulk
from phonopy.harmonic.force_constants import compact_fc_to_full_fc

import mlip_core as mlip
from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.phonons.cells import settle
from mlip_core.calculations.phonons.force_constants import force_constants_asymmetry, permutation_asymmetry, transposed
from mlip_core.errors import SettingsError

QUICK = {"mesh": (2, 2, 2), "n_qpoints": 30}
MGO = QUICK | {"supercell_matrix": (2, 2, 2), "plus_minus": False}


def uniform(forces):
    return forces + 1e-3


def stretched(forces):
    """Break rotations: a lab-frame axis counts for more."""
    return forces * [1.1, 1.0, 1.0]


@pytest.fixture(scope="module")
def oxide(magnesia):
    conventional, springs = magnesia
    return bulk("MgO", "rocksalt", conventional.cell[0, 0]), springs


@pytest.fixture(scope="module")
def truth(oxide):
    structure, springs = oxide
    return phonons(structure, springs, PhononSettings(**MGO))


def gamma(p):
    return np.abs(p.diagnostics.gamma_acoustic).max()


def test_a_uniform_force_error_makes_raw_acoustic_branches_imaginary(oxide, wrong):
    structure, springs = oxide
    p = phonons(structure, wrong(springs, uniform), PhononSettings(**MGO))
    assert p.n_evaluations == 3
    assert (p.diagnostics.gamma_acoustic < -3).all()
    assert p.raw_band_structure.frequencies[0, 0] < -3
    # 1 meV/Å along the displaced [011] over 0.01 Å on each of 16 atoms
    assert p.diagnostics.sum_over_forces == pytest.approx(16 * np.sqrt(2) * 0.1, rel=1e-3)
    assert p.diagnostics.residual_net_force == pytest.approx(1e-3 * np.sqrt(3), rel=1e-6)


@pytest.mark.parametrize("remedy", [{"plus_minus": True}, {"subtract_residual": True}])
def test_plus_minus_and_residual_subtraction_cure_the_raw_branches(oxide, truth, wrong, remedy):
    structure, springs = oxide
    p = phonons(structure, wrong(springs, uniform), PhononSettings(**(MGO | remedy)))
    assert gamma(p) < 0.05
    assert p.raw_band_structure.frequencies == pytest.approx(truth.raw_band_structure.frequencies, abs=0.05)


def test_projection_cures_the_corrected_branches(oxide, truth, wrong):
    structure, springs = oxide
    p = phonons(structure, wrong(springs, uniform), PhononSettings(**MGO))
    assert gamma(p) > 3
    assert np.abs(p.diagnostics.gamma_acoustic_corrected).max() < 1e-4
    assert p.band_structure.frequencies == pytest.approx(truth.band_structure.frequencies, abs=0.05)


def test_full_displacements_show_a_planted_anisotropy(fcc, wrong):
    """Forces along x times 1.1: at L the two transverse branches split, and λ ≠ 0."""
    structure, springs, _ = fcc
    common = QUICK | {"supercell_matrix": (3, 3, 3), "displacement": 1e-3}
    reduced = phonons(structure, wrong(springs, stretched), PhononSettings(**common))
    full = phonons(structure, wrong(springs, stretched), PhononSettings(**common, displacements="full"))
    sound = phonons(structure, springs, PhononSettings(**common, displacements="full"))
    at_l = full.band_structure.label_indices[full.band_structure.labels.index("L")]

    def split(p):
        low, middle, _ = p.raw_band_structure.frequencies[at_l]
        return middle - low

    assert split(reduced) < 1e-3
    assert split(sound) < 1e-3
    assert split(full) > 0.02
    assert full.diagnostics.splitting.largest > 0.05
    assert sound.diagnostics.splitting.largest < 1e-3
    for p in (full, sound):
        worst = p.diagnostics.splitting
        assert worst.splittings.max() == worst.largest
    # Φ' = diag(1.1, 1, 1) Φ: only the rows of x change, so λ follows from Φ alone
    blocks = sound.raw_force_constants * np.array([1.0, 1.0, 1.1])
    expected = force_constants_asymmetry(blocks, sound.lattice)
    assert full.diagnostics.jacobian_asymmetry == pytest.approx(expected, rel=1e-3)
    assert expected > 5e-3
    assert sound.diagnostics.jacobian_asymmetry < 1e-4
    assert full.diagnostics.projection_distance > 0.02
    assert sound.diagnostics.projection_distance < 1e-4
    assert np.abs(split_after(full, at_l)) < 1e-6


def split_after(p, at):
    low, middle, _ = p.band_structure.frequencies[at]
    return middle - low


def test_what_reduced_displacements_cannot_know_is_none(emt, aluminium):
    p = phonons(aluminium, emt, PhononSettings(**QUICK, supercell_matrix=(1, 1, 1)))
    found = p.diagnostics
    assert found.jacobian_asymmetry is found.projection_distance is found.splitting is None
    assert found.sum_over_forces is not None


def test_full_means_six_per_atom_of_the_primitive_cell(oxide, emt, aluminium):
    structure, springs = oxide
    springs.batches.clear()
    p = phonons(structure, springs, PhononSettings(**QUICK, supercell_matrix=(2, 2, 2), displacements="full"))
    assert len(p.displacement_set.atoms) == 6 * 2
    assert p.n_evaluations == 6 * 2 + 1 == sum(springs.batches)
    assert max(springs.batches) == 4
    assert np.allclose(np.linalg.norm(p.displacement_set.vectors, axis=1), 0.01)
    assert np.allclose(p.displacement_set.vectors.sum(axis=0), 0)
    assert (
        len(
            phonons(
                aluminium, emt, PhononSettings(**QUICK, supercell_matrix=(1, 1, 1), displacements="full")
            ).displacement_set.atoms
        )
        == 6
    )


def test_transposition_by_lattice_translations(oxide):
    structure, springs = oxide
    p = phonons(structure, springs, PhononSettings(**QUICK, supercell_matrix=(2, 2, 2)))
    noise = np.random.default_rng(1).normal(size=p.force_constants.shape)
    primitive = settle(structure, p.settings, None).phonopy.primitive
    whole = compact_fc_to_full_fc(primitive, noise)
    assert np.allclose(transposed(noise, p.lattice), whole.transpose(1, 0, 3, 2)[primitive.p2s_map])
    matrix = whole.transpose(0, 2, 1, 3).reshape(3 * len(whole), -1)
    asymmetry = np.linalg.norm(matrix - matrix.T) / (2 * np.linalg.norm(matrix))
    assert force_constants_asymmetry(noise, p.lattice) == pytest.approx(asymmetry)
    assert permutation_asymmetry(noise, p.lattice) == pytest.approx(np.abs(matrix - matrix.T).max())


def test_corrected_force_constants_obey_the_laws(oxide, wrong):
    structure, springs = oxide
    noise = np.random.default_rng(7)

    def noisy(forces):
        return forces + 1e-3 * noise.normal(size=forces.shape)

    p = phonons(
        structure, wrong(springs, noisy), PhononSettings(**QUICK, supercell_matrix=(2, 2, 2), displacements="full")
    )
    fixed = p.force_constants
    assert np.abs(p.raw_force_constants.sum(axis=1)).max() > 1e-3
    assert np.abs(fixed.sum(axis=1)).max() < 1e-9
    assert permutation_asymmetry(fixed, p.lattice) < 1e-9
    assert force_constants_asymmetry(fixed, p.lattice) < 1e-10
    assert not np.array_equal(fixed, p.raw_force_constants)


def test_a_loose_space_group_correction_is_refused(emt, aluminium):
    for symprec, space_group, refused in ((0.02, True, True), (1e-3, True, False), (0.02, False, False)):
        corrected = mlip.correct(emt, mlip.Corrections(space_group=space_group, symprec=symprec))
        settings = PhononSettings(**QUICK, supercell_matrix=(1, 1, 1), displacement=0.01)
        if refused:
            with pytest.raises(SettingsError, match=r"symprec of at most 0\.001"):
                phonons(aluminium, corrected, settings)
        else:
            phonons(aluminium, corrected, settings)
