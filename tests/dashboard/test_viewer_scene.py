import json

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc100, molecule
from ase.neighborlist import natural_cutoffs, neighbor_list
from ase.spacegroup import crystal
from scipy.spatial import cKDTree

from dashboard.widgets.viewer.scene import Arrows, AtomColors, bonds, images, scene

PEROVSKITE = {"spacegroup": 221, "cellpar": [4.0, 4.0, 4.0, 90, 90, 90]}


def barium_titanate():
    return crystal(["Ba", "Ti", "O"], [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0)], **PEROVSKITE)


def drawn(data, frame=0):
    """Positions as the browser computes them."""
    frames = np.reshape(data["frames"][frame], (-1, 3))
    cell = np.reshape(data["cells"][min(frame, len(data["cells"]) - 1)], (3, 3))
    return frames[data["parent"]] + np.reshape(data["shift"], (-1, 3)) @ cell


def test_atoms_on_faces_are_drawn_on_all_of_them():
    atoms = barium_titanate()
    parent, _ = images(atoms, (1, 1, 1))
    counts = dict(zip(atoms.get_chemical_symbols(), np.bincount(parent), strict=False))
    assert counts["Ba"] == 8  # corners
    assert counts["Ti"] == 1  # centre
    assert sorted(np.bincount(parent)[atoms.numbers == 8]) == [2, 2, 2]  # opposite faces


@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 2, 2), (3, 1, 2)])
def test_everything_drawn_lies_in_the_repeated_cell_and_the_inside_is_complete(repeats):
    atoms = bulk("NaCl", "rocksalt", a=5.64)
    atoms.positions += 0.21 * atoms.cell.array.sum(axis=0)
    parent, shift = images(atoms, repeats)
    fractional = atoms.cell.scaled_positions(atoms.positions[parent] + shift @ atoms.cell.array)
    assert (fractional > -1e-6).all()
    assert (fractional < np.array(repeats) + 1e-6).all()
    assert len(parent) == len(atoms) * np.prod(repeats)


def test_atoms_outside_of_the_cell_come_home():
    atoms = bulk("Si", cubic=True)
    moved = atoms.copy()
    moved.positions += 3 * atoms.cell.array[0] - 2 * atoms.cell.array[2]
    here, there = drawn(scene(atoms)), drawn(scene(moved))
    assert len(here) == len(there)
    assert cKDTree(here).query(there)[0].max() < 1e-3


def test_a_slab_is_not_repeated_across_its_vacuum_and_a_molecule_not_at_all():
    slab = fcc100("Al", (1, 1, 3), vacuum=5)
    slab.pbc = (True, True, False)
    assert scene(slab, supercell=(2, 2, 2))["repeats"] == (2, 2, 1)
    water = scene(molecule("H2O"), supercell=(2, 2, 2))
    assert water["parent"] == [0, 1, 2]
    assert not water["showCell"]


@pytest.mark.parametrize(
    ("atoms", "neighbours"),
    [
        (bulk("Si", cubic=True), 4),
        (bulk("C", cubic=True), 4),
        (bulk("NaCl", "rocksalt", a=5.64, cubic=True), 6),
        (bulk("MgO", "rocksalt", a=4.21, cubic=True), 6),
        (bulk("Al", cubic=True), 12),
    ],
)
def test_inner_atoms_have_their_coordination(atoms, neighbours):
    block = atoms * (3, 3, 3)
    middle = np.argmin(np.linalg.norm(block.positions - block.positions.mean(axis=0), axis=1))
    pairs = bonds(block.numbers, block.positions)
    assert np.sum(pairs == middle) == neighbours


def test_metals_are_not_joined_past_their_anions():
    block = barium_titanate() * (2, 2, 2)
    kinds = {frozenset(block.symbols[k] for k in pair) for pair in bonds(block.numbers, block.positions)}
    assert frozenset({"Ti", "O"}) in kinds
    assert frozenset({"Ba", "Ti"}) not in kinds


def test_water_has_two_bonds():
    water = molecule("H2O")
    assert sorted(map(sorted, bonds(water.numbers, water.positions).tolist())) == [[0, 1], [0, 2]]


def test_frames_move_all_images_along():
    atoms = bulk("Si")
    second = atoms.copy()
    second.positions += 0.1
    second.set_cell(second.cell * 1.01)
    data = scene([atoms, second])
    corners = np.array(data["parent"]) == 0
    moved = drawn(data, 1)[corners]
    expected = second.positions[0] + np.reshape(data["shift"], (-1, 3))[corners] @ second.cell.array
    assert moved == pytest.approx(expected, abs=1e-4)


def test_long_trajectories_are_thinned_and_keep_their_ends():
    atoms = bulk("NaCl", "rocksalt", a=5.64, cubic=True) * (5, 5, 5)
    frames = [atoms.copy() for _ in range(400)]
    frames[-1].positions += 0.01
    data = scene(frames)
    assert len(data["frames"]) * len(atoms) * 3 <= 600_000
    assert data["frameLabels"][0] == "0 of 399"
    assert data["frameLabels"][-1] == "399 of 399"


def test_hostile_text_stays_behind():
    atoms = molecule("H2O")
    evil = "</script><script>alert(1)</script>"
    atoms.info["comment"] = evil
    atoms.info["name"] = evil
    atoms.set_array("labels", np.array([evil] * 3))
    assert "alert" not in json.dumps(scene(atoms))


def test_colours_span_the_scale_and_name_the_ends():
    data = scene(bulk("Si"), color_by=AtomColors(values=np.array([1.0, 3.0]), label="force", unit="eV/Å"))
    assert data["colors"] == [data["colorBar"]["stops"][0], data["colorBar"]["stops"][-1]]
    assert (data["colorBar"]["low"], data["colorBar"]["high"]) == (1.0, 3.0)
    flat = scene(bulk("Si"), color_by=AtomColors(values=np.array([np.nan, 2.0]), label="x"))
    assert flat["colors"][0] != flat["colors"][1]
    json.dumps(flat, allow_nan=False)


def test_all_arrows_share_one_scale():
    long, short = np.array([[0, 0, 4.0], [0, 0, 0]]), np.array([[1.0, 0, 0], [0, 0, 0]])
    data = scene(
        bulk("Si"),
        arrows=[Arrows(vectors=long, color="#000000", label="a"), Arrows(vectors=short, color="#ffffff", label="b")],
    )
    assert data["arrows"]["scale"] == pytest.approx(1.8 / 4)
    assert (
        scene(bulk("Si"), arrows=[Arrows(vectors=short, color="#000000", label="a")], arrow_scale=2)["arrows"]["scale"]
        == 2
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"color_by": AtomColors(values=np.zeros(3), label="x")}, "values"),
        ({"arrows": [Arrows(vectors=np.zeros((3, 3)), color="#000000", label="x")]}, "arrows"),
        ({"labels": ["one"]}, "labels"),
    ],
)
def test_what_does_not_fit_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        scene(bulk("Si"), **options)


def test_frames_of_different_atoms_are_refused():
    with pytest.raises(ValueError, match="same atoms"):
        scene([bulk("Si"), bulk("Ge")])
    with pytest.raises(ValueError, match="no atom"):
        scene(Atoms())


def test_the_camera_belongs_to_the_structure_and_the_version_to_every_detail():
    silicon = bulk("Si")
    rattled = silicon.copy()
    rattled.rattle(0.01)
    assert scene(silicon)["structure"] == scene(rattled)["structure"]
    assert scene(silicon)["version"] != scene(rattled)["version"]
    assert scene(silicon)["structure"] != scene(bulk("Ge"))["structure"]


def test_two_thousand_atoms_stay_small():
    atoms = bulk("NaCl", "rocksalt", a=5.64, cubic=True) * (6, 6, 7)
    assert len(atoms) == 2016
    assert len(json.dumps(scene(atoms))) < 500_000


@pytest.mark.parametrize("order", [1, -1], ids=["pulled apart", "formed"])
def test_each_frame_has_the_bonds_of_its_own_positions(order):
    frames = [
        Atoms("OOMgMg", [[0, 0, 0], [x, 0, 0], [0, 4, 0], [1.9, 4, 0]], cell=[14, 10, 10])
        for x in np.linspace(1.25, 4.5, 12)
    ][::order]
    drawn = scene(frames)["bonds"]
    assert len(drawn) == len(frames)
    for frame, pairs in zip(frames, drawn, strict=True):
        i, j = neighbor_list("ij", frame, natural_cutoffs(frame, mult=1.2))
        metal = frame.numbers == 12
        right = {(a, b) for a, b in zip(i.tolist(), j.tolist(), strict=True) if a < b and not (metal[a] and metal[b])}
        assert {tuple(sorted(pair)) for pair in np.reshape(pairs, (-1, 2)).tolist()} == right


def test_bonds_that_stay_are_sent_once():
    water = molecule("H2O")
    frames = [water.copy() for _ in range(5)]
    frames[3].positions += 0.01
    assert len(scene(frames)["bonds"]) == 1
