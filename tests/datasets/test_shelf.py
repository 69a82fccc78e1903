"""What a person brings is kept, read, read again with other keys, and found by its code."""

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from mlip_core.datasets import Units
from mlip_core.datasets.shelf import Reading, Shelf
from mlip_core.errors import DatasetError


@pytest.fixture
def content(tmp_path):
    frames = []
    for k in range(4):
        atoms = bulk("Si", cubic=True)
        atoms.rattle(0.05, seed=k)
        atoms.arrays["dft_forces"] = atoms.positions * 0.1
        atoms.arrays["other_forces"] = atoms.positions * 0.2
        atoms.info["dft_energy"] = float(k)
        frames.append(atoms)
    write(tmp_path / "labelled.extxyz", frames)
    return (tmp_path / "labelled.extxyz").read_bytes()


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "datasets")


def test_a_file_is_kept_and_found(shelf, content):
    code = shelf.bring(content, "labelled.extxyz")
    dataset = Shelf(shelf.folder).open(code)
    assert (dataset.n_structures, dataset.name) == (4, "labelled.extxyz")
    assert dataset.keys["forces"] == {"dft_forces": 4}
    assert shelf.bring(content, "labelled.extxyz") == code
    assert [item.code for item in shelf.all()] == [code]


def test_other_keys_and_units_are_another_reading_of_the_same_file(shelf, content):
    first = shelf.bring(content, "labelled.extxyz")
    second = shelf.again(
        first, Reading(forces_key="other_forces", units=Units.named("Ry/bohr"), level_of_theory="PBE, own code")
    )
    assert first.partition(".")[0] == second.partition(".")[0]
    one, other = shelf.open(first), shelf.open(second)
    ratio = other.frame(0).forces / one.frame(0).forces
    np.testing.assert_allclose(ratio, 2 * 13.605693 / 0.529177, rtol=1e-5)
    assert other.level_of_theory == "PBE, own code"
    assert one.structures_sha256 == other.structures_sha256
    assert [item.code for item in shelf.all()] == [second]
    with pytest.raises(DatasetError, match="missing_forces"):
        shelf.again(first, Reading(forces_key="missing_forces"))


def test_structures_without_labels_are_kept_too(shelf, tmp_path):
    write(tmp_path / "bare.extxyz", [bulk("Si", cubic=True), bulk("Al", cubic=True)])
    code = shelf.bring((tmp_path / "bare.extxyz").read_bytes(), "bare.extxyz")
    assert shelf.open(code).n_structures == 2
    assert not shelf.open(code).keys.get("forces")
    made = shelf.put([bulk("Si")] * 3, "three times silicon", place="made-here")
    assert shelf.open(made).n_structures == 3
    assert {item.name for item in shelf.all()} == {"bare.extxyz", "three times silicon"}


def test_what_cannot_be_read_leaves_nothing(shelf):
    with pytest.raises(DatasetError, match=r"model\.pt.*run code"):
        shelf.bring(b"weights", "model.pt")
    with pytest.raises(DatasetError):
        shelf.bring(b"", "empty.extxyz")
    assert shelf.all() == []
    assert not list(shelf.folder.glob("*/*"))


@pytest.mark.parametrize("code", ["", "../../etc/passwd", "a.b", "0" * 20 + "." + "f" * 20, "x/../y." + "0" * 20])
def test_a_code_names_only_what_is_on_the_shelf(shelf, code):
    with pytest.raises(DatasetError, match="not kept here"):
        shelf.open(code)
