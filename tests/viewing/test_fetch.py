import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from mlip_core.viewing import fetch

ROOT = Path(__file__).parents[2]


def archive(path, contents):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(fetch.MEMBERS[name])
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def pinned(monkeypatch, tmp_path):
    """Other contents with their own checksums, and an empty folder to put them."""
    contents = {name: f"content of {name}".encode() for name in fetch.MEMBERS}
    monkeypatch.setattr(fetch, "CHECKSUMS", {n: hashlib.sha256(c).hexdigest() for n, c in contents.items()})
    monkeypatch.setattr(fetch, "STATIC", tmp_path / "static")
    return contents


def test_what_was_pinned_is_installed_once(pinned, monkeypatch, tmp_path):
    calls = []

    def pack(folder):
        calls.append(folder)
        return archive(folder / "3dmol.tgz", pinned)

    monkeypatch.setattr(fetch, "_npm_pack", pack)
    fetch.fetch()
    fetch.fetch()
    assert len(calls) == 1
    assert {path.name: path.read_bytes() for path in fetch.STATIC.iterdir()} == pinned


def test_other_contents_are_refused_and_nothing_is_written(pinned, monkeypatch):
    name = next(iter(pinned))
    changed = pinned | {name: pinned[name] + b" and more"}
    monkeypatch.setattr(fetch, "_npm_pack", lambda folder: archive(folder / "3dmol.tgz", changed))
    with pytest.raises(fetch.FetchError, match="checksum"):
        fetch.fetch()
    assert not fetch.STATIC.exists()
    assert not fetch.present()


def test_a_damaged_file_is_fetched_again(pinned, monkeypatch):
    monkeypatch.setattr(fetch, "_npm_pack", lambda folder: archive(folder / "3dmol.tgz", pinned))
    fetch.STATIC.mkdir()
    name = next(iter(pinned))
    (fetch.STATIC / name).write_bytes(b"half")
    fetch.fetch()
    assert (fetch.STATIC / name).read_bytes() == pinned[name]


def test_something_else_is_not_an_archive(tmp_path):
    path = tmp_path / "x.tgz"
    path.write_bytes(b"not an archive")
    with pytest.raises(fetch.FetchError, match="not the archive"):
        fetch.read_package(path)


def test_without_npm_the_build_goes_on_and_says_so(tmp_path):
    code = (
        "import hatch_build, pathlib\n"
        "module = hatch_build.fetcher()\n"
        f"module.STATIC = pathlib.Path({str(tmp_path)!r})\n"
        "hatch_build.fetcher = lambda: module\n"
        "hatch_build.fetch_quietly()\n"
        "print('built')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "built\n"
    assert "npm is not installed" in done.stderr
    assert fetch.COMMAND in done.stderr
    assert not list(tmp_path.iterdir())


def test_no_host_is_named():
    for path in (ROOT / "hatch_build.py", Path(fetch.__file__)):
        assert "://" not in path.read_text(encoding="utf-8")
