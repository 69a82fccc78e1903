import numpy as np
import pytest
from ase import units

from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.phonons.modes import modes

EV_PER_THZ = 4.135667696923859e-3


@pytest.fixture(scope="module")
def p(fcc):
    structure, springs, _ = fcc
    return phonons(structure, springs, PhononSettings(supercell_matrix=(3, 3, 3), mesh=(5, 5, 5), n_qpoints=20))


def test_equals_the_sum_over_oscillators(p):
    """Planck's oscillators at every point of the same mesh, by the textbook formulas."""
    axis = np.arange(5) / 5
    mesh = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)[1:]
    energies = np.concatenate([modes(p, q).frequencies for q in mesh]) * EV_PER_THZ
    for temperature in (10.0, 100.0, 300.0, 1000.0):
        x = energies / (units.kB * temperature)
        free = energies / 2 + units.kB * temperature * np.log1p(-np.exp(-x))
        entropy = units.kB * (x / np.expm1(x) - np.log1p(-np.exp(-x)))
        heat = units.kB * (x / 2 / np.sinh(x / 2)) ** 2
        expected = [value.sum() / 125 for value in (free, entropy, heat)]
        assert p.thermal.at(temperature) == pytest.approx(expected, rel=1e-4)


def test_limits(p):
    assert p.thermal.heat_capacity[-1] == pytest.approx(3 * units.kB * 124 / 125, rel=0.02)
    assert p.thermal.entropy[0] == p.thermal.heat_capacity[0] == 0
    slope = np.gradient(p.thermal.free_energy, p.thermal.temperatures)
    assert slope[20:-1] == pytest.approx(-p.thermal.entropy[20:-1], rel=2e-3)
    assert p.thermal.imaginary_share == 0
    with pytest.raises(ValueError, match="not in the table"):
        p.thermal.at(305.0)


def test_density_of_states_counts_the_modes(fcc):
    structure, springs, _ = fcc
    p = phonons(structure, springs, PhononSettings(supercell_matrix=(3, 3, 3), mesh=(12, 12, 12), n_qpoints=20))
    for dos in (p.total_dos, p.raw_total_dos):
        assert np.trapezoid(dos.density, dos.frequencies) == pytest.approx(3, rel=0.01)


def test_imaginary_modes_are_counted(fcc, wrong):
    structure, springs, _ = fcc
    upside_down = wrong(springs, lambda forces: -forces)
    p = phonons(structure, upside_down, PhononSettings(supercell_matrix=(2, 2, 2), mesh=(4, 4, 4), n_qpoints=20))
    assert p.thermal.imaginary_share == pytest.approx(63 / 64)
    assert p.diagnostics.lowest.imaginary
    assert p.diagnostics.lowest.frequency == pytest.approx(p.band_structure.frequencies.min(), abs=1e-3)
    assert p.band_structure.frequencies.max() < 1e-3
