"""What a person brings is kept, read, read again with other keys, and found by its code."""

import io
import zipfile

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from mlip_core.datasets import TypeMapError, Units
from mlip_core.datasets.shelf import Reading, Shelf
from mlip_core.errors import DatasetError, SettingsError
from mlip_core.home import data_folder, upload_limit_mb


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


def test_an_open_file_is_copied_and_a_limit_holds(shelf, content, tmp_path):
    code = shelf.bring(io.BytesIO(content), "labelled.extxyz")
    assert code == shelf.bring(content, "labelled.extxyz")
    small = Shelf(tmp_path / "small", limit_mb=1)
    with pytest.raises(DatasetError, match=r"large\.extxyz is larger than 1 MB.*MLIP_DASHBOARD_UPLOAD_MB"):
        small.bring(io.BytesIO(b" " * 1_000_001), "large.extxyz")
    assert not list(small.folder.iterdir())
    assert not list(shelf.folder.glob(".incoming*"))


def test_the_limit_is_a_setting(monkeypatch):
    monkeypatch.delenv("MLIP_DASHBOARD_UPLOAD_MB", raising=False)
    assert upload_limit_mb() == 200
    monkeypatch.setenv("MLIP_DASHBOARD_UPLOAD_MB", "7")
    assert upload_limit_mb() == 7
    assert Shelf("anywhere").limit_mb == 7
    monkeypatch.setenv("MLIP_DASHBOARD_UPLOAD_MB", "many")
    with pytest.raises(SettingsError, match="'many'"):
        upload_limit_mb()


@pytest.fixture
def server(home, content):
    """A shelf with a data folder that holds a file, a folder, and things that are no data sets."""
    folder = data_folder()
    (folder / "large.extxyz").write_bytes(content)
    (folder / "tree").mkdir()
    (folder / "tree" / "part.extxyz").write_bytes(content)
    (folder / "notes.txt").write_text("notes")
    (folder / ".hidden.extxyz").write_bytes(content)
    (home / "outside.extxyz").write_bytes(content)
    return Shelf(home / "datasets", folder, limit_mb=1)


def test_files_of_the_server_are_listed_and_read_where_they_are(server):
    assert server.listed() == ["large.extxyz", "tree"]
    first, tree = (server.bring_listed(name) for name in server.listed())
    assert server.open(first).n_structures == server.open(tree).n_structures == 4
    assert not list(server.folder.glob("*/original*"))
    again = server.again(first, Reading(forces_key="other_forces"))
    assert server.open(again).keys["forces"] == {"other_forces": 4}
    assert {item.listed for item in server.all()} == {"large.extxyz", "tree"}
    server.delete(again)
    assert server.listed() == ["large.extxyz", "tree"]
    assert [item.listed for item in server.all()] == ["tree"]


@pytest.mark.parametrize(
    "name", ["../outside.extxyz", "/etc/passwd", "tree/part.extxyz", "notes.txt", ".hidden.extxyz", "absent.extxyz", ""]
)
def test_only_listed_names_are_opened(server, name):
    with pytest.raises(DatasetError, match="There is no data set"):
        server.bring_listed(name)
    assert server.all() == []


def test_a_shelf_without_a_data_folder_lists_nothing(shelf):
    assert shelf.listed() == []


def test_delete_takes_every_reading_and_nothing_else(shelf, content):
    first = shelf.bring(content, "labelled.extxyz")
    second = shelf.again(first, Reading(forces_key="other_forces"))
    other = shelf.bring(content, "other.extxyz")
    shelf.delete(second)
    assert [item.code for item in shelf.all()] == [other]
    for code in (first, second):
        with pytest.raises(DatasetError, match="not kept here"):
            shelf.open(code)
    with pytest.raises(DatasetError, match="deleted already"):
        shelf.delete(first)
    with pytest.raises(DatasetError, match="not here"):
        shelf.delete("../../etc")


def test_unclear_forces_are_kept_to_be_chosen(shelf, tmp_path):
    atoms = bulk("Si", cubic=True)
    rng = np.random.default_rng(0)
    for name in ("forces_a", "forces_b"):
        atoms.arrays[name] = rng.normal(size=(8, 3))
    write(tmp_path / "two.extxyz", atoms)
    code = shelf.bring((tmp_path / "two.extxyz").read_bytes(), "two.extxyz")
    assert shelf.open(code).unclear == {"forces": ("forces_a", "forces_b")}
    chosen = shelf.again(code, Reading(forces_key="forces_b"))
    np.testing.assert_allclose(shelf.open(chosen).frame(0).forces, atoms.arrays["forces_b"], atol=1e-7)


def test_a_type_map_is_asked_for_and_remembered(shelf, tmp_path):
    (tmp_path / "set.000").mkdir()
    (tmp_path / "type.raw").write_text("0 1")
    np.save(tmp_path / "set.000" / "coord.npy", np.eye(6)[:3])
    np.save(tmp_path / "set.000" / "force.npy", np.zeros((3, 6)))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("type.raw", "set.000/coord.npy", "set.000/force.npy"):
            archive.write(tmp_path / name, name)
    content = (tmp_path / "a.zip").read_bytes()
    with pytest.raises(TypeMapError, match=r"types 0, 1"):
        shelf.bring(content, "a.zip")
    assert shelf.all() == []
    code = shelf.bring(content, "a.zip", Reading(type_map=("O", "H")))
    assert shelf.open(code).elements == ("H", "O")
