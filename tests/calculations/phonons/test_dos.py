"""The density of states: nothing lost, nothing that depends on where it is tabulated."""

import numpy as np
import pytest
from ase.build import bulk
from scipy.stats import wasserstein_distance

from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.phonons import dos as module
from mlip_core.calculations.phonons.comparison import dos_distance
from mlip_core.calculations.phonons.dos import TotalDos


@pytest.fixture(scope="module")
def carbide(springs):
    """Zincblende with stiff bonds: flat optical branches far above the acoustic ones, as in SiC."""
    a = 4.36
    return bulk("SiC", "zincblende", a), springs((a * np.sqrt(3) / 4, 20.0), (a / np.sqrt(2), 1.0))


def of(crystal, **settings):
    structure, model = crystal
    return phonons(structure, model, PhononSettings(supercell_matrix=(2, 2, 2), n_qpoints=10, **settings))


@pytest.mark.parametrize("mesh", [(3, 3, 3), (9, 9, 9), 60.0])
@pytest.mark.parametrize("displacements", ["reduced", "full"])
def test_the_integral_is_the_number_of_modes(carbide, mesh, displacements):
    p = of(carbide, mesh=mesh, displacements=displacements)
    for dos in (p.total_dos, p.raw_total_dos):
        assert np.trapezoid(dos.density, dos.frequencies) == pytest.approx(6, rel=1e-6)
        assert dos.density[0] == dos.density[-1] == 0
        assert np.allclose(np.diff(dos.frequencies), dos.frequencies[1] - dos.frequencies[0])


def test_the_density_is_phonopys(carbide):
    """phonopy's own density at the same frequencies, where neither has an edge inside a bin."""
    from phonopy import Phonopy

    from mlip_core.calculations.phonons.frame import to_phonopy

    p = of(carbide, mesh=(12, 12, 12))
    phonopy = Phonopy(to_phonopy(p.unitcell), p.supercell_matrix, primitive_matrix=p.primitive_matrix)
    phonopy.force_constants = p.force_constants
    phonopy.run_mesh((12, 12, 12), is_gamma_center=True)
    low, high = p.total_dos.frequencies[[0, -1]]
    step = (high - low) / (len(p.total_dos.frequencies) - 1)
    judge = phonopy.run_total_dos(freq_min=low, freq_max=high, freq_pitch=step)
    assert np.abs(judge.dos - p.total_dos.density).mean() < 0.05 * judge.dos.mean()
    assert np.abs(np.cumsum(judge.dos) * step - np.cumsum(p.total_dos.density) * step).max() < 0.1


def test_distances_do_not_depend_on_the_grid(carbide, monkeypatch):
    structure, model = carbide
    stretched = structure.copy()
    stretched.set_cell(structure.cell.array * 1.02, scale_atoms=True)
    results = {}
    for n_bins in (100, 400, 1600):
        monkeypatch.setattr(module, "N_BINS", n_bins)
        results[n_bins] = (of(carbide, mesh=(9, 9, 9)).total_dos, of((stretched, model), mesh=(9, 9, 9)).total_dos)
    exact = dos_distance(*results[1600])
    assert exact > 0.05
    for n_bins, pair in results.items():
        assert dos_distance(*pair) == pytest.approx(exact, rel=0.01)
        assert dos_distance(pair[0], results[1600][0]) < 0.1 * (pair[0].frequencies[1] - pair[0].frequencies[0]), n_bins


def test_the_distance_is_scipys():
    """Two sets of samples, each in bins so narrow that scipy's distance of the samples is reached."""
    rng = np.random.default_rng(0)
    samples = rng.normal(4, 1, 5000), rng.normal(5, 0.5, 5000)
    found = []
    for values, n_bins in zip(samples, (2000, 3001), strict=True):
        density, borders = np.histogram(values, n_bins, density=True)
        found.append(TotalDos(frequencies=(borders[1:] + borders[:-1]) / 2, density=density))
    assert dos_distance(*found) == pytest.approx(wasserstein_distance(*samples), rel=1e-3)
    assert dos_distance(*found) == dos_distance(*found[::-1])
    assert dos_distance(found[0], found[0]) == 0
