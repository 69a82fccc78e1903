import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import legendre
from scipy.spatial.transform import Rotation

from mlip_core.errors import SettingsError
from mlip_core.models import from_ase
from mlip_core.symmetry.rotations import LEBEDEV_DEGREES, grid, relative_angles, rotate, rotate_back

GROUPS = ("tetrahedral", "octahedral", "icosahedral")
EXACT = [*GROUPS, "lebedev-3", "lebedev-5", "lebedev-9"]
INEXACT = {"tetrahedral": 3, "octahedral": 4, "icosahedral": 6, "lebedev-3": 4, "lebedev-5": 6, "lebedev-9": 10}
quaternions = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1)


def largest_mean(g, degree):
    """Largest mean over the grid of P_l(n · R m) over many n, m: a combination of all Wigner elements of degree l."""
    rng = np.random.default_rng(degree)
    n, m = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in rng.normal(size=(2, 40, 3)))
    t = np.einsum("na,kab,mb->knm", n, g.rotations, m)
    values = legendre.legval(t, np.eye(degree + 1)[degree])
    return np.abs(np.einsum("k,knm->nm", g.weights, values)).max()


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("tetrahedral", 12),
        ("octahedral", 24),
        ("icosahedral", 60),
        ("lebedev-3", 24),
        ("lebedev-5", 84),
        ("random-9", 9),
    ],
)
def test_grids_are_proper_rotations_with_weights(name, size):
    g = grid(name, inversion=True)
    assert g.rotations.shape == (size, 3, 3)
    assert g.operations.shape == (2 * size, 3, 3)
    np.testing.assert_allclose(np.linalg.det(g.rotations), 1)
    np.testing.assert_allclose(
        g.rotations @ g.rotations.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (size, 3, 3)), atol=1e-12
    )
    assert g.weights.min() > 0
    assert g.weights.sum() == pytest.approx(1)
    assert g.operation_weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", GROUPS)
def test_groups_are_closed(name):
    r = grid(name).rotations
    products = np.einsum("kab,lbc->klac", r, r).reshape(-1, 1, 9)
    assert np.abs(products - r.reshape(1, -1, 9)).max(axis=2).min(axis=1).max() < 1e-12


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("generic", [False, True])
def test_grids_average_what_they_claim_and_no_more(name, generic):
    g = grid(name).generic() if generic else grid(name)
    for degree in range(1, g.degree + 1):
        assert largest_mean(g, degree) < 1e-12
    assert largest_mean(g, INEXACT[name]) > 0.02


def test_odd_degrees_that_groups_average_too():
    assert largest_mean(grid("tetrahedral"), 5) < 1e-12
    assert max(largest_mean(grid("octahedral"), degree) for degree in (5, 7)) < 1e-12
    assert largest_mean(grid("icosahedral"), 7) < 1e-12


def test_no_lebedev_rule_with_negative_weights_is_offered():
    assert not {13, 25, 27} & set(LEBEDEV_DEGREES)
    for degree in LEBEDEV_DEGREES[:8]:
        assert grid(f"lebedev-{degree}").weights.min() > 0


def test_random_rotations_are_fixed_and_uniform():
    first = grid("random-2000")
    assert np.array_equal(first.rotations, grid.__wrapped__("random-2000").rotations)
    assert first.degree is None
    angles = relative_angles(first.rotations)[0, 1:]
    edges = np.linspace(0, np.pi, 9)
    share, _ = np.histogram(angles, edges)
    haar = np.diff(edges - np.sin(edges)) / np.pi  # density (1 - cos θ) / π
    np.testing.assert_allclose(share / len(angles), haar, atol=0.03)


@pytest.mark.parametrize(
    "name", ["cubic", "lebedev-4", "lebedev-13", "lebedev-", "random-0", "random-x", "random--3", ""]
)
def test_unknown_grids_say_what_there_is(name):
    with pytest.raises(SettingsError, match="choose"):
        grid(name)


@given(quaternions, st.booleans())
def test_turning_and_turning_back(q, improper):
    operation = Rotation.from_quat(q).as_matrix() * (-1 if improper else 1)
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=3)
    turned = rotate(atoms, operation)
    assert turned.cell.volume == pytest.approx(atoms.cell.volume)
    assert np.linalg.det(turned.cell.array) > 0
    np.testing.assert_allclose(turned.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-9)
    model = from_ase(EMT(), name="EMT")
    here, there = model.predict([atoms, turned])
    back = rotate_back(there, operation)
    assert back.energy == pytest.approx(here.energy, abs=1e-8)
    np.testing.assert_allclose(back.forces, here.forces, atol=1e-8)
    np.testing.assert_allclose(back.stress, here.stress, atol=1e-9)


def test_inverting_positions_keeps_the_lattice():
    atoms = bulk("GaAs", "zincblende", a=5.65)
    turned = rotate(atoms, -np.eye(3))
    np.testing.assert_array_equal(turned.positions, -atoms.positions)
    np.testing.assert_array_equal(turned.cell.array, atoms.cell.array)


def test_turning_leaves_the_original_and_drops_constraints():
    from ase.constraints import FixAtoms

    atoms = molecule("H2O")
    atoms.set_constraint(FixAtoms([0, 1, 2]))
    before = atoms.positions.copy()
    turned = rotate(atoms, grid("octahedral").rotations[5])
    np.testing.assert_array_equal(atoms.positions, before)
    assert not turned.constraints
    assert np.abs(turned.positions - before).max() > 0.1


def test_relative_angles():
    r = Rotation.from_euler("z", [[0], [30], [200]], degrees=True).as_matrix()
    np.testing.assert_allclose(np.degrees(relative_angles(r)), [[0, 30, 160], [30, 0, 170], [160, 170, 0]], atol=1e-5)
