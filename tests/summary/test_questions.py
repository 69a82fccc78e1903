"""A full comparison asks each member what it can be asked."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk, molecule

from mlip_core.calculations.phonons.supercells import image_distance
from mlip_core.configuration import Configuration
from mlip_core.datasets.stored import StoredDataset
from mlip_core.structures import library, library_structure, standardise
from mlip_core.summary.questions import IMAGES, KINDS, questions, quick_supercell, rattled_copies
from mlip_core.symmetry.corrections import Corrections
from mlip_core.symmetry.moving import large_enough

DIRECT = Configuration(model="pet-demo", forces="direct")
CHGNET = Configuration(model="chgnet")
DATA = StoredDataset(file="rattled-0/none", sha256="0", n_structures=24, n_atoms=192)


def test_a_crystal_is_asked_everything_and_small_cells_are_repeated():
    asked = questions(library_structure("si"), (DIRECT, CHGNET), DATA, CHGNET)
    assert list(asked) == list(KINDS)
    assert {kind: len(tasks) for kind, tasks in asked.items()} == dict.fromkeys(KINDS, 2) | {"force_errors": 1}
    assert {len(asked[kind][DIRECT].subject) for kind in ("rotational_variance", "conservation")} == {8}
    assert {task.settings.displacements for task in asked["phonons"].values()} == {"full"}
    assert asked["conservation"][DIRECT].other == replace(DIRECT, forces="conservative")
    assert asked["force_errors"][DIRECT].other == CHGNET
    for tasks in asked.values():
        for task in tasks.values():
            assert len(task.key()) == 64


def test_a_line_up_that_keeps_the_laws_needs_few_displacements():
    asked = questions(library_structure("si"), (CHGNET,))
    assert asked["phonons"][CHGNET].settings.displacements == "reduced"
    assert not asked["force_errors"]


def test_a_molecule_has_no_phonons_and_a_random_frame_none_either():
    assert not questions(molecule("H2O"), (CHGNET,))["phonons"]
    framed = Configuration(model="chgnet", corrections=Corrections(rotations="random-frame"))
    asked = questions(library_structure("si"), (framed,))
    assert not asked["phonons"]
    assert not asked["conservation"][framed].settings.jacobian


def test_a_member_that_does_not_know_an_element_is_asked_nothing():
    asked = questions(library_structure("tio2"), (DIRECT, CHGNET), DATA)
    assert {member for tasks in asked.values() for member in tasks} == {CHGNET}


CRYSTALS = [item.id for item in library() if library_structure(item.id).pbc.all()]


@pytest.mark.parametrize("name", CRYSTALS)
def test_the_quick_supercell_is_large_enough_and_not_larger(name):
    cell = standardise(library_structure(name))
    repeats = np.array(quick_supercell(cell))
    assert image_distance(cell, repeats) >= IMAGES
    shorter = [repeats - axis for axis in np.eye(3, dtype=int)]
    assert any(n.min() < 1 or image_distance(cell, n) < IMAGES for n in shorter)
    assert len(cell) * repeats.prod() <= 130


def test_copies_are_rattled_by_four_widths_and_say_so():
    copies = rattled_copies(bulk("Al", a=4.05))
    assert {len(atoms) for atoms in copies} == {8}
    assert len(copies) == 24
    widths = {atoms.info["rattle"] for atoms in copies}
    assert widths == {"0.02 Å", "0.05 Å", "0.1 Å", "0.15 Å"}
    perfect = large_enough(bulk("Al", a=4.05)).positions
    for width in widths:
        moves = [atoms.positions - perfect for atoms in copies if atoms.info["rattle"] == width]
        assert np.std(moves) == pytest.approx(float(width.split()[0]), rel=0.2)
