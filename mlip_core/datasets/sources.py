"""What a person brings (file, folder, ZIP) as one stream of structures."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from mlip_core.datasets import formats
from mlip_core.datasets.formats import Raw
from mlip_core.errors import DatasetError

READERS = {
    ".xyz": formats.read_extxyz,
    ".extxyz": formats.read_extxyz,
    ".db": formats.read_ase_db,
    ".json": formats.read_ase_db,
    ".traj": formats.read_traj,
    ".xml": formats.read_vasprun,
}
ACCEPTED = "extended XYZ (.extxyz, .xyz), ASE .db, .json or .traj, vasprun.xml, FORCE_SETS with its cell, DeePMD npy folders, or a ZIP of these"
_RUNS_CODE = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".model", ".joblib"}


def stream(path: Path, name: str) -> Iterator[Raw]:
    """Every structure of a file or of all files under a folder.

    Structures of a folder get the tags ``source`` (path in the folder) and
    ``set`` (its first part), so that errors can be read by test set.

    Parameters
    ----------
    path : path
        A file, or a folder (an unpacked ZIP too).
    name : str
        How it is called in messages; its ending decides the format of a file.

    Yields
    ------
    Raw

    Raises
    ------
    DatasetError
        If nothing of it can be read; naming the frame where one is damaged.
    """
    if path.is_dir():
        yield from _folder(path)
    elif PurePath(name).name == "FORCE_SETS":
        yield from _told(formats.read_force_sets(path.parent, name), name)
    else:
        yield from _file(path, name)


def _file(path: Path, name: str) -> Iterator[Raw]:
    suffix = PurePath(name.lower()).suffix
    if suffix in _RUNS_CODE:
        raise DatasetError(
            f"{name}: files of this kind run code when they are opened and are not read. Give {ACCEPTED}."
        )
    if suffix not in READERS:
        raise DatasetError(f"{name} is not a known kind of file. Give {ACCEPTED}.")
    yield from _told(READERS[suffix](path, name), name)


def _folder(root: Path) -> Iterator[Raw]:
    found = False
    for place, folders, files in os.walk(root):
        folders.sort()
        here = Path(place)
        label = str(here.relative_to(root)) if here != root else root.name
        for part, frames in _parts(here, label, sorted(files)):
            for raw in _told(frames, part):
                found = True
                raw.atoms.info |= {"source": part, "set": PurePath(part).parts[0].removesuffix(PurePath(part).suffix)}
                yield raw
        if "type.raw" in files:
            folders[:] = [f for f in folders if not f.startswith("set.")]
    if not found:
        raise DatasetError(f"There are no labelled structures in it. Put in {ACCEPTED}.")


def _parts(here: Path, label: str, files: list[str]) -> Iterator[tuple[str, Iterator[Raw]]]:
    if "type.raw" in files:
        yield label, formats.read_deepmd(here, label)
    if "FORCE_SETS" in files:
        yield label, formats.read_force_sets(here, label)
    for file in files:
        path, name = here / file, f"{label}/{file}" if label != here.name else file
        if path.suffix.lower() in READERS and not file.startswith(".") and _is_data(path):
            yield name, READERS[path.suffix.lower()](path, name)


def _is_data(path: Path) -> bool:
    """Leave JSON and XML of other kinds in a folder alone."""
    with path.open("rb") as file:
        start = file.read(4096)
    if path.suffix == ".json":
        return b'"numbers"' in start or b"'numbers'" in start or b'"unique_id"' in start
    return path.suffix != ".xml" or b"<modeling" in start


def _told(frames: Iterator[Raw], name: str) -> Iterator[Raw]:
    """Turn whatever a reader stumbles over into a message that names the last frame that was good."""
    last = ""
    try:
        for raw in frames:
            last = raw.where
            yield raw
    except DatasetError:
        raise
    except (OSError, MemoryError, KeyboardInterrupt, GeneratorExit):
        raise
    except Exception as error:
        after = f"after {last}" if last else "at its first frame"
        raise DatasetError(f"{name} cannot be read {after}: {type(error).__name__}: {error}.") from error
