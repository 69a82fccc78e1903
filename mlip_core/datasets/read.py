"""From what a person brings to a data set."""

import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from mlip_core.datasets.archive import is_archive, unpack
from mlip_core.datasets.dataset import CHUNK, Dataset, SetAside, described, open_dataset, schema
from mlip_core.datasets.deepmd import TypeMap, TypeMapError
from mlip_core.datasets.doubts import Doubts
from mlip_core.datasets.formats import Item, Raw, Remark
from mlip_core.datasets.labels import (
    QUANTITIES,
    Labels,
    NoLabels,
    candidates,
    check_chosen,
    choose,
    labels,
    why_no_forces,
)
from mlip_core.datasets.meaning import Meaning, Rank
from mlip_core.datasets.sources import stream
from mlip_core.datasets.units import Units
from mlip_core.errors import DatasetError
from mlip_core.progress import Progress, silent

MAX_STRUCTURES = 200_000
_MOST_SUBSETS = 200
_LONGEST_TAG = 80
_FARTHEST = 1e7
"""In the unit of the file; no structure reaches so far."""
_MOST_REMARKS = 20
_MOST_ASIDE = 1000
"""Frames set aside that are named one by one."""


def read_dataset(
    source: str | Path | bytes,
    name: str | None = None,
    *,
    energy_key: str | None = None,
    forces_key: str | None = None,
    stress_key: str | None = None,
    units: str | Units = "eV/Å",
    level_of_theory: str | None = None,
    type_map: TypeMap | None = None,
    labelled: bool = True,
    folder: str | Path | None = None,
    progress: Progress = silent,
) -> Dataset:
    """Read labelled structures, whatever wrote them, into one form on disk.

    Reference values are looked for by what their names mean (:mod:`mlip_core.datasets.meaning`):
    results attached by ASE, then names that say reference (``REF_``, ``dft_``, ``DFT_``, and
    other programs and levels of theory), then plain names. Velocities, predictions of a
    model, energies per atom and the like are never taken; where it is not clear which
    of several is meant, none is. The answer says what was taken (``keys``), what else
    could be meant (``candidates``), what never is (``others``), and what is doubtful
    (``notes()``). Nothing in an upload is run: numpy arrays are read without pickles,
    model files are refused. A frame that cannot be used is set aside and counted.

    Parameters
    ----------
    source : path or bytes
        Extended XYZ, ASE ``.db``/``.json``/``.traj``, ``vasprun.xml``,
        ``phonopy_params.yaml``, ``FORCE_SETS`` or a folder with it and its cell, a DeePMD npy folder or a tree of them
        (LAMBench's layout), a folder of several files, or a ZIP or tar file of any of these.
    name : str, optional
        Name of the file the bytes came from.
    energy_key, forces_key, stress_key : str, optional
        Key that holds the reference; ``results/<name>`` means attached results; "" leaves the quantity out.
    units : str or Units
        What the numbers mean: "eV/Å", "Ry/bohr", "Hartree/bohr", "kcal/mol/Å", or
        :class:`Units` where energy and forces differ.
    level_of_theory : str, optional
        Functional and code of the reference, remembered.
    type_map : sequence or mapping of str, optional
        Elements of the types 0, 1, … of DeePMD systems that have no ``type_map.raw``, or the
        element for each name in it that is none. Systems that say it keep what they say.
    labelled : bool
        False keeps frames without forces too (for differences between models).
    folder : path, optional
        Where the copy is kept; without, it goes when the data set does.
    progress : callable, optional
        Called with the number of frames read.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If it cannot be read, naming frame and line; if no frame has forces, or it is not
        clear which column they are; if a chosen key is in no frame; if a ZIP is not safe.
    TypeMapError
        If all of it is of DeePMD and ``type_map`` is missing.
    """
    chosen = {"energy": energy_key, "forces": forces_key, "stress": stress_key}
    with tempfile.TemporaryDirectory(prefix="mlip-read-") as scratch:
        path, label = _on_disk(source, name, Path(scratch))
        job = _Reading(chosen, Units.named(units), labelled)
        return _store(stream(path, label, type_map), job, label, level_of_theory, folder=folder, progress=progress)


def dataset_of(
    structures: Iterable[Atoms],
    name: str,
    *,
    level_of_theory: str | None = None,
    labelled: bool = True,
    folder: str | Path | None = None,
) -> Dataset:
    """Make a data set of structures with their results attached.

    Parameters
    ----------
    structures : iterable of Atoms
        Read one after the other; ``info["where"]`` says where one comes from.
    name : str
        Shown to people.
    level_of_theory, labelled, folder
        As in :func:`read_dataset`.

    Returns
    -------
    Dataset
    """
    frames = (Raw(atoms, str(atoms.info.pop("where", f"{name}, structure {i}"))) for i, atoms in enumerate(structures))
    return _store(frames, _Reading({}, Units(), labelled), name, level_of_theory, folder=folder, progress=silent)


def _store(
    frames: Iterator[Item],
    job: "_Reading",
    name: str,
    level_of_theory: str | None,
    *,
    folder: str | Path | None,
    progress: Progress,
) -> Dataset:
    target = Path(folder or tempfile.mkdtemp(prefix="mlip-dataset-"))
    target.mkdir(parents=True, exist_ok=True)
    part = target / f"{os.getpid()}-{id(job)}.part"
    given = {"name": name, "level_of_theory": level_of_theory, "units": job.units}
    try:
        summary = _write(part, job, frames, given, progress)
        path = part.replace(target / f"dataset-{_identity(given | summary)}.parquet")
    except BaseException:
        part.unlink(missing_ok=True)
        if folder is None:
            shutil.rmtree(target, ignore_errors=True)
        raise
    dataset = open_dataset(path)
    if folder is None:
        weakref.finalize(dataset, shutil.rmtree, target, ignore_errors=True)
    return dataset


def _identity(summary: dict[str, Any]) -> str:
    """Part of the file's name: everything the file says."""
    return hashlib.sha256(json.dumps(described(summary), sort_keys=True).encode()).hexdigest()[:20]


def _on_disk(source: str | Path | bytes, name: str | None, scratch: Path) -> tuple[Path, str]:
    """Path and name to read from: bytes and ZIP files go to a scratch folder."""
    if isinstance(source, bytes | bytearray | memoryview):
        if not name:
            raise DatasetError("The name of the file is needed: its ending says what it is.")
        path = scratch / ("upload" + Path(name).suffix.lower())
        path.write_bytes(source)
    else:
        path, name = Path(source), name or Path(source).name
        if not path.exists():
            raise DatasetError(f"{path} is not there.")
    if path.is_file() and is_archive(name):
        unpacked = scratch / "unpacked"
        unpacked.mkdir()
        unpack(path, unpacked, name)
        path = unpacked
    return path, Path(name).name


@dataclass
class _Reading:
    """What is counted while frames go by."""

    chosen: dict[str, str | None]
    units: Units
    labelled: bool
    set_aside: list[SetAside] = field(default_factory=list)
    remarks: dict[str, None] = field(default_factory=dict)
    doubts: Doubts = field(default_factory=Doubts)
    used: dict[str, dict[str, int]] = field(default_factory=lambda: {q: {} for q in QUANTITIES})
    seen: dict[str, dict[str, Meaning]] = field(default_factory=lambda: {q: {} for q in QUANTITIES})
    sizes: Counter = field(default_factory=Counter)
    elements: set[int] = field(default_factory=set)
    tags: dict[str, set] = field(default_factory=lambda: defaultdict(set))
    max_force: float = 0.0
    structures_hash: Any = field(default_factory=hashlib.sha256)
    labels_hash: Any = field(default_factory=hashlib.sha256)

    def add(self, item: Item) -> dict[str, Any] | None:
        """Row of one frame, or None if there is none, or it is set aside."""
        if isinstance(item, Raw):
            return self._frame(item)
        if isinstance(item, Remark):
            if len(self.remarks) < _MOST_REMARKS:
                self.remarks[item.text] = None
        else:
            self._aside(item)
        return None

    def _frame(self, raw: Raw) -> dict[str, Any] | None:
        atoms, found = raw.atoms, candidates(raw.atoms)
        for quantity in QUANTITIES:
            self.seen[quantity] |= found[quantity]
        try:
            _check(atoms)
            keys = choose(atoms, self.chosen, found)
            label = labels(atoms, keys, self.units)
            if label.forces is None and self.labelled:
                key = self.chosen.get("forces")
                raise NoLabels(f"no forces under {key!r}" if key else why_no_forces(found["forces"]))
        except NoLabels as error:
            self._aside(SetAside(raw.where, str(error)))
            return None
        self.doubts.add(atoms, label.keys, found, label.forces)
        row = _row(raw, label, self.units, self._tags(atoms, label))
        self._count(row, label)
        return row

    def _aside(self, entry: SetAside) -> None:
        if len(self.set_aside) < _MOST_ASIDE:
            self.set_aside.append(entry)
            return
        last = self.set_aside[-1]
        count, lacks = last.count + entry.count, last.lacks_types or entry.lacks_types
        self.set_aside[-1] = SetAside("further frames", "for reasons that are not listed", count, lacks)

    def _tags(self, atoms: Atoms, label: Labels) -> dict[str, Any]:
        taken = set(label.keys.values())
        tags = {k: v.item() if isinstance(v, np.generic) else v for k, v in atoms.info.items() if k not in taken}
        tags = {
            k: v
            for k, v in tags.items()
            if isinstance(v, bool | int | float) or (isinstance(v, str) and len(v) <= _LONGEST_TAG)
        }
        for key, value in tags.items():
            if len(self.tags[key]) <= _MOST_SUBSETS:
                self.tags[key].add(value)
        return tags

    def _count(self, row: dict[str, Any], label: Labels) -> None:
        for quantity, key in label.keys.items():
            self.used[quantity][key] = self.used[quantity].get(key, 0) + 1
        self.sizes[len(row["numbers"])] += 1
        self.elements |= set(row["numbers"].tolist())
        if label.forces is not None:
            self.max_force = max(self.max_force, float(np.abs(label.forces).max()))
        for column in ("numbers", "positions", "cell", "pbc"):
            self.structures_hash.update(np.ascontiguousarray(row[column]).tobytes())
        for column in ("energy", "forces", "stress"):
            value = row[column]
            self.labels_hash.update(b"-" if value is None else np.ascontiguousarray(value, dtype=np.float64).tobytes())

    def summary(self, n: int) -> dict[str, Any]:
        """Fields of the data set."""
        structures = self.structures_hash.hexdigest()
        return {
            "n_structures": n,
            "n_atoms": sum(size * count for size, count in self.sizes.items()),
            "largest": max(self.sizes),
            "n_energies": sum(self.used["energy"].values()),
            "n_stresses": sum(self.used["stress"].values()),
            "elements": [chemical_symbols[z] for z in sorted(self.elements)],
            "max_force": self.max_force,
            "keys": {q: used for q, used in self.used.items() if used},
            "candidates": {
                q: [k for k, m in _by_rank(seen) if m.rank <= Rank.PREDICTION] for q, seen in self.seen.items()
            },
            "others": {
                q: others
                for q, seen in self.seen.items()
                if (others := {k: m.why for k, m in _by_rank(seen) if m.rank > Rank.NAMED and k not in self.used[q]})
            },
            "left_out": [q for q, key in self.chosen.items() if key == ""],
            "remarks": [*self.doubts.sentences({q for q, key in self.chosen.items() if key}), *self.remarks],
            "set_aside": self.set_aside,
            "tags": {k: len(v) for k, v in self.tags.items() if 1 < len(v) <= min(_MOST_SUBSETS, max(2, n - 1))},
            "structures_sha256": structures,
            "sha256": hashlib.sha256((structures + self.labels_hash.hexdigest()).encode()).hexdigest(),
        }


def _by_rank(seen: dict[str, Meaning]) -> list[tuple[str, Meaning]]:
    return sorted(seen.items(), key=lambda entry: entry[1].rank)


def _check(atoms: Atoms) -> None:
    if len(atoms) == 0:
        raise NoLabels("no atoms")
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise NoLabels("a position or cell vector is not finite")
    if max(np.abs(atoms.positions).max(), np.abs(atoms.cell.array).max()) > _FARTHEST:
        raise NoLabels(f"a position or cell vector is longer than {_FARTHEST:g}")
    if not ((atoms.numbers > 0) & (atoms.numbers < len(chemical_symbols))).all():
        raise NoLabels("an atom of an unknown element")
    if atoms.pbc.all() and abs(np.linalg.det(atoms.cell.array)) < 1e-3:
        raise NoLabels("periodic, but its cell has no volume")


def _row(raw: Raw, label: Labels, units: Units, tags: dict[str, Any]) -> dict[str, Any]:
    atoms, scale = raw.atoms, units.lengths_in_a
    return {
        "numbers": atoms.numbers.astype(np.int16),
        "positions": (atoms.positions * scale).ravel(),
        "cell": (atoms.cell.array * scale).ravel(),
        "pbc": atoms.pbc.astype(bool),
        "energy": label.energy,
        "forces": None if label.forces is None else label.forces.ravel(),
        "stress": None if label.stress is None else label.stress.ravel(),
        "where": raw.where,
        "tags": json.dumps(tags),
    }


def _write(
    path: Path, job: _Reading, frames: Iterator[Item], given: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    n = 0
    writing = pq.ParquetWriter(path, schema(), compression="zstd")
    with writing as writer, np.errstate(all="ignore"):  # what overflows is set aside
        for read, item in enumerate(frames, start=1):
            if read > MAX_STRUCTURES:
                raise DatasetError(f"There are more than {MAX_STRUCTURES} frames. Give a part of them.")
            row = job.add(item)
            n += row is not None
            rows += [row] if row is not None else []
            if len(rows) == CHUNK:
                writer.write_table(pa.Table.from_pylist(rows, schema()))
                rows.clear()
                progress(read, None, stage="reading")
        if rows:
            writer.write_table(pa.Table.from_pylist(rows, schema()))
        check_chosen(job.chosen, {q: set(keys) for q, keys in job.seen.items()}, job.used)
        if n == 0:
            raise _nothing(job)
        summary = job.summary(n)
        writer.add_key_value_metadata(described(given | summary))
    return summary


def _nothing(job: _Reading) -> DatasetError:
    if not job.set_aside:
        return DatasetError("There is not a single structure in it.")
    first = job.set_aside[0]
    if any(entry.lacks_types for entry in job.set_aside):
        return TypeMapError(next(entry.reason for entry in job.set_aside if entry.lacks_types) + ".")
    n = sum(entry.count for entry in job.set_aside)
    keys = ", ".join(k for k, m in job.seen["forces"].items() if m.rank <= Rank.PREDICTION)
    there = f" Keys that could hold forces: {keys}." if keys else ""
    start = "Nothing in it can be used" if n == 1 else f"None of the {n} frames can be used; the first"
    return DatasetError(f"{start}, {first.where}: {first.reason.rstrip('.')}.{there}")
