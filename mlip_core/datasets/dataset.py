"""Labelled structures on disk in one form: a Parquet file, read back in chunks."""

import json
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms

from mlip_core.datasets.meaning import meaning, plain_family
from mlip_core.datasets.units import Units
from mlip_core.errors import DatasetError

CHUNK = 256
"""Structures in one row group: what is in memory at a time."""
SCHEMA = 1


@dataclass(frozen=True)
class SetAside:
    """A frame that is not used."""

    where: str
    """File and frame."""
    reason: str
    """Why the frame is not used."""
    count: int = 1
    """Frames that this stands for."""
    lacks_types: bool = False
    """It is a DeePMD system that does not say which elements its types are: a type map would help."""


@dataclass(frozen=True)
class Frame:
    """One structure with its reference values."""

    index: int
    """Number in the data set, from 0."""
    where: str
    """File and frame it came from."""
    atoms: Atoms
    """Elements, positions, cell and periodicity only."""
    energy: float | None
    """Total energy, eV."""
    forces: np.ndarray | None
    """Reference forces, (n_atoms, 3), eV/Å; None only in a data set that was read without labels."""
    stress: np.ndarray | None
    """Reference stress, (3, 3), eV/Å³."""
    tags: dict[str, Any]
    """What its file says about it: text and whole numbers, by name."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Labelled structures; what is in memory is this summary and one chunk at a time."""

    path: Path
    """The Parquet file that holds the structures."""
    name: str
    """Name that people see."""
    n_structures: int
    """Number of structures that are used."""
    n_atoms: int
    """Number of atoms in all structures together."""
    n_energies: int
    """Number of structures that have an energy."""
    n_stresses: int
    """Number of structures that have a stress."""
    elements: tuple[str, ...]
    """Symbols of the elements that occur, in the order of atomic numbers."""
    largest: int
    """Number of atoms in the largest structure."""
    max_force: float
    """Largest |component| of a reference force, eV/Å."""
    keys: dict[str, dict[str, int]]
    """quantity → key → number of frames in which it was taken."""
    candidates: dict[str, tuple[str, ...]]
    """quantity → keys that could hold it, for a person to choose from."""
    units: Units
    """Units of the file, as declared."""
    level_of_theory: str | None
    """Functional and code of the reference, as declared."""
    set_aside: tuple[SetAside, ...]
    """Frames that are not used, and why."""
    tags: dict[str, int]
    """Tag → number of different values, for the tags that split the data into at most 200 subsets."""
    structures_sha256: str
    """Hash of structures and their order: what predictions depend on."""
    sha256: str
    """Hash of structures and reference values."""
    others: dict[str, dict[str, str]] = field(default_factory=dict)
    """quantity → key that was there and is never taken by itself → why not."""
    left_out: tuple[str, ...] = ()
    """Quantities that were not to be read."""
    remarks: tuple[str, ...] = ()
    """What the files and the labels themselves say that a person should know, a sentence each."""

    def __len__(self) -> int:
        return self.n_structures

    def __iter__(self) -> Iterator[Frame]:
        for chunk in self.chunks():
            yield from chunk

    def chunks(self, start: int = 0) -> Iterator[list[Frame]]:
        """Structures in order, at most :data:`CHUNK` at a time.

        Parameters
        ----------
        start : int
            Number of the chunk to begin with.
        """
        for k in range(start, self._file.num_row_groups):
            yield self._chunk(k)

    def frame(self, index: int) -> Frame:
        """One structure by its number."""
        if not 0 <= index < self.n_structures:
            raise DatasetError(f"There is no structure {index}: they are numbered 0 to {self.n_structures - 1}.")
        return self._chunk(index // CHUNK)[index % CHUNK]

    @property
    def n_set_aside(self) -> int:
        """Frames that are not used."""
        return sum(entry.count for entry in self.set_aside)

    @property
    def lacks_types(self) -> bool:
        """Whether a DeePMD system in it was set aside that a type map would make readable."""
        return any(entry.lacks_types for entry in self.set_aside)

    @property
    def unclear(self) -> dict[str, tuple[str, ...]]:
        """Quantity → keys to choose from, where none of them was clear enough to be taken."""
        return {
            q: keys for q, keys in self.candidates.items() if keys and not self.keys.get(q) and q not in self.left_out
        }

    def notes(self) -> list[str]:
        """What a person should know about these labels, a sentence each."""
        notes = []
        if self.set_aside:
            first = self.set_aside[0]
            were = "frame was" if self.n_set_aside == 1 else "frames were"
            notes.append(f"{self.n_set_aside} {were} set aside, the first: {first.where}: {first.reason.rstrip('.')}.")
        for quantity, used in self.keys.items():
            if len(used) > 1:
                notes.append(
                    f"The {quantity} came from several keys: " + ", ".join(f"{k} ({n})" for k, n in used.items()) + "."
                )
        for quantity in ("energy", "stress"):
            if self.keys.get("forces") and self._families(quantity) - self._families("forces"):
                notes.append(
                    f"The {quantity} ({', '.join(self.keys[quantity])}) may be of another calculation than the forces."
                )
        return [*notes, *self._not_taken(), *self.remarks]

    def _families(self, quantity: str) -> set[frozenset[str]]:
        return {plain_family(meaning(quantity, key).family) for key in self.keys.get(quantity, ())}

    def _not_taken(self) -> list[str]:
        """Say what was there where nothing was taken."""
        said = []
        for quantity in self.candidates:
            others = self.others.get(quantity, {})
            open_to_choice = [f"{key} could be it" for key in self.unclear.get(quantity, ()) if key not in others]
            there = open_to_choice + [f"{key} is {why}" for key, why in others.items()]
            if there and not self.keys.get(quantity) and quantity not in self.left_out:
                said.append(f"No {quantity} was taken: {'; '.join(there[:6])}.".replace("forces was", "forces were"))
        return said

    def keys_table(self) -> pd.DataFrame:
        """Every key that was there: quantity, key, n_frames in which it was taken, and why it was not."""
        rows = [
            (quantity, key, self.keys.get(quantity, {}).get(key, 0), self.others.get(quantity, {}).get(key, ""))
            for quantity in self.candidates
            for key in dict.fromkeys((*self.candidates[quantity], *self.others.get(quantity, ())))
        ]
        return pd.DataFrame(rows, columns=["quantity", "key", "n_frames", "why_not"])

    def set_aside_table(self) -> pd.DataFrame:
        """Frames that are not used: where, reason."""
        return pd.DataFrame(
            [(s.where, s.reason, s.count) for s in self.set_aside], columns=["where", "reason", "count"]
        )

    @cached_property
    def _file(self) -> Any:
        import pyarrow.parquet as pq

        return pq.ParquetFile(self.path)

    def _chunk(self, k: int) -> list[Frame]:
        rows = self._file.read_row_group(k).to_pylist()
        return [_frame(k * CHUNK + i, row) for i, row in enumerate(rows)]


def _frame(index: int, row: dict[str, Any]) -> Frame:
    atoms = Atoms(
        numbers=row["numbers"],
        positions=np.reshape(row["positions"], (-1, 3)),
        cell=np.reshape(row["cell"], (3, 3)),
        pbc=row["pbc"],
    )
    forces, stress = row["forces"], row["stress"]
    return Frame(
        index,
        row["where"],
        atoms,
        row["energy"],
        None if forces is None else np.reshape(forces, (-1, 3)),
        None if stress is None else np.reshape(stress, (3, 3)),
        json.loads(row["tags"]),
    )


def schema() -> Any:
    """Columns of the file."""
    import pyarrow as pa

    numbers = pa.list_(pa.float64())
    return pa.schema(
        [
            ("numbers", pa.list_(pa.int16())),
            ("positions", numbers),
            ("cell", numbers),
            ("pbc", pa.list_(pa.bool_())),
            ("energy", pa.float64()),
            ("forces", numbers),
            ("stress", numbers),
            ("where", pa.string()),
            ("tags", pa.string()),
        ]
    )


def described(summary: dict[str, Any]) -> dict[str, str]:
    """Return the summary as metadata of the file."""
    plain = {k: v for k, v in summary.items() if k not in ("units", "set_aside")}
    plain |= {
        "units": asdict(summary["units"]),
        "set_aside": [list(astuple(s)) for s in summary["set_aside"]],
        "schema": SCHEMA,
    }
    return {"dataset": json.dumps(plain)}


def open_dataset(path: str | Path) -> Dataset:
    """Open a data set that was read before.

    Parameters
    ----------
    path : path
        ``Dataset.path`` of then.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If the file is damaged or of another version: read the original again.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    try:
        tree = json.loads(
            (pq.read_schema(path).metadata or {}).get(b"dataset") or pq.ParquetFile(path).metadata.metadata[b"dataset"]
        )
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
        raise DatasetError(f"{path} is not a data set of this program. Read the original file again.") from error
    if tree.pop("schema", None) != SCHEMA:
        raise DatasetError(f"{path} was written by another version. Read the original file again.")
    tree["units"] = Units(**tree["units"])
    tree["set_aside"] = tuple(SetAside(*entry) for entry in tree["set_aside"])
    for name in ("remarks", "left_out"):
        tree[name] = tuple(tree.get(name, ()))
    tree["elements"] = tuple(tree["elements"])
    tree["candidates"] = {q: tuple(keys) for q, keys in tree["candidates"].items()}
    return Dataset(path=path, **tree)


def open_unchanged(path: str, sha256: str) -> Dataset:
    """Open a data set that a task names.

    Parameters
    ----------
    path : str
        ``Dataset.path``.
    sha256 : str
        ``Dataset.sha256`` of then.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If it is gone, or another one by now.
    """
    if not Path(path).is_file():
        raise DatasetError("The data set is no longer there: read the original file again.")
    dataset = open_dataset(path)
    if dataset.sha256 != sha256:
        raise DatasetError(f"{dataset.name} has changed since it was chosen: read it again.")
    return dataset
