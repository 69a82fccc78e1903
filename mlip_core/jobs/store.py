"""Results and structures on disk, by their content."""

import os
import time
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ase import Atoms

from mlip_core import records
from mlip_core.errors import RecordError
from mlip_core.jobs.names import checked
from mlip_core.records import record
from mlip_core.structures import fingerprint


@record("StoredStructure")
@dataclass(frozen=True)
class StoredStructure:
    """A structure that a link can name."""

    fingerprint: str
    """Content hash: its name in links."""
    structure: Atoms
    """The structure as it was read."""
    name: str
    """What the person called it; may be empty."""


class Store:
    """Records by key under ``results/``, structures by fingerprint under ``structures/``.

    A file is written whole or not at all, and one that cannot be read counts
    as absent: it is set aside, and :meth:`problem` says what was wrong with it.

    Parameters
    ----------
    home : path
        Folder of this person's data (:func:`mlip_core.home.home`).
    """

    def __init__(self, home: str | Path) -> None:
        self.home = Path(home)
        self._results = self.home / "results"
        self._structures = self.home / "structures"

    def path(self, key: str) -> Path:
        """File of the record with this key, whether it is there or not."""
        return self._results / checked(key, "result")[:2] / f"{key}.npz"

    def has(self, key: str) -> bool:
        """Whether a record with this key is there, whole as far as its end shows."""
        return self.stamp(key) is not None

    def stamp(self, key: str) -> str | None:
        """Return what tells the record under this key from every other, also one put there before or after it.

        Returns
        -------
        str or None
            Its file and when that was written; None where none is there, whole as far as its end shows.
        """
        path = self.path(key)
        try:
            file = path.stat()
        except FileNotFoundError:
            return None
        return f"{path} {file.st_ino} {file.st_mtime_ns}" if zipfile.is_zipfile(path) else None

    def get(self, key: str) -> Any | None:
        """Return the record with this key; None where it is absent or cannot be read."""
        return _read(self.path(key))

    def put(self, key: str, record: Any) -> None:
        """Keep a record under this key, in place of an older one."""
        _write(record, self.path(key))

    def delete(self, key: str) -> None:
        """Forget the record with this key and what was wrong with it."""
        path = self.path(key)
        for file in (path, _aside(path), _reason(path)):
            file.unlink(missing_ok=True)

    def problem(self, key: str) -> str | None:
        """Why the file of this key could not be read; None where nothing was wrong."""
        try:
            return _reason(self.path(key)).read_text()
        except FileNotFoundError:
            return None

    def put_structure(self, structure: Atoms, name: str = "") -> str:
        """Keep a structure, as the most recent one.

        Returns
        -------
        str
            Its fingerprint.
        """
        mark = fingerprint(structure)
        path = self._structure_path(mark)
        if name or not path.is_file():
            _write(StoredStructure(mark, structure, name), path)
        now = time.time_ns()  # finer than the file system's own clock
        os.utime(path, ns=(now, now))
        return mark

    def has_structure(self, mark: str) -> bool:
        """Whether a structure with this fingerprint is kept."""
        return self._structure_path(mark).is_file()

    def delete_structure(self, mark: str) -> None:
        """Forget the structure with this fingerprint."""
        self._structure_path(mark).unlink(missing_ok=True)

    def get_structure(self, mark: str) -> StoredStructure | None:
        """Return the structure with this fingerprint; None where there is none."""
        return _read(self._structure_path(mark))

    def recent(self, limit: int = 20) -> list[StoredStructure]:
        """Return the structures used last, newest first."""
        paths = sorted(self._structures.glob("*.npz"), key=_modified, reverse=True)
        found = (_read(path) for path in paths[:limit])
        return [stored for stored in found if stored is not None]

    def _structure_path(self, mark: str) -> Path:
        return self._structures / f"{checked(mark, 'structure')}.npz"


def _read(path: Path) -> Any | None:
    try:
        return records.load(path)
    except FileNotFoundError:
        return None
    except RecordError as error:
        path.replace(_aside(path))
        _reason(path).write_text(str(error))
        return None


def _write(record: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}-{uuid.uuid4().hex}")
    try:
        records.save(record, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        part.with_name(part.name + ".part").unlink(missing_ok=True)
    _reason(path).unlink(missing_ok=True)
    _aside(path).unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_suffix(".damaged")


def _reason(path: Path) -> Path:
    return path.with_suffix(".reason")


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return time.time_ns()
