import numpy as np
import pytest
from ase.build import bulk

from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.phonons.modes import animate, commensurate_repeats, modes
from mlip_core.errors import SettingsError


@pytest.fixture(scope="module")
def blende(springs):
    """No inversion: eigenvectors are complex, and q differs from −q."""
    a = 4.6
    return bulk("MgO", "zincblende", a), springs((a * np.sqrt(3) / 4, 5.0), (a / np.sqrt(2), 1.0))


@pytest.fixture(scope="module")
def p(blende):
    settings = PhononSettings(
        supercell_matrix=(3, 3, 3), displacement=1e-3, plus_minus=True, mesh=(2, 2, 2), n_qpoints=40
    )
    return phonons(*blende, settings)


def test_frequencies_equal_phonopys(p):
    for q, expected in zip(p.band_structure.qpoints[::3], p.band_structure.frequencies[::3], strict=True):
        assert modes(p, q).frequencies == pytest.approx(expected, abs=1e-4)
        assert modes(p, q, raw=True).frequencies == pytest.approx(expected, abs=0.02)


def test_eigenvectors_are_orthonormal(p):
    vectors = modes(p, (0.2, 0.1, 0.4)).eigenvectors.reshape(6, 6)
    assert np.allclose(vectors @ vectors.conj().T, np.eye(6), atol=1e-12)


@pytest.mark.parametrize("qpoint", [(0, 0, 0), (0.5, 0, 0.5), (0.5, 0.5, 0.5), (0.25, 0.0, 0.25), (1 / 3, 2 / 3, 0)])
def test_a_moving_mode_obeys_newton(p, blende, qpoint):
    """Every snapshot of every mode: F = −m ω² u, in a supercell the mode fits."""
    _, springs = blende
    for band in range(6):
        motion = animate(p, qpoint, band, amplitude=1e-3, n_frames=5)
        assert motion.commensurate
        omega = 2 * np.pi * motion.frequency
        for moved in motion.displacements[:2]:
            displaced = motion.structure.copy()
            displaced.positions += moved
            forces = springs.predict([displaced])[0].forces
            # 1 u Å THz² = 1.0364269e-4 eV/Å
            expected = -1.0364269e-4 * motion.structure.get_masses()[:, None] * omega**2 * moved
            assert np.allclose(forces, expected, atol=2e-3 * np.abs(forces).max() + 2e-6)


def test_amplitude_and_period(p):
    motion = animate(p, (0.25, 0.0, 0.25), 4, amplitude=0.2, n_frames=400)
    assert motion.displacements.shape == (400, len(motion.structure), 3)
    assert np.linalg.norm(motion.displacements, axis=2).max() == pytest.approx(0.2, rel=0.3)
    assert np.linalg.norm(motion.displacements, axis=2).max() <= 0.2 + 1e-12
    assert np.abs(motion.displacements.mean(axis=0)).max() < 1e-12
    assert np.allclose(motion.frames[0], motion.structure.positions + motion.displacements[0])


def test_supercells_that_fit():
    assert commensurate_repeats(np.array([0.5, 1 / 3, 0.0])) == (2, 3, 1)
    assert commensurate_repeats(np.array([0.375, -0.5, 0.75])) == (8, 2, 4)


def test_waves_that_do_not_fit_say_so(p):
    assert not animate(p, (0.123, 0, 0), 0).commensurate
    assert not animate(p, (0.5, 0, 0), 0, repeats=(3, 1, 1)).commensurate


def test_no_such_band(p):
    with pytest.raises(SettingsError, match="bands 0 to 5"):
        animate(p, (0, 0, 0), 6)
    with pytest.raises(SettingsError, match="three components"):
        modes(p, (0, 0))
