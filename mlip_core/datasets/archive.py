"""ZIP files from anybody: nothing is written outside the folder, and nothing grows without bound."""

import stat
import zipfile
from pathlib import Path, PurePosixPath

from mlip_core.errors import DatasetError

MAX_FILES = 200_000
MAX_BYTES = 8_000_000_000
MAX_RATIO = 200
"""Times that the whole may grow; what is below 50 MB unpacked may grow more."""
_SMALL = 50_000_000


def unpack(archive: Path, folder: Path) -> None:
    """Extract a ZIP into an empty folder.

    Parameters
    ----------
    archive : path
        The ZIP file.
    folder : path
        Where its files go.

    Raises
    ------
    DatasetError
        If it is damaged or encrypted, names a place outside the folder, holds
        links, or unpacks to more than :data:`MAX_BYTES` or :data:`MAX_RATIO` times its size.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            members = [member for member in file.infolist() if not member.is_dir()]
            _check(members, archive.stat().st_size)
            for member in members:
                _extract(file, member, folder.joinpath(*PurePosixPath(member.filename).parts))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise DatasetError(f"The ZIP file cannot be unpacked ({error}). Pack it again, without a password.") from error


def _check(members: list[zipfile.ZipInfo], size: int) -> None:
    if len(members) > MAX_FILES:
        raise DatasetError(f"The ZIP holds {len(members)} files, at most {MAX_FILES} are read.")
    total = sum(member.file_size for member in members)
    if total > MAX_BYTES or (total > _SMALL and total > MAX_RATIO * size):
        raise DatasetError(f"The ZIP of {size / 1e6:.1f} MB would unpack to {total / 1e6:.0f} MB: that is refused.")
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in path.parts[0]:
            raise DatasetError(f"The ZIP names a file outside its own folder ({member.filename!r}): it is refused.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DatasetError(f"The ZIP holds a link ({member.filename!r}): put the file itself in.")


def _extract(file: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with file.open(member) as source, path.open("xb") as target:
        while block := source.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise DatasetError(f"{member.filename!r} in the ZIP is larger than it says: it is refused.")
            target.write(block)
