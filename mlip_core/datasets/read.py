"""From what a person brings to a data set."""

import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.datasets.archive import is_archive, unpack_archive
from mlip_core.datasets.dataset import CHUNK, Dataset, described, open_dataset, schema
from mlip_core.datasets.deepmd import TypeMap
from mlip_core.datasets.formats import Item, Raw
from mlip_core.datasets.gathering import Gathering
from mlip_core.datasets.labels import check_chosen
from mlip_core.datasets.sources import stream
from mlip_core.datasets.units import Units
from mlip_core.errors import DatasetError
from mlip_core.progress import Progress, silent

MAX_STRUCTURES = 200_000


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
        job = Gathering(chosen, Units.named(units), labelled)
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
    return _store(frames, Gathering({}, Units(), labelled), name, level_of_theory, folder=folder, progress=silent)


def _store(
    frames: Iterator[Item],
    job: "Gathering",
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
        unpack_archive(path, unpacked, name)
        path = unpacked
    return path, Path(name).name


def _write(
    path: Path, job: Gathering, frames: Iterator[Item], given: dict[str, Any], progress: Progress
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
            raise job.nothing()
        summary = job.summary(n)
        writer.add_key_value_metadata(described(given | summary))
    return summary
