"""PBE bands beside other bands: the stored force constants, the change of cell, what is compared where."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk, make_supercell, molecule
from ase.calculators.lj import LennardJones
from scipy.spatial.transform import Rotation

from mlip_core import from_ase
from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.phonons.reference_bands import (
    difference_to_reference,
    reference_bands,
    reference_crystal,
    stored_crystals,
)
from mlip_core.reference.pbe import reference_materials, reference_phonons, reference_supercells
from mlip_core.structures import library_structure

LIBRARY = {"si": "Si", "diamond": "C", "sic": "SiC", "al": "Al", "cu": "Cu", "mgo": "MgO", "nacl": "NaCl", "lif": "LiF"}


def on_its_path(structure):
    """A calculation in whatever cell, and the reference on its path."""
    model = from_ase(LennardJones(sigma=1.9, epsilon=0.1, rc=5.0), name="any forces: only path and cells matter here")
    result = phonons(structure, model, PhononSettings(supercell_matrix=(2, 1, 1), mesh=(2, 2, 2), n_qpoints=60))
    return result, reference_bands(reference_crystal(structure), result)


def turned(atoms):
    matrix = Rotation.from_euler("xyz", [0.4, 0.7, 1.1]).as_matrix()
    atoms.set_cell(atoms.cell.array @ matrix.T, scale_atoms=True)
    return atoms


@pytest.mark.parametrize("name", ["Si", "Al", "MgO"])
def test_what_is_stored_is_what_the_forces_give(name):
    stored = next(one for one in stored_crystals() if one.name == name)
    made = reference_phonons(name, supercell=reference_supercells(name)[-1], mesh=5.0, n_qpoints=20)
    np.testing.assert_allclose(stored.force_constants, made.force_constants, atol=1e-7)
    np.testing.assert_array_equal(stored.supercell_matrix, made.supercell_matrix)
    np.testing.assert_array_equal(stored.lattice.multiplicity, made.lattice.multiplicity)


def test_the_materials_are_found_by_formula_and_space_group():
    assert {one.name for one in stored_crystals()} == set(reference_materials())
    for id, name in LIBRARY.items():
        assert reference_crystal(library_structure(id)).name == name
        assert reference_crystal(turned(library_structure(id) * (2, 1, 1))).name == name
    for other in (
        library_structure("ge"),
        bulk("C", "fcc", a=2.2),
        bulk("MgO", "cesiumchloride", a=2.6),
    ):
        assert reference_crystal(other) is None
    assert reference_crystal(molecule("C2H6")) is None


@pytest.mark.parametrize("name", ["Al", "SiC", "Si"])
def test_bands_do_not_depend_on_the_cell_of_the_path(name):
    lattice, a = {"Al": ("fcc", 4.05), "SiC": ("zincblende", 4.36), "Si": ("diamond", 5.43)}[name]
    primitive = bulk(name, lattice, a=a)
    _, plain = on_its_path(primitive)
    slanted = make_supercell(primitive, [[1, 0, 0], [1, 1, 0], [-1, 2, 1]])
    for cell in (turned(bulk(name, lattice, a=a, cubic=True)), turned(slanted)):
        result, found = on_its_path(cell)
        assert found.bands.labels == plain.bands.labels
        np.testing.assert_allclose(found.bands.distances, plain.bands.distances, atol=1e-8)
        np.testing.assert_allclose(found.bands.frequencies, plain.bands.frequencies, atol=1e-6)
        assert found.bands.frequencies.shape == result.band_structure.frequencies.shape


def test_bands_are_those_of_phonopy_at_every_q_of_the_path():
    made = reference_phonons("SiC", mesh=5.0, n_qpoints=40)
    found = reference_bands(reference_crystal(made.structure), made)
    np.testing.assert_allclose(found.bands.frequencies, made.band_structure.frequencies, atol=1e-4)


def test_exact_points_are_those_that_the_supercell_holds():
    _, small = on_its_path(library_structure("mgo"))
    assert set(small.exact_labels) == {"Γ", "X", "L"}
    assert len(reference_supercells("MgO")) == 1


def test_differences_are_counted_where_they_are():
    _, found = on_its_path(library_structure("mgo"))
    same = difference_to_reference(found.bands, found)
    assert same.exact_mae == same.path_mae == 0
    assert same.highest == pytest.approx(found.bands.frequencies.max())
    frequencies = found.bands.frequencies.copy()
    frequencies[[k for k, name in zip(found.exact, found.exact_labels, strict=True) if name == "X"], 5] += 0.3
    frequencies[found.exact[found.exact_labels.index("Γ")], :3] += 5
    moved = difference_to_reference(replace(found.bands, frequencies=frequencies), found)
    assert moved.exact_max == pytest.approx(0.3)
    assert moved.exact_mae == pytest.approx(0.3 / (3 + 6 + 6))
    assert moved.path_mae > 0
