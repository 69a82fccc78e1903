"""The projector in closed form against symfc's, which builds it from a basis of symmetric force constants."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from ase.spacegroup import crystal
from symfc import Symfc
from symfc.utils.utils import SymfcAtoms

from mlip_core.calculations.phonons import PhononSettings
from mlip_core.calculations.phonons.cells import settle
from mlip_core.calculations.phonons.projection import projected, projected_full


def rutile():
    return crystal(["Ti", "O"], [(0, 0, 0), (0.305, 0.305, 0)], spacegroup=136, cellpar=[4.59, 4.59, 2.96, 90, 90, 90])


def without_symmetry():
    rng = np.random.default_rng(3)
    cell = [[3.6, 0, 0], [0.5, 3.9, 0], [-0.7, 0.9, 4.8]]
    return Atoms("AlSiO", cell=cell, scaled_positions=rng.random((3, 3)), pbc=True)


CASES = {
    "Si": (bulk("Si", "diamond", 5.43), (2, 2, 2)),
    "MgO, conventional": (bulk("MgO", "rocksalt", 4.2, cubic=True), (2, 1, 1)),
    "MgO, another supercell": (bulk("MgO", "rocksalt", 4.2), [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]),
    "hcp": (bulk("Mg"), (3, 3, 2)),
    "zincblende": (bulk("GaAs", "zincblende", 5.65), (2, 2, 2)),
    "rutile": (rutile(), (2, 2, 2)),
    "slab": (fcc111("Al", (1, 1, 3), vacuum=5.0), (2, 2, 1)),
    "triclinic": (without_symmetry(), (2, 2, 1)),
}


@pytest.fixture(params=CASES)
def case(request):
    structure, matrix = CASES[request.param]
    cells = settle(structure, PhononSettings(supercell_matrix=matrix), None)
    noise = np.random.default_rng(1).normal(size=(len(cells.supercell), len(cells.supercell), 3, 3))
    return cells, noise


def by_basis(supercell, full):
    """P Φ = B Bᵀ Φ with symfc's orthonormal basis B of the whole supercell."""
    judge = Symfc(
        SymfcAtoms(cell=supercell.cell, scaled_positions=supercell.scaled_positions, numbers=supercell.numbers)
    )
    judge.compute_basis_set(orders=[2])
    found = judge.basis_set[2]
    # columns are rows of the compressed matrix times the basis set
    basis = found.compression_matrix @ found.basis_set
    flat = full.reshape(-1)
    return (basis @ (basis.T @ flat)).reshape(full.shape)


def test_full_force_constants_equal_symfcs(case):
    cells, noise = case
    ours = projected_full(noise, cells.symmetry, cells.rotations)
    expected = by_basis(cells.phonopy.supercell, noise)
    assert np.linalg.norm(expected) > 0.05 * np.linalg.norm(noise) / len(cells.supercell)
    assert np.abs(ours - expected).max() < 1e-10


def test_compact_force_constants_equal_symfcs(case):
    cells, noise = case
    first, maps = cells.symmetry.primitive_atoms, cells.symmetry.lattice_maps
    compact = noise[first]
    full = np.empty_like(noise)
    for atoms in maps:
        full[atoms[first][:, None], atoms] = compact
    ours = projected(compact, cells.symmetry, cells.rotations)
    assert np.abs(ours - by_basis(cells.phonopy.supercell, full)[first]).max() < 1e-10
    assert not np.array_equal(compact, ours)


def test_projecting_twice_changes_nothing(case):
    cells, noise = case
    once = projected_full(noise, cells.symmetry, cells.rotations)
    assert np.abs(projected_full(once, cells.symmetry, cells.rotations) - once).max() < 1e-13
    assert np.vdot(once, noise - once) == pytest.approx(0, abs=1e-9 * np.vdot(noise, noise))


def test_corrected_force_constants_obey_each_law(case):
    cells, noise = case
    fixed = projected_full(noise, cells.symmetry, cells.rotations)
    assert np.abs(fixed.sum(axis=1)).max() < 1e-12
    assert np.abs(fixed - fixed.transpose(1, 0, 3, 2)).max() < 1e-13
    for rotation, atoms in zip(cells.rotations, cells.symmetry.atom_maps, strict=True):
        assert np.abs(rotation @ fixed @ rotation.T - fixed[atoms[:, None], atoms]).max() < 1e-13
    for atoms in cells.symmetry.lattice_maps:
        assert np.array_equal(fixed, fixed[atoms[:, None], atoms])
