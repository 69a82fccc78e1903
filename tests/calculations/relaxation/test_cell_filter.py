"""Forces on atoms and cell are computed once an answer of the model, and are those of ASE's own filter."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE
from scipy.linalg import expm, logm

import mlip_core as mlip
from mlip_core.calculations.relaxation.cell_filter import SMALL, CellFilter, logarithm


@pytest.fixture
def atoms():
    atoms = bulk("Cu", a=3.5, cubic=True)
    atoms.rattle(0.05, seed=1)
    atoms.calc = mlip.from_ase(EMT(), name="EMT").calculator()
    return atoms


def test_a_relaxation_takes_the_steps_of_ases_filter(atoms):
    ours, theirs = atoms.copy(), atoms.copy()
    ways = []
    for copy, kind in ((ours, CellFilter), (theirs, FrechetCellFilter)):
        copy.calc = mlip.from_ase(EMT(), name="EMT").calculator()
        relaxed = kind(copy)
        ways.append([relaxed.get_forces() for _ in FIRE(relaxed, logfile=None).irun(fmax=0, steps=15)])
    np.testing.assert_allclose(*ways, rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.cell, theirs.cell, rtol=0, atol=1e-12)


@pytest.mark.parametrize("isotropic", [False, True])
def test_forces_and_variables_of_a_sheared_cell_under_pressure_are_those_of_ases_filter(atoms, isotropic):
    options = {"hydrostatic_strain": isotropic, "scalar_pressure": 0.05}
    ours, theirs = CellFilter(atoms, **options), FrechetCellFilter(atoms, **options)
    strain = np.eye(3) + np.array([[0.02, 0.09, -0.03], [0.01, -0.04, 0.05], [0.0, 0.02, 0.06]])
    atoms.set_cell(atoms.cell @ strain, scale_atoms=True)
    np.testing.assert_allclose(ours.get_forces(), theirs.get_forces(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.get_positions(), theirs.get_positions(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.stress, theirs.stress, rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [1e-9, 1e-3, 0.05, 0.15, 0.8])
def test_the_logarithm_is_that_of_scipy_for_any_strain(size):
    sheared = np.eye(3) + size * np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])  # it has no basis of eigenvectors
    for deformation in (sheared, np.eye(3) + size * np.random.default_rng(3).uniform(-1, 1, (3, 3))):
        found = logarithm(deformation)
        np.testing.assert_allclose(found, logm(deformation), rtol=0, atol=1e-14)
        np.testing.assert_allclose(expm(found), deformation, rtol=0, atol=1e-14)


def test_the_series_is_exact_where_it_ends_to_be_used():
    stretch = (1 + 0.999 * SMALL) / (1 - 0.999 * SMALL)
    np.testing.assert_allclose(logarithm(np.diag([stretch, 1, 1])), np.diag([np.log(stretch), 0, 0]), rtol=1e-15)


def test_they_are_computed_once_for_each_answer(atoms, monkeypatch):
    computed = []
    whole = CellFilter._computed
    monkeypatch.setattr(CellFilter, "_computed", lambda self, *given: computed.append(1) or whole(self, *given))
    relaxed = CellFilter(atoms)
    first = relaxed.get_forces()
    first += 1
    assert np.abs(relaxed.get_forces() - first).min() > 0.5, "what a caller does to them stays with the caller"
    assert len(computed) == 1
    relaxed.set_positions(relaxed.get_positions() + 0.01 * np.arange(21).reshape(7, 3))
    np.testing.assert_allclose(relaxed.get_forces(), FrechetCellFilter.get_forces(relaxed), atol=1e-12)
    assert len(computed) == 2
