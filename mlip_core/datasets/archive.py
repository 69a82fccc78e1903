"""ZIP and tar files from anybody: nothing is written outside the folder, and nothing grows without bound."""

import errno
import gzip
import stat
import tarfile
import zipfile
import zlib
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from mlip_core.errors import DatasetError

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
MAX_FILES = 200_000
MAX_BYTES = 8_000_000_000
MAX_RATIO = 200
"""Times that the whole may grow; what is below 50 MB unpacked may grow more."""
_SMALL = 50_000_000
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO)


class _Member(NamedTuple):
    name: str
    """Path within the archive, as the archive says."""
    size: int
    """Bytes, as the archive says."""
    link: bool
    """Not a plain file."""


def is_archive(name: str) -> bool:
    """Whether a file of this name is unpacked before it is read."""
    return name.lower().endswith(ENDINGS)


def unpack_archive(archive: Path, folder: Path, name: str) -> None:
    """Extract a ZIP or tar file into an empty folder.

    Parameters
    ----------
    archive : path
        The file.
    folder : path
        Where its files go.
    name : str
        Its name: the ending says what it is.

    Raises
    ------
    DatasetError
        If it is damaged or encrypted, names a place outside the folder, holds
        links, or unpacks to more than :data:`MAX_BYTES` or :data:`MAX_RATIO` times its size.
    """
    unpack_one, kind = (_unpack_zip, "ZIP") if name.lower().endswith(".zip") else (_unpack_tar, "tar")
    try:
        unpack_one(archive, folder)
    except DatasetError:
        raise
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            raise
        raise _damaged(kind, error) from error
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, LZMAError, RuntimeError, EOFError, ValueError) as error:
        raise _damaged(kind, error) from error


def _damaged(kind: str, error: Exception) -> DatasetError:
    reason = (str(error).splitlines() or ["it ends too early"])[0].rstrip(":")
    reason = "its content is damaged" if isinstance(error, gzip.BadGzipFile | zlib.error) else reason
    return DatasetError(f"The {kind} file cannot be unpacked ({reason}). Pack it again, without a password.")


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        members = [member for member in file.infolist() if not member.is_dir()]
        plain = [_Member(m.filename, m.file_size, stat.S_ISLNK(m.external_attr >> 16)) for m in members]
        _check_size(len(plain), sum(member.size for member in plain), archive)
        for member in plain:
            _check(member)
        for entry, member in zip(members, plain, strict=True):
            with file.open(entry) as source:
                _extract(source, member, folder)


def _unpack_tar(archive: Path, folder: Path) -> None:
    """Extract one member after the other; what it grows to is known only on the way."""
    n = total = 0
    with tarfile.open(archive) as file:
        for entry in file:
            if entry.isdir():
                continue
            n, total = n + 1, total + entry.size
            member = _Member(entry.name, entry.size, not entry.isreg())
            _check_size(n, total, archive)
            _check(member)
            source = file.extractfile(entry)
            if source is not None:
                _extract(source, member, folder)
        while file.fileobj is not None and file.fileobj.read(1 << 20):  # to its end, where the checksum is
            total += 1 << 20
            _check_size(n, total, archive)


def _check_size(n: int, total: int, archive: Path) -> None:
    size = archive.stat().st_size
    if n > MAX_FILES:
        raise DatasetError(f"The archive holds more than {MAX_FILES} files: that is refused.")
    if total > MAX_BYTES or (total > _SMALL and total > MAX_RATIO * size):
        raise DatasetError(f"The archive of {size / 1e6:.1f} MB would unpack to {total / 1e6:.0f} MB: that is refused.")


def _check(member: _Member) -> None:
    path = PurePosixPath(member.name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in member.name or ":" in path.parts[0]:
        raise DatasetError(f"The archive names a file outside its own folder ({member.name!r}): it is refused.")
    if member.link:
        raise DatasetError(f"The archive holds a link ({member.name!r}): put the file itself in.")


def _extract(source: IO[bytes], member: _Member, folder: Path) -> None:
    path = folder.joinpath(*PurePosixPath(member.name).parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    left = member.size
    with path.open("xb") as target:
        while block := source.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise DatasetError(f"{member.name!r} in the archive is larger than it says: it is refused.")
            target.write(block)
