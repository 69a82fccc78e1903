"""Supercells chosen by the distance of an atom from its images."""

import itertools

import numpy as np
import pytest
import spglib
from ase import Atoms
from ase.build import bulk, fcc111, graphene, make_supercell, molecule
from ase.neighborlist import neighbor_list

from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.phonons.cells import supercell_matrix
from mlip_core.calculations.phonons.supercells import image_distance, suggested_supercell
from mlip_core.errors import SettingsError
from mlip_core.structures.spglib_calls import quietly

RHOMBOHEDRAL = Atoms(
    "Bi2",
    cell=np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]]) * 2.4 + 0.3,
    scaled_positions=[[0.23] * 3, [0.77] * 3],
    pbc=True,
)
SKEWED = Atoms("Cu", cell=bulk("Cu").cell.array.T @ [[1, 0, 0], [1, 1, 0], [-2, 1, 1]], pbc=True)
TRICLINIC = Atoms(
    "AlSiO",
    cell=[[3.6, 0, 0], [0.5, 3.9, 0], [-0.7, 0.9, 4.8]],
    scaled_positions=[[0, 0, 0], [0.3, 0.4, 0.6], [0.7, 0.2, 0.1]],
    pbc=True,
)
CELLS = {
    "fcc": bulk("Cu"),
    "fcc, conventional": bulk("Al", cubic=True),
    "bcc": bulk("Fe"),
    "hcp": bulk("Mg"),
    "rock salt": bulk("MgO", "rocksalt", 4.21),
    "rhombohedral": RHOMBOHEDRAL,
    "skewed": SKEWED,
    "triclinic": TRICLINIC,
    "slab": fcc111("Al", (1, 1, 3), vacuum=3.0),
    "sheet": graphene(vacuum=8.0),
    "wire": Atoms("C2", cell=[2.5, 10, 10], scaled_positions=[[0, 0, 0], [0.4, 0.1, 0]], pbc=(True, False, False)),
}


def nearest_image(atoms, matrix):
    """ASE's neighbour list of one atom in the supercell: the images are its only neighbours."""
    cell = np.asarray(matrix).T @ atoms.cell.array
    alone = Atoms("H", cell=cell, pbc=atoms.pbc)
    return min(neighbor_list("d", alone, 30.0))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("length", [7.0, 12.0, 18.0])
def test_images_are_far_enough_and_the_distance_is_ases(name, length):
    atoms = CELLS[name]
    matrix = suggested_supercell(atoms, length)
    assert matrix.dtype.kind == "i"
    assert np.linalg.det(matrix) > 0.5
    assert image_distance(atoms, matrix) == pytest.approx(nearest_image(atoms, matrix), abs=1e-6)
    assert image_distance(atoms, matrix) >= length - 1e-6
    open_axes = np.flatnonzero(~atoms.pbc)
    assert np.array_equal(matrix[open_axes], np.eye(3)[open_axes])
    assert np.array_equal(matrix[:, open_axes], np.eye(3)[:, open_axes])


def test_vectors_as_long_as_asked_may_have_images_much_nearer():
    by_vectors = np.ceil(12.0 / RHOMBOHEDRAL.cell.lengths()).astype(int)
    needle = Atoms("Bi", cell=np.array([[1, 0.0, 6], [-0.5, 0.9, 6], [-0.5, -0.9, 6]]), pbc=True)
    repeats = np.ceil(12.0 / needle.cell.lengths()).astype(int)
    assert image_distance(needle, repeats) < 4
    assert image_distance(needle, suggested_supercell(needle)) >= 12
    assert image_distance(RHOMBOHEDRAL, by_vectors) == pytest.approx(nearest_image(RHOMBOHEDRAL, np.diag(by_vectors)))


@pytest.mark.parametrize("name", ["fcc", "fcc, conventional", "hcp", "rock salt", "rhombohedral", "slab"])
def test_the_point_group_is_kept(name):
    """The supercell, searched anew by spglib, has the crystal's point operations."""
    atoms = CELLS[name]
    supercell = make_supercell(atoms, suggested_supercell(atoms, 8.0).T)
    orders = []
    for one in (atoms, supercell):
        cell = (one.cell.array, one.get_scaled_positions(), one.numbers)
        found = quietly(spglib.get_symmetry_dataset, cell, symprec=1e-5)
        orders.append(len(np.unique(found.rotations, axis=0)))
    assert orders[0] == orders[1] > 1


@pytest.mark.parametrize("length", [5.0, 6.5, 8.0])
def test_no_smaller_supercell_without_symmetry(length):
    """Every sublattice of fewer cells, written down one by one, has an image nearer than asked."""
    size = round(np.linalg.det(suggested_supercell(TRICLINIC, length)))
    nearest = []
    for a, c, f in itertools.product(range(1, size), repeat=3):
        if a * c * f < size:
            for b, d, e in itertools.product(range(a), range(a), range(c)):
                nearest.append(image_distance(TRICLINIC, np.array([[a, 0, 0], [b, c, 0], [d, e, f]]).T))
    assert len(nearest) >= 8
    assert max(nearest) < length


def test_repeats_of_the_cells_own_vectors_where_they_do():
    for atoms, expected in ((bulk("Cu"), (5, 5, 5)), (bulk("Al", cubic=True), (3, 3, 3)), (bulk("Mg"), (4, 4, 3))):
        assert np.array_equal(suggested_supercell(atoms, 12.0), np.diag(expected))


def test_the_settings_use_it():
    atoms = bulk("MgO", "rocksalt", 4.21)
    matrix = supercell_matrix(atoms, PhononSettings(min_length=12.0))
    assert np.array_equal(matrix, suggested_supercell(atoms, 12.0))
    # three conventional cells along each axis: 216 atoms, where 5 × 5 × 5 primitive ones have 250
    assert abs(np.linalg.det(matrix)) == pytest.approx(108)
    assert image_distance(atoms, matrix) == pytest.approx(3 * 4.21)


def test_a_skewed_cell_has_the_bands_of_the_usual_one(gaussians):
    """One crystal in a compact and in a skewed primitive cell, no matrix given: the same frequencies."""
    settings = PhononSettings(min_length=11.1, displacement=1e-3, mesh=(2, 2, 2), n_qpoints=30)
    usual = bulk("Ar", "fcc", 5.2)
    cell = np.array([[1, 0, 0], [3, 1, 0], [-2, 4, 1]]) @ usual.cell.array
    skewed = Atoms("Ar", cell=cell, pbc=True)
    by_vectors = np.ceil(11.1 / skewed.cell.lengths()).astype(int)
    found = {
        name: phonons(atoms, gaussians, one)
        for name, atoms, one in (
            ("usual", usual, settings),
            ("skewed", skewed, settings),
            ("by vectors", skewed, PhononSettings(**{**vars(settings), "supercell_matrix": by_vectors})),
        )
    }
    points = {}
    for name, p in found.items():
        at = dict(zip(p.band_structure.labels, p.band_structure.label_indices, strict=True))
        points[name] = p.band_structure.frequencies[[at["X"], at["L"]]]
    assert points["skewed"] == pytest.approx(points["usual"], abs=2e-3)
    assert np.abs(points["by vectors"] - points["usual"]).max() > 0.1
    assert found["skewed"].image_distance >= 11.1


def test_what_cannot_be_repeated_is_refused():
    with pytest.raises(SettingsError, match="molecule"):
        suggested_supercell(molecule("H2O"))
    with pytest.raises(SettingsError, match="min_length"):
        suggested_supercell(bulk("Cu"), -1.0)
