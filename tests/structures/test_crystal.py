"""Symmetry against the International Tables, standard cells, fingerprints, close atoms by brute force."""

import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, graphene, molecule
from ase.spacegroup import crystal

from mlip_core.errors import SettingsError, StructureError
from mlip_core.structures import (
    fingerprint,
    library,
    library_structure,
    read_structure,
    standardise,
    symmetries,
    symmetry,
    validate,
    write_structure,
)

KNOWN = {
    "si": ("Fd-3m", 227, "m-3m", "cubic", "aa", 48),
    "diamond": ("Fd-3m", 227, "m-3m", "cubic", "aa", 48),
    "ge": ("Fd-3m", 227, "m-3m", "cubic", "aa", 48),
    "al": ("Fm-3m", 225, "m-3m", "cubic", "a", 48),
    "cu": ("Fm-3m", 225, "m-3m", "cubic", "a", 48),
    "na": ("Im-3m", 229, "m-3m", "cubic", "a", 48),
    "mg": ("P6_3/mmc", 194, "6/mmm", "hexagonal", "dd", 24),
    "mgo": ("Fm-3m", 225, "m-3m", "cubic", "ab", 48),
    "nacl": ("Fm-3m", 225, "m-3m", "cubic", "ab", 48),
    "lif": ("Fm-3m", 225, "m-3m", "cubic", "ab", 48),
    "sic": ("F-43m", 216, "-43m", "cubic", "ac", 24),
    "gaas": ("F-43m", 216, "-43m", "cubic", "ac", 24),
    "zno": ("P6_3mc", 186, "6mm", "hexagonal", "bbbb", 12),
    "caf2": ("Fm-3m", 225, "m-3m", "cubic", "acc", 48),
    "batio3": ("Pm-3m", 221, "m-3m", "cubic", "abccc", 48),
    "srtio3": ("Pm-3m", 221, "m-3m", "cubic", "abccc", 48),
    "tio2": ("P4_2/mnm", 136, "4/mmm", "tetragonal", "aaffff", 16),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_space_groups_at_both_tolerances(name):
    for found in symmetries(library_structure(name)):
        expected = KNOWN[name]
        assert (found.international, found.number, found.point_group, found.crystal_system) == expected[:4]
        assert "".join(found.wyckoff) == expected[4]
        assert found.n_operations == expected[5]
    assert [found.symprec for found in symmetries(library_structure(name))] == [1e-5, 1e-2]


@pytest.mark.parametrize(
    ("number", "cellpar", "system"),
    [(2, [5, 6, 7, 80, 95, 103], "triclinic"), (14, [5, 6, 7, 90, 101, 90], "monoclinic"), (62, [5, 6, 7, 90, 90, 90], "orthorhombic"), (167, [6, 6, 9, 90, 90, 120], "trigonal")],
)  # fmt: skip
def test_the_other_crystal_systems(number, cellpar, system):
    found = symmetry(crystal("Si", [(0.13, 0.21, 0.07)], spacegroup=number, cellpar=cellpar))
    assert (found.number, found.crystal_system) == (number, system)


def test_a_supercell_counts_its_translations_and_a_drift_shows_at_the_tight_tolerance_only():
    atoms = bulk("Al", cubic=True).repeat((2, 1, 1))
    assert symmetry(atoms).n_operations == 16 * 8  # the cell of two cubes keeps 16 of 48 rotations, and 8 translations
    assert len(set(symmetry(atoms).equivalent_atoms)) == 1
    atoms.positions[0, 0] += 1e-3
    tight, loose = symmetries(atoms)
    assert loose.number == 225
    assert tight.number < 225


@pytest.mark.parametrize(
    "atoms", [molecule("CO2"), graphene(vacuum=5), Atoms("H", cell=[5, 5, 5], pbc=[True, False, False])]
)
def test_what_is_no_crystal_has_no_space_group_and_no_standard_cell(atoms):
    assert symmetries(atoms) == (None, None)
    with pytest.raises(StructureError, match="standard cell"):
        standardise(atoms)


@pytest.mark.parametrize("symprec", [0, -1e-5, float("nan"), float("inf")])
def test_tolerances_that_are_none(symprec):
    with pytest.raises(SettingsError, match="symprec"):
        symmetry(bulk("Si"), symprec)
    with pytest.raises(SettingsError, match="symprec"):
        standardise(bulk("Si"), symprec=symprec)


def test_what_spglib_cannot_do_is_said_without_a_warning():
    with pytest.raises(StructureError, match="smaller tolerance"):
        symmetry(Atoms("H2", [[0, 0, 0], [0, 0, 0.6]], cell=[3, 3, 3], pbc=True), 2.0)


@pytest.mark.parametrize("name", KNOWN)
def test_standard_cells_are_right_handed_and_hold_the_same_crystal(name):
    atoms = library_structure(name).repeat((2, 1, 1))
    atoms.rotate(37, (1, 2, 3), rotate_cell=True)
    per_atom = atoms.get_volume() / len(atoms)
    for cell in ("primitive", "conventional"):
        standard = standardise(atoms, cell=cell)
        assert np.linalg.det(standard.cell.array) > 0
        assert standard.get_volume() / len(standard) == pytest.approx(per_atom, rel=1e-6)
        assert symmetry(standard).number == KNOWN[name][1]
        np.testing.assert_allclose(standardise(standard, cell=cell).cell.array, standard.cell.array, atol=1e-6)
    assert len(standardise(atoms)) == len(library_structure(name))


def test_standard_cells_of_silicon_and_of_a_left_handed_cell():
    assert len(standardise(bulk("Si"), cell="conventional")) == 8
    left = Atoms("Si", cell=[[0, 5, 0], [5, 0, 0], [0, 0, 7]], pbc=True)
    assert np.linalg.det(left.cell.array) < 0
    assert np.linalg.det(standardise(left).cell.array) > 0
    with pytest.raises(SettingsError, match="primitive"):
        standardise(bulk("Si"), cell="niggli")


def test_elements_alone_tell_atoms_apart():
    atoms = bulk("Fe", cubic=True)
    atoms.set_initial_magnetic_moments([2, -2])
    atoms.set_tags([1, 2])
    assert symmetry(atoms).number == 229
    assert len(standardise(atoms)) == 1


@pytest.mark.parametrize("entry", library(), ids=lambda entry: entry.id)
def test_fingerprints_ignore_formatting_and_feel_a_millionth_of_an_angstrom(entry):
    atoms = library_structure(entry.id)
    name = fingerprint(atoms)
    assert len(name) == 32
    assert fingerprint(read_structure(write_structure(atoms, "extxyz").encode())) == name
    noisy = atoms.copy()
    noisy.positions += 1e-13
    noisy.info["name"], noisy.arrays["tags"] = "other", np.arange(len(atoms))
    noisy.set_masses([1.0] * len(atoms))
    assert fingerprint(noisy) == name
    for change in (move_atom, strain, swap_element, wrap_away, flip_periodicity):
        other = atoms.copy()
        change(other)
        assert fingerprint(other) != name, change


def move_atom(atoms):
    atoms.positions[-1, 1] += 1e-6


def strain(atoms):
    atoms.cell[0, 0] += 1e-6


def swap_element(atoms):
    atoms.numbers[0] += 1


def wrap_away(atoms):
    atoms.positions[0] += atoms.cell[0] + 10 * (not atoms.cell.any())


def flip_periodicity(atoms):
    atoms.pbc[0] = not atoms.pbc[0]


def test_the_order_of_atoms_matters_and_minus_zero_does_not():
    atoms = bulk("NaCl", "rocksalt", a=5.6)
    assert fingerprint(atoms[::-1]) != fingerprint(atoms)
    zero = Atoms("H", [[0.0, 0.0, 0.0]])
    assert fingerprint(Atoms("H", [[-0.0, -1e-12, 0.0]])) == fingerprint(zero)


def test_the_fingerprint_of_a_structure_does_not_change_between_versions():
    assert fingerprint(Atoms("Si2", [[0, 0, 0], [1.25, 1.25, 1.25]], cell=[5, 5, 5], pbc=True)) == FIXED


FIXED = "b75d7b7868bfbaf72ac4e1301482c83b"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e12])
def test_what_is_not_finite_has_no_fingerprint(value):
    with pytest.raises(StructureError, match="fingerprint"):
        fingerprint(Atoms("H", [[0, 0, value]]))


def test_close_atoms_are_found_as_by_brute_force():
    rng = np.random.default_rng(7)
    shifts = np.array(list(itertools.product(range(-7, 8), repeat=3)))
    outcomes = set()
    for _ in range(40):
        pbc = rng.random(3) < 0.7
        cell = np.eye(3) * rng.choice([2.0, 4.0]) + rng.uniform(-0.8, 0.8, size=(3, 3))
        atoms = Atoms("H6", positions=rng.uniform(-3, 3, size=(6, 3)), cell=cell, pbc=pbc)
        images = shifts[(shifts[:, ~pbc] == 0).all(axis=1)] @ cell
        steps = atoms.positions[:, None, None] - atoms.positions[None, :, None] + images
        lengths = np.linalg.norm(steps, axis=-1)
        nearest = lengths[lengths > 1e-9].min()
        try:
            validate(atoms)
            refused = ""
        except StructureError as error:
            refused = str(error)
        assert bool(refused) == (nearest < 0.5), (nearest, refused)
        if "apart" in refused:
            assert f"{nearest:.3f} Å" in refused
        outcomes.add(bool(refused))
    assert outcomes == {True, False}


def test_the_same_structure_is_searched_once_at_each_tolerance(monkeypatch):
    from mlip_core.structures import crystal

    asked, ask = [], crystal.ask
    monkeypatch.setattr(crystal, "ask", lambda *what: asked.append(what[-1]) or ask(*what))
    atoms = bulk("Si", a=5.4321, cubic=True)
    for _ in range(3):
        assert [crystal.symmetry(atoms.copy(), symprec).number for symprec in (1e-5, 1e-2)] == [227, 227]
    assert asked == [1e-5, 1e-2]
    atoms.numbers[0] = 32
    assert crystal.symmetry(atoms).number == 215
