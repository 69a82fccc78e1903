from dataclasses import replace

import numpy as np
import pytest

from mlip_core.errors import SettingsError
from mlip_core.training.settings import Crystal, Data
from mlip_core.training.structures import KINDS, generate

CONSTANTS = {"Si": 5.43, "NaCl": 5.64}


def data(**counts):
    counts = counts or dict.fromkeys(KINDS, 15)
    crystals = (
        Crystal(name="Si", formula="Si", lattice="diamond", a=5.43, counts=counts),
        Crystal(name="NaCl", formula="NaCl", lattice="rocksalt", a=5.64, counts=counts),
    )
    return Data(
        seed=7,
        strain=0.03,
        rattles=(0.01, 0.1),
        displacements=(0.02,),
        children=3,
        validation=0.2,
        test=0.2,
        crystals=crystals,
    )


def test_splits_share_no_parent_and_every_split_has_every_crystal():
    structures = generate(data(), CONSTANTS)
    homes = {}
    for atoms in structures:
        homes.setdefault(atoms.info["parent"], set()).add(atoms.info["split"])
    assert all(len(splits) == 1 for splits in homes.values())
    assert {(a.info["split"], a.info["crystal"]) for a in structures} == {
        (split, name) for split in ("train", "validation", "test") for name in CONSTANTS
    }
    assert len(structures) == 2 * 15 * len(KINDS)


def test_children_of_a_parent_share_cell_and_elements():
    children = {}
    for atoms in generate(data(), CONSTANTS):
        children.setdefault(atoms.info["parent"], []).append(atoms)
    assert children
    for first, *others in children.values():
        assert len(others) == 2
        for other in others:
            np.testing.assert_allclose(other.cell.array, first.cell.array)
            assert str(other.symbols) == str(first.symbols)


def test_a_seed_decides_everything():
    one, again = generate(data(), CONSTANTS), generate(data(), CONSTANTS)
    other = generate(replace(data(), seed=8), CONSTANTS)
    assert all(np.array_equal(a.positions, b.positions) and a.info == b.info for a, b in zip(one, again, strict=True))
    assert not np.allclose(one[0].positions.sum(), other[0].positions.sum())


def test_strain_stays_within_its_limit_and_is_used():
    cells = {a.info["parent"]: a for a in generate(data(conventional=60), CONSTANTS)}.values()
    entries = np.array([a.cell.array / CONSTANTS[a.info["crystal"]] - np.eye(3) for a in cells])
    assert np.abs(entries).max() <= 0.03 + 1e-12
    assert np.abs(entries).max() > 0.025
    np.testing.assert_allclose(entries, np.swapaxes(entries, 1, 2), atol=1e-12)


def test_single_displacements_move_one_atom_by_the_length_asked_for():
    made = generate(data(single=15), CONSTANTS)
    assert len(made) == 15 * 2, "of each crystal"
    for atoms in made:
        scaled = atoms.copy()
        scaled.set_cell(2 * np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]), scale_atoms=True)
        grid = scaled.positions / 0.25
        off = (grid - np.round(grid)) * 0.25 * np.linalg.norm(atoms.cell.array[0]) / np.sqrt(2)
        lengths = np.sort(np.linalg.norm(off, axis=1))
        assert lengths[-1] == pytest.approx(0.02)
        assert lengths[-2] == pytest.approx(0, abs=1e-9)


def test_vacancies_lack_an_atom_and_surfaces_have_a_vacuum():
    made = generate(data(vacancy=3, surface=3), CONSTANTS)
    assert {atoms.info["kind"] for atoms in made} == {"vacancy", "surface"}
    for atoms in made:
        if atoms.info["kind"] == "vacancy":
            assert len(atoms) == 15
        else:
            heights = np.sort(atoms.positions[:, 2])
            assert atoms.cell.lengths()[2] - (heights[-1] - heights[0]) > 8


def test_an_unknown_kind_is_named():
    with pytest.raises(SettingsError, match="unknown kind of structure 'molten'"):
        generate(data(molten=1), CONSTANTS)
