"""tar files are read as ZIP files are, and with the same distrust."""

import io
import tarfile

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

from mlip_core.datasets import read_dataset
from mlip_core.datasets.shelf import Shelf
from mlip_core.errors import DatasetError


@pytest.fixture
def content():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=1)
    atoms.calc = EMT()
    atoms.get_forces()
    out = io.StringIO()
    write(out, atoms, format="extxyz")
    return out.getvalue().encode()


def tar(*members, mode="w:gz"):
    """Pack (name, content or TarInfo)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, what in members:
            info = what if isinstance(what, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = b"" if isinstance(what, tarfile.TarInfo) else what
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    ("ending", "mode"),
    [(".tar", "w"), (".tar.gz", "w:gz"), (".tgz", "w:gz"), (".tar.xz", "w:xz"), (".tar.bz2", "w:bz2")],
)
def test_every_compression(tmp_path, content, ending, mode):
    packed = tar(("set/a.extxyz", content), ("set/readme.md", b"text"), mode=mode)
    dataset = read_dataset(packed, f"data{ending}")
    assert (len(dataset), dataset.frame(0).tags["source"]) == (1, "set/a.extxyz")
    shelf = Shelf(tmp_path)
    code = shelf.bring(packed, f"data{ending}")
    assert shelf.open(code).n_structures == 1


@pytest.mark.parametrize("name", ["../evil.extxyz", "/etc/evil.extxyz", "a/../../evil.extxyz", "C:/evil.extxyz"])
def test_places_outside(content, name):
    with pytest.raises(DatasetError, match="outside its own folder"):
        read_dataset(tar((name, content)), "a.tar.gz")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_what_is_no_plain_file(kind):
    link = tarfile.TarInfo("a.extxyz")
    link.type, link.linkname = kind, "/etc/passwd"
    with pytest.raises(DatasetError, match="link"):
        read_dataset(tar(("a.extxyz", link)), "a.tar.gz")


def test_a_bomb():
    with pytest.raises(DatasetError, match="would unpack to 60 MB"):
        read_dataset(tar(("a.extxyz", b"0" * 60_000_000)), "a.tar.gz")


@pytest.mark.parametrize("packed", [b"no archive", b"", b"\x1f\x8b\x08" + b"\x00" * 40])
def test_damaged(packed):
    with pytest.raises(DatasetError, match=r"tar file cannot be unpacked|no labelled structures"):
        read_dataset(packed, "a.tar.gz")


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
def test_a_changed_byte_is_found_by_the_checksum(content, mode):
    """Else numbers that are not the sender's would be read."""
    packed = bytearray(tar(("a.extxyz", content * 50), mode=mode))
    if mode == "w:gz":
        packed[-8] ^= 1
    else:
        packed[len(packed) // 2] ^= 1
    with pytest.raises(DatasetError, match="tar file cannot be unpacked"):
        read_dataset(bytes(packed), f"a.tar{mode.replace('w:', '.')}")


def test_the_same_name_twice(content):
    with pytest.raises(DatasetError, match="cannot be unpacked"):
        read_dataset(tar(("a.extxyz", content), ("a.extxyz", content)), "a.tar")
