"""Fetch 3Dmol.js, which draws the structures, from the package registry that npm is set up for.

``python -m mlip_core.viewing.fetch`` does it by hand; the package's
build does it by itself. Only the standard library is used here, because the
build loads this file before anything else is installed.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "3dmol@2.5.5"
STATIC = Path(__file__).with_name("static")
LIBRARY = STATIC / "3Dmol-min.js"
LICENCE = STATIC / "3Dmol-LICENSE.txt"
COMMAND = "python -m mlip_core.viewing.fetch"

CHECKSUMS = {
    LIBRARY.name: "f7cc78921ae72e7623e89cdd111434f58c2efddd2ffda1cd212644b406fb8016",
    LICENCE.name: "4c6eaaed856f3f28a3b1a98e74f4a8a71618de7d51ea4155c29f6f793bcef861",
}
"""SHA-256 of what version 2.5.5 holds."""

MEMBERS = {LIBRARY.name: "package/build/3Dmol-min.js", LICENCE.name: "package/LICENSE"}
"""Where they lie in npm's archive."""

TIMEOUT = 180
"""s"""


class FetchError(Exception):
    """3Dmol.js could not be had, or what came is not what was expected."""


def present() -> bool:
    """Tell whether the right library lies where it belongs."""
    return all(_matches(STATIC / name) for name in MEMBERS)


def fetch() -> None:
    """Put 3Dmol.js and its licence into ``static/``, unless they are there already.

    Raises
    ------
    FetchError
        If npm is missing or fails, or a checksum differs; nothing is written then.
    """
    if present():
        return
    with tempfile.TemporaryDirectory() as folder:
        contents = read_package(_npm_pack(Path(folder)))
    STATIC.mkdir(exist_ok=True)
    for name, content in contents.items():
        part = STATIC / f"{name}.part"
        part.write_bytes(content)
        part.replace(STATIC / name)


def read_package(archive: Path) -> dict[str, bytes]:
    """Take the two files out of npm's archive.

    Parameters
    ----------
    archive : Path
        The .tgz that ``npm pack`` wrote.

    Returns
    -------
    dict
        Contents by file name.

    Raises
    ------
    FetchError
        If a file is missing or its checksum differs.
    """
    contents = {}
    try:
        with tarfile.open(archive) as tar:
            for name, member in MEMBERS.items():
                file = tar.extractfile(member)
                contents[name] = b"" if file is None else file.read()
    except (tarfile.TarError, KeyError, OSError) as error:
        raise FetchError(f"{archive.name} is not the archive of {PACKAGE}: {error}") from error
    for name, content in contents.items():
        found = hashlib.sha256(content).hexdigest()
        if found != CHECKSUMS[name]:
            raise FetchError(f"{name} has checksum {found}, not {CHECKSUMS[name]}; it was not installed.")
    return contents


def _npm_pack(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is not installed.")
    try:
        command = [npm, "pack", PACKAGE, "--silent", "--ignore-scripts"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"npm pack {PACKAGE} did not finish: {error}") from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode or not archives:
        raise FetchError(f"npm pack {PACKAGE} failed: {done.stderr.strip()[-300:]}")
    return archives[0]


def _matches(path: Path) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == CHECKSUMS[path.name]


def main() -> int:
    """Fetch and say what happened."""
    try:
        fetch()
    except FetchError as error:
        print(f"3Dmol.js was not fetched: {error}", file=sys.stderr)
        return 1
    print(f"3Dmol.js is in {LIBRARY}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
