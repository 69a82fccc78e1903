import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.build import add_vacuum, bulk, fcc111, molecule
from ase.calculators.emt import EMT
from hypothesis import given, settings
from hypothesis import strategies as st

from mlip_core.errors import CalculationError, SettingsError
from mlip_core.models import from_ase
from mlip_core.symmetry.rotations import grid, rotate
from mlip_core.symmetry.space_group import space_group


def noise(atoms, seed=0):
    return np.random.default_rng(seed).normal(size=(len(atoms), 3))


def without_symmetry(seed=1):
    atoms = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    atoms.rattle(0.3, seed=seed)
    return atoms


def brute_force(atoms, forces, symprec=1e-5):
    """Mean over every operation spglib lists, atoms matched by distance."""
    import spglib

    data = spglib.get_symmetry_dataset((atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers), symprec=symprec)
    total = np.zeros_like(forces)
    a = atoms.cell.array
    for w, t in zip(data.rotations, data.translations, strict=True):
        moved = atoms.get_scaled_positions() @ w.T + t
        away = moved[:, None] - atoms.get_scaled_positions()
        partner = np.linalg.norm((away - np.rint(away)) @ a, axis=2).argmin(axis=1)
        total[partner] += forces @ (np.linalg.inv(a) @ w.T @ a)
    return total / len(data.rotations), len(data.rotations)


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
@pytest.mark.parametrize(
    ("atoms", "order"),
    [
        (bulk("Cu"), 48),
        (bulk("Cu", cubic=True), 192),
        (bulk("Si", cubic=True) * (2, 1, 1), 128),
        (bulk("GaAs", "zincblende", a=5.65, cubic=True), 96),
        (bulk("Mg"), 24),
    ],
    ids=["primitive", "conventional", "supercell", "zincblende", "hcp"],
)
def test_projection_is_the_mean_over_every_operation(atoms, order):
    forces = noise(atoms)
    expected, listed = brute_force(atoms, forces)
    group = space_group(atoms)
    assert group.order == listed == order
    np.testing.assert_allclose(group.project_forces(forces), expected, atol=1e-12)


def test_pure_translations_count_where_the_lattice_has_no_other_symmetry():
    cell = without_symmetry()
    assert space_group(cell).order == 1
    doubled = cell * (2, 1, 1)
    group = space_group(doubled)
    assert group.order == 2
    forces = noise(doubled)
    projected = group.project_forces(forces)
    np.testing.assert_allclose(projected[:8], projected[8:])
    np.testing.assert_allclose(projected[:8], (forces[:8] + forces[8:]) / 2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # metatensor-learn, when it is first imported
def test_metatomics_projector_leaves_out_pure_translations():
    from metatomic_ase import _symmetry as symmetry

    doubled = without_symmetry() * (2, 1, 1)
    forces = noise(doubled)
    theirs = symmetry._average_over_group({"forces": forces}, *symmetry._get_group_operations(doubled))["forces"]
    ours = space_group(doubled).project_forces(forces)
    np.testing.assert_allclose(ours[:8], ours[8:])
    assert np.abs(theirs[:8] - theirs[8:]).max() > 0.1


def test_identity_is_a_group():
    atoms = without_symmetry()
    forces = noise(atoms)
    np.testing.assert_array_equal(space_group(atoms).project_forces(forces), forces)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000))
def test_projected_forces_are_symmetric_and_stay(seed):
    atoms = bulk("SiC", "zincblende", a=4.36, cubic=True)
    atoms.set_cell(atoms.cell.array * [[1], [1], [1.05]], scale_atoms=True)
    group = space_group(atoms)
    projected = group.project_forces(noise(atoms, seed))
    np.testing.assert_allclose(group.project_forces(projected), projected, atol=1e-12)
    for rotation, partner in zip(group.rotations, group.maps, strict=True):
        np.testing.assert_allclose(projected[partner], projected @ rotation.T, atol=1e-12)


def test_forces_of_a_symmetric_model_pass_unchanged():
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.positions[0] += [0.1, 0, 0]
    answer = from_ase(EMT(), name="EMT").predict([atoms])[0]
    group = space_group(atoms)
    assert group.order == 8
    np.testing.assert_allclose(group.project_forces(answer.forces), answer.forces, atol=1e-10)
    np.testing.assert_allclose(group.project_stress(answer.stress), answer.stress, atol=1e-12)


def test_stress_of_a_cubic_crystal_becomes_isotropic():
    stress = noise(range(3))
    stress = stress + stress.T
    projected = space_group(bulk("Si")).project_stress(stress)
    np.testing.assert_allclose(projected, np.trace(stress) / 3 * np.eye(3), atol=1e-12)


def test_the_tolerance_is_the_users():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.002, seed=4)
    assert space_group(atoms, symprec=1e-5).order == 1
    assert space_group(atoms, symprec=0.05).order == 192


def test_a_loose_tolerance_gives_a_true_group():
    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(atoms.cell.array + 0.002 * noise(range(3)), scale_atoms=True)
    group = space_group(atoms, symprec=0.05)
    assert group.order == 192
    r = group.rotations
    products = np.einsum("gab,hbc->ghac", r, r).reshape(-1, 1, 9)
    assert np.abs(products - r.reshape(1, -1, 9)).max(axis=2).min(axis=1).max() < 1e-10


def test_turned_crystals_have_turned_operations():
    atoms = bulk("Si", cubic=True)
    turn = grid("random-3").rotations[2]
    forces = noise(atoms)
    straight = space_group(atoms).project_forces(forces)
    np.testing.assert_allclose(
        space_group(rotate(atoms, turn)).project_forces(forces @ turn.T), straight @ turn.T, atol=1e-10
    )


def test_slabs_keep_the_operations_of_the_plane():
    slab = fcc111("Al", (1, 1, 3), vacuum=6)
    group = space_group(slab)
    assert group.order == 12
    normal = group.rotations[:, 2]
    np.testing.assert_allclose(np.abs(normal), np.broadcast_to([0, 0, 1], (12, 3)), atol=1e-10)
    bare = fcc111("Al", (1, 1, 3))
    bare.cell[2] = 0
    assert space_group(bare).order == 12


def test_a_slab_in_a_cubic_box_does_not_mix_plane_and_normal():
    layer = Atoms("Al", cell=[4, 4, 4], pbc=[True, True, False])
    assert space_group(layer).order == 16
    assert space_group(Atoms("Al", cell=[4, 4, 4], pbc=True)).order == 48


def test_wires():
    wire = Atoms("Al", cell=[0, 0, 2.5], pbc=[False, False, True])
    assert space_group(wire).order == 16


@pytest.mark.parametrize(
    ("name", "order"),
    [("H2O", 4), ("NH3", 6), ("CH4", 24), ("C6H6", 24), ("C2H6", 12), ("CH3OH", 2), ("CO2", 16), ("CO", 8)],
)
def test_molecules_have_their_point_group(name, order):
    atoms = molecule(name)
    atoms.rotate(37, "y")
    atoms.rotate(21, (1, 2, 3))
    group = space_group(atoms, symprec=1e-3)
    assert group.order == order
    projected = group.project_forces(noise(atoms))
    np.testing.assert_allclose(group.project_forces(projected), projected, atol=1e-5)


def test_a_linear_molecule_keeps_only_forces_along_its_axis():
    atoms = Atoms("N2", [[0, 0, 0], [1.1 / np.sqrt(2), 1.1 / np.sqrt(2), 0]])
    axis = np.array([1, 1, 0]) / np.sqrt(2)
    forces = noise(atoms)
    pull = (forces[1] - forces[0]) @ axis / 2
    np.testing.assert_allclose(space_group(atoms).project_forces(forces), np.outer([-pull, pull], axis), atol=1e-12)


def test_one_atom_feels_nothing():
    for atoms in (Atoms("Al"), bulk("Al")):
        np.testing.assert_allclose(space_group(atoms).project_forces(noise(atoms)), 0, atol=1e-12)


def test_where_spglib_fails_the_error_says_what_to_change():
    atoms = bulk("Cu", cubic=True)
    atoms.positions[1] = atoms.positions[0]
    with pytest.raises(CalculationError, match="tolerance"):
        space_group(atoms)


@pytest.mark.parametrize("symprec", [0, -1, np.nan])
def test_a_tolerance_is_a_length(symprec):
    with pytest.raises(SettingsError, match="symprec"):
        space_group(bulk("Cu"), symprec=symprec)


def test_maps_are_permutations_of_like_atoms():
    atoms = bulk("NaCl", "rocksalt", a=5.6, cubic=True) * (2, 1, 1)
    group = space_group(atoms)
    for partner in itertools.chain(group.maps, group.translation_maps):
        assert sorted(partner) == list(range(len(atoms)))
        assert (atoms.numbers[partner] == atoms.numbers).all()


def test_vacuum_as_a_third_period_changes_nothing():
    slab = fcc111("Al", (1, 1, 3), vacuum=6)
    periodic = slab.copy()
    add_vacuum(periodic, 3.0)
    periodic.pbc = True
    assert space_group(periodic).order == space_group(slab).order
