"""The data sets a person brought: the file as it came, and what was read of it, side by side on disk."""

import hashlib
import json
import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath

from ase import Atoms

from mlip_core.datasets.dataset import Dataset, open_dataset
from mlip_core.datasets.read import dataset_of, read_dataset
from mlip_core.datasets.units import Units
from mlip_core.errors import DatasetError
from mlip_core.progress import Progress, silent

_CODE = re.compile(r"[0-9a-z-]{1,40}\.[0-9a-f]{20}")
_NOTE = "brought.json"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the numbers of a file are understood; None lets the reader find the key, "" leaves the quantity out."""

    energy_key: str | None = None
    forces_key: str | None = None
    stress_key: str | None = None
    units: Units = field(default_factory=Units)
    level_of_theory: str | None = None
    """Functional and code, remembered."""


@dataclass(frozen=True)
class Brought:
    """One data set on the shelf."""

    code: str
    """Names it in an address; read by :meth:`Shelf.open`."""
    name: str
    """What the person calls it."""
    when: float
    """s since 1970."""


class Shelf:
    """Data sets under one folder, each with the file it was read from.

    Parameters
    ----------
    folder : path
        Made where it is missing.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def bring(self, content: bytes, name: str, *, progress: Progress = silent) -> str:
        """Keep a file and read it with the keys that are found.

        Parameters
        ----------
        content : bytes
        name : str
            Its name: the ending says what it is.
        progress : callable, optional

        Returns
        -------
        str
            The data set's code. Frames without forces are kept if none has any.

        Raises
        ------
        DatasetError
            If it cannot be read; nothing is kept then.
        """
        place = self.folder / hashlib.sha256(content + name.encode()).hexdigest()[:20]
        place.mkdir(parents=True, exist_ok=True)
        original = place / f"original{PurePath(name).suffix.lower()}"
        original.write_bytes(content)
        try:
            dataset = self._read(original, name, Reading(), progress)
        except DatasetError:
            if not (place / _NOTE).exists():
                original.unlink()
                place.rmdir()
            raise
        return self._note(place, dataset)

    def again(self, code: str, reading: Reading, *, progress: Progress = silent) -> str:
        """Read the same file with other keys or units.

        Raises
        ------
        DatasetError
            If the file is no longer there, or a key is in no frame.
        """
        dataset = self.open(code)
        place = self.folder / code.partition(".")[0]
        original = next(place.glob("original*"), None)
        if original is None:
            raise DatasetError("The original file is no longer kept: bring it again.")
        return self._note(place, self._read(original, dataset.name, reading, progress))

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
        notes = [json.loads(note.read_text(encoding="utf-8")) for note in self.folder.glob(f"*/{_NOTE}")]
        found = [Brought(**note) for note in notes]
        there = [item for item in found if (path := self.path(item.code)) is not None and path.is_file()]
        return sorted(there, key=lambda item: item.when, reverse=True)

    def _read(self, original: Path, name: str, reading: Reading, progress: Progress) -> Dataset:
        options = {key: getattr(reading, key) for key in ("energy_key", "forces_key", "stress_key", "units")}
        given = options | {"level_of_theory": reading.level_of_theory, "folder": original.parent, "progress": progress}
        try:
            return read_dataset(original, name, **given)
        except DatasetError:
            if reading != Reading():
                raise
            bare = read_dataset(original, name, labelled=False, folder=original.parent, progress=progress)
            if bare.keys.get("forces"):
                raise
            return bare

    def _note(self, place: Path, dataset: Dataset) -> str:
        code = f"{place.name}.{dataset.path.stem.removeprefix('dataset-')}"
        note = json.dumps(asdict(Brought(code, dataset.name, time.time())))
        part = place / f"{_NOTE}.part"
        part.write_text(note, encoding="utf-8")
        part.replace(place / _NOTE)
        return code
