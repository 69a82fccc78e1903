"""DeePMD's npy folders, beside what dpdata reads of them, and what their maps of types leave open."""

import dpdata
import numpy as np
import pytest

from mlip_core.datasets import TypeMapError, read_dataset
from mlip_core.errors import DatasetError

WATER = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])


def system(folder, *, names=("O", "H"), types=(0, 1, 1), n=4, sets=1, real=None, seed=3):
    """Water in a box; random energies, and forces that add up to zero."""
    rng = np.random.default_rng(seed)
    for k in range(sets):
        part = folder / f"set.{k:03d}"
        part.mkdir(parents=True)
        force = rng.normal(0, 0.3, (n, 3, 3))
        np.save(part / "coord.npy", np.stack([(WATER + rng.normal(0, 0.02, (3, 3))).ravel() for _ in range(n)]))
        np.save(part / "box.npy", np.tile(np.eye(3).ravel() * 9, (n, 1)))
        np.save(part / "energy.npy", -14 + rng.normal(0, 0.1, n))
        np.save(part / "force.npy", (force - force.mean(axis=1, keepdims=True)).reshape(n, 9).astype(np.float32))
        np.save(part / "virial.npy", rng.normal(0, 1, (n, 9)))
        if real is not None:
            np.save(part / "real_atom_types.npy", np.array(real))
    (folder / "type.raw").write_text("\n".join(map(str, types)) + "\n")
    if names:
        (folder / "type_map.raw").write_text("\n".join(names) + "\n")
    return folder


def test_the_same_as_dpdata(tmp_path):
    system(tmp_path / "a", sets=2)
    theirs = dpdata.LabeledSystem(str(tmp_path / "a"), fmt="deepmd/npy").data
    ours = list(read_dataset(tmp_path / "a"))
    assert len(ours) == len(theirs["energies"]) == 8
    for k, frame in enumerate(ours):
        assert frame.atoms.get_chemical_symbols() == [theirs["atom_names"][i] for i in theirs["atom_types"]]
        np.testing.assert_allclose(frame.atoms.positions, theirs["coords"][k], atol=1e-7)
        np.testing.assert_allclose(frame.atoms.cell.array, theirs["cells"][k])
        np.testing.assert_allclose(frame.forces, theirs["forces"][k], atol=1e-7)
        assert frame.energy == pytest.approx(theirs["energies"][k])
        np.testing.assert_allclose(frame.stress, -theirs["virials"][k] / 729, rtol=1e-6)


def test_padding_of_a_mixed_system_is_left_out(tmp_path):
    system(tmp_path / "a", types=(0, 0, 0), real=[[0, 1, 1], [1, 0, 1], [0, 0, 1], [0, 1, -1]])
    formulas = [frame.atoms.get_chemical_formula("reduce") for frame in read_dataset(tmp_path / "a")]
    assert formulas == ["OH2", "HOH", "O2H", "OH"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (None, r"types 0, 1 are: it has no type_map\.raw"),
        (("OW", "HW"), r"types 0 \(OW\), 1 \(HW\) are: its type_map\.raw does not name elements"),
        (("O",), r"types 1 are"),
    ],
)
def test_types_without_elements(tmp_path, names, reason):
    odd = system(tmp_path / "tree" / "odd", names=names)
    with pytest.raises(TypeMapError, match=reason + r".*type_map=\("):
        read_dataset(odd)
    system(tmp_path / "tree" / "good")
    tree = read_dataset(tmp_path / "tree")
    assert (len(tree), tree.n_set_aside, tree.lacks_types) == (4, 4, True)
    assert [entry.where for entry in tree.set_aside] == ["odd"]
    for source in (odd, tmp_path / "tree"):
        mapped = read_dataset(source, type_map=("O", "H"))
        assert {frame.atoms.get_chemical_formula() for frame in mapped} == {"H2O"}
        assert mapped.n_set_aside == 0
        assert not mapped.lacks_types


def test_names_can_be_mapped_one_by_one(tmp_path):
    odd = system(tmp_path / "odd", names=("OW", "HW"))
    dataset = read_dataset(odd, type_map={"OW": "O", "HW": "H"})
    assert dataset.frame(0).atoms.get_chemical_symbols() == ["O", "H", "H"]
    with pytest.raises(TypeMapError, match=r"1 \(HW\)"):
        read_dataset(odd, type_map={"OW": "O"})


def test_a_map_does_not_overrule_what_a_system_says(tmp_path):
    dataset = read_dataset(system(tmp_path / "a"), type_map=("Si", "Ge"))
    assert dataset.elements == ("H", "O")


def test_deuterium_is_hydrogen_and_told(tmp_path):
    dataset = read_dataset(system(tmp_path / "a", names=("O", "D")))
    assert dataset.elements == ("H", "O")
    assert any("deuterium" in note for note in dataset.notes())


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("force", np.zeros((4, 6)), r"force\.npy has shape \(4, 6\); expected 4 frames of 3 × 3"),
        ("energy", np.zeros(3), r"energy\.npy has shape \(3,\)"),
        ("coord", np.zeros(()), r"expected numbers in coord\.npy"),
        ("box", np.array([["a"] * 9] * 4), r"expected numbers in box\.npy"),
    ],
)
def test_arrays_of_another_shape(tmp_path, name, array, message):
    odd = system(tmp_path / "tree" / "odd")
    np.save(odd / "set.000" / f"{name}.npy", array)
    with pytest.raises(DatasetError, match=message):
        read_dataset(odd)
    system(tmp_path / "tree" / "good")
    tree = read_dataset(tmp_path / "tree")
    assert (len(tree), tree.n_set_aside) == (4, 1)
