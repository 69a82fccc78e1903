"""The data sets a person brought: the file as it came, and what was read of it, side by side on disk."""

import hashlib
import io
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath
from typing import IO, Any

from ase import Atoms

from mlip_core.datasets.archive import ENDINGS as ARCHIVES
from mlip_core.datasets.archive import is_archive
from mlip_core.datasets.dataset import Dataset, open_dataset
from mlip_core.datasets.deepmd import TypeMapError
from mlip_core.datasets.read import dataset_of, read_dataset
from mlip_core.datasets.sources import READERS
from mlip_core.datasets.units import Units
from mlip_core.errors import DatasetError
from mlip_core.home import upload_limit_mb
from mlip_core.progress import Progress, silent

_CODE = re.compile(r"[0-9a-z-]{1,40}\.[0-9a-f]{20}")
_NOTE = "brought.json"
_BLOCK = 1 << 20
_KEYS = ("energy_key", "forces_key", "stress_key", "units")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the numbers of a file are understood; None lets the reader find the key, "" leaves the quantity out."""

    energy_key: str | None = None
    """Key of the total energies; None lets the reader find it, "" leaves energies out."""
    forces_key: str | None = None
    """Key of the forces; None lets the reader find it."""
    stress_key: str | None = None
    """Key of the stresses or virials; None lets the reader find it, "" leaves them out."""
    units: Units = field(default_factory=Units)
    """Units that the numbers of the file are declared to have."""
    level_of_theory: str | None = None
    """Functional and code, remembered."""
    type_map: tuple[str, ...] | None = None
    """Elements of the types 0, 1, … of DeePMD systems that do not say them."""


@dataclass(frozen=True)
class Brought:
    """One data set on the shelf."""

    code: str
    """Names it in an address; read by :meth:`Shelf.open`."""
    name: str
    """What the person calls it."""
    when: float
    """s since 1970."""
    listed: str = ""
    """Its name in the server's data folder, where it was read from there."""


class Shelf:
    """Data sets under one folder, each with the file it was read from.

    Parameters
    ----------
    folder : path
        Made where it is missing.
    data : path, optional
        The server's own data folder: files and folders directly in it are offered by name.
    limit_mb : int
        Larger files are not taken by :meth:`bring`, MB.
    """

    def __init__(self, folder: str | Path, data: str | Path | None = None, *, limit_mb: int | None = None) -> None:
        self.folder = Path(folder)
        self.data = None if data is None else Path(data)
        self.limit_mb = upload_limit_mb() if limit_mb is None else limit_mb

    def bring(
        self, content: bytes | IO[bytes], name: str, reading: Reading | None = None, *, progress: Progress = silent
    ) -> str:
        """Keep a file and read it with the keys that are found.

        Parameters
        ----------
        content : bytes or binary file
            A file is copied block by block.
        name : str
            Its name: the ending says what it is.
        reading : Reading, optional
            How it is to be understood, where it is known before.
        progress : callable, optional

        Returns
        -------
        str
            The data set's code. Frames without forces are kept if none has any, or if it is
            not clear which column they are.

        Raises
        ------
        DatasetError
            If it is too large or cannot be read; nothing is kept then.
        TypeMapError
            If it needs ``reading.type_map``.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".incoming-") as incoming:
            place = self.folder / self._copied(content, incoming, name)
            place.mkdir(exist_ok=True)
            original = place / f"original{_ending(name)}"
            shutil.copyfile(incoming.name, original)
        try:
            dataset = self._read(original, name, reading or Reading(), progress)
        except DatasetError:
            if not (place / _NOTE).exists():
                original.unlink()
                place.rmdir()
            raise
        return self._note(place, dataset)

    def _copied(self, content: bytes | IO[bytes], target: IO[bytes], name: str) -> str:
        """Copy into an open file; return the hash of content and name."""
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        source.seek(0)
        digest, size = hashlib.sha256(), 0
        while block := source.read(_BLOCK):
            size += len(block)
            if size > self.limit_mb * 1_000_000:
                raise DatasetError(
                    f"{name} is larger than {self.limit_mb} MB, the most that is taken from a browser. "
                    "Whoever runs the server can put it into its data folder, or set MLIP_DASHBOARD_UPLOAD_MB."
                )
            digest.update(block)
            target.write(block)
        target.flush()
        digest.update(name.encode())
        return digest.hexdigest()[:20]

    def listed(self) -> list[str]:
        """Names of the files and folders in the server's data folder that may be data sets."""
        if self.data is None or not self.data.is_dir():
            return []
        return sorted(path.name for path in self.data.iterdir() if not path.name.startswith(".") and _may_be_one(path))

    def bring_listed(self, name: str, reading: Reading | None = None, *, progress: Progress = silent) -> str:
        """Read a file or folder of the server's data folder, where it stays.

        Parameters
        ----------
        name : str
            One of :meth:`listed`; nothing else is opened.
        reading, progress
            As in :meth:`bring`.

        Returns
        -------
        str
            The data set's code.

        Raises
        ------
        DatasetError
            If there is none of this name, or it cannot be read.
        """
        source = self._source(name)
        place = self.folder / hashlib.sha256(f"listed: {name}".encode()).hexdigest()[:20]
        place.mkdir(parents=True, exist_ok=True)
        try:
            dataset = self._read(source, name, reading or Reading(), progress, folder=place)
        except DatasetError:
            if not (place / _NOTE).exists():
                place.rmdir()
            raise
        return self._note(place, dataset, name)

    def _source(self, name: str) -> Path:
        if self.data is None or name not in self.listed():
            raise DatasetError(f"There is no data set {name[:80]!r} in the data folder of the server.")
        return self.data / name

    def again(self, code: str, reading: Reading, *, progress: Progress = silent) -> str:
        """Read the same file with other keys or units.

        Raises
        ------
        DatasetError
            If the file is no longer there, or a key is in no frame.
        """
        dataset = self.open(code)
        place = self.folder / code.partition(".")[0]
        listed = self._brought(place).listed
        if listed:
            return self._note(place, self._read(self._source(listed), listed, reading, progress, folder=place), listed)
        original = next(place.glob("original*"), None)
        if original is None:
            raise DatasetError("The original file is no longer kept: bring it again.")
        return self._note(place, self._read(original, dataset.name, reading, progress))

    def delete(self, code: str) -> None:
        """Delete a data set: the kept file, every reading of it, and what was predicted for it.

        A file in the server's data folder stays.

        Raises
        ------
        DatasetError
            If it is not here.
        """
        path = self.path(code)
        if path is None or not path.is_file():
            raise DatasetError("The data set is not here: it may have been deleted already.")
        shutil.rmtree(path.parent)

    def put(self, structures: Iterable[Atoms], name: str, *, place: str, level_of_theory: str | None = None) -> str:
        """Keep structures that were made here, without labels.

        Parameters
        ----------
        structures : iterable of Atoms
        name : str
        place : str
            Name of the folder: small letters, digits and dashes.
        level_of_theory : str, optional
        """
        folder = self.folder / place
        dataset = dataset_of(structures, name, labelled=False, level_of_theory=level_of_theory, folder=folder)
        return self._note(folder, dataset)

    def open(self, code: str) -> Dataset:
        """Open what a code names.

        Raises
        ------
        DatasetError
            If it is not here.
        """
        path = self.path(code)
        if path is None or not path.is_file():
            raise DatasetError("The data set that this link names is not kept here. Bring it again.")
        return open_dataset(path)

    def path(self, code: str) -> Path | None:
        """File of a data set, whether it is there or not; None for what is no code."""
        if not _CODE.fullmatch(code):
            return None
        place, _, identity = code.partition(".")
        return self.folder / place / f"dataset-{identity}.parquet"

    def all(self) -> list[Brought]:
        """Every data set that was brought, the newest reading of each file, newest first."""
        found = [self._brought(note.parent) for note in self.folder.glob(f"*/{_NOTE}")]
        there = [item for item in found if (path := self.path(item.code)) is not None and path.is_file()]
        return sorted(there, key=lambda item: item.when, reverse=True)

    def _brought(self, place: Path) -> Brought:
        note = place / _NOTE
        return Brought(**json.loads(note.read_text(encoding="utf-8"))) if note.is_file() else Brought("", "", 0.0)

    def _read(
        self, source: Path, name: str, reading: Reading, progress: Progress, folder: Path | None = None
    ) -> Dataset:
        options = {key: getattr(reading, key) for key in _KEYS}
        kept: dict[str, Any] = {"folder": folder or source.parent, "progress": progress, "type_map": reading.type_map}
        try:
            return read_dataset(source, name, **options, level_of_theory=reading.level_of_theory, **kept)
        except TypeMapError:
            raise
        except DatasetError:
            if reading != Reading(type_map=reading.type_map):
                raise
            bare = read_dataset(source, name, labelled=False, **kept)
            if bare.keys.get("forces"):
                raise
            return bare

    def _note(self, place: Path, dataset: Dataset, listed: str = "") -> str:
        code = f"{place.name}.{dataset.path.stem.removeprefix('dataset-')}"
        note = json.dumps(asdict(Brought(code, dataset.name, time.time(), listed)))
        part = place / f"{_NOTE}.part"
        part.write_text(note, encoding="utf-8")
        part.replace(place / _NOTE)
        return code


def _ending(name: str) -> str:
    """Return the ending that says what a file is, that of an archive whole."""
    return next((end for end in ARCHIVES if name.lower().endswith(end)), PurePath(name).suffix.lower())


def _may_be_one(path: Path) -> bool:
    return path.is_dir() or is_archive(path.name) or _ending(path.name).replace(".yml", ".yaml") in READERS
