"""What a person brings (file, folder, ZIP) as one stream of structures."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

from mlip_core.datasets import ase_formats, formats, phonopy_files, vasprun
from mlip_core.datasets.dataset import SetAside
from mlip_core.datasets.deepmd import TypeMap, TypeMapError, read_deepmd
from mlip_core.datasets.formats import Item, Raw
from mlip_core.errors import DatasetError, StructureError

READERS: dict[str, Callable[[Path, str], Iterator[Item]]] = {
    ".xyz": formats.read_extxyz,
    ".extxyz": formats.read_extxyz,
    ".db": ase_formats.read_ase_db,
    ".json": ase_formats.read_ase_json,
    ".traj": ase_formats.read_traj_frames,
    ".xml": vasprun.read_vasprun_steps,
    ".yaml": phonopy_files.read_phonopy_yaml,
}
ACCEPTED = (
    "extended XYZ (.extxyz, .xyz), ASE .db, .json or .traj, vasprun.xml, phonopy_params.yaml, FORCE_SETS with its cell, "
    "DeePMD npy folders, or a ZIP or tar file of these"
)
_RUNS_CODE = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".model", ".joblib"}


def stream(path: Path, name: str, type_map: TypeMap | None = None) -> Iterator[Item]:
    """Every structure of a file or of all files under a folder.

    Structures of a folder get the tags ``source`` (path in the folder) and
    ``set`` (its first part), so that errors can be read by test set. A part of a
    folder that cannot be read is set aside, and so is what comes after the good
    beginning of a file.

    Parameters
    ----------
    path : path
        A file, or a folder (an unpacked ZIP too).
    name : str
        How it is called in messages; its ending decides the format of a file.
    type_map : sequence or mapping of str, optional
        Elements of DeePMD systems that do not say them.

    Yields
    ------
    Raw, SetAside or Remark

    Raises
    ------
    DatasetError
        If nothing of it can be read.
    """
    if path.is_dir():
        yield from _folder(path, name, type_map)
    elif PurePath(name).name == "FORCE_SETS":
        yield from _told(phonopy_files.read_force_sets(path.parent, name), name)
    else:
        yield from _file(path, name)


def _file(path: Path, name: str) -> Iterator[Item]:
    suffix = PurePath(name.lower()).suffix.replace(".yml", ".yaml")
    if suffix in _RUNS_CODE:
        raise DatasetError(
            f"{name}: files of this kind run code when they are opened and are not read. Give {ACCEPTED}."
        )
    if suffix not in READERS:
        raise DatasetError(f"{name} is not a known kind of file. Give {ACCEPTED}.")
    yield from _told(READERS[suffix](path, name), name)


def _folder(root: Path, name: str, type_map: TypeMap | None) -> Iterator[Item]:
    found = False
    for place, folders, files in os.walk(root):
        folders.sort()
        here = Path(place)
        label = str(here.relative_to(root)) if here != root else name
        for part, frames in _parts(root, here, label, sorted(files), type_map):
            found = True
            yield from _part(frames, part)
        if "type.raw" in files:
            folders[:] = [f for f in folders if not f.startswith("set.")]
    if not found:
        raise DatasetError(f"There are no labelled structures in it. Put in {ACCEPTED}.")


def _part(frames: Iterator[Item], part: str) -> Iterator[Item]:
    """Tag the structures of a part; set the part aside where nothing of it can be read."""
    try:
        for item in _told(frames, part):
            if isinstance(item, Raw):
                name = PurePath(part)
                item.atoms.info |= {"source": part, "set": name.parts[0].removesuffix(name.suffix)}
            yield item
    except TypeMapError as error:
        yield SetAside(part, _reason(error, part), error.n_frames, lacks_types=True)
    except DatasetError as error:
        yield SetAside(part, _reason(error, part))


def _reason(error: DatasetError, part: str) -> str:
    return str(error).removeprefix(f"{part}: ").rstrip(".")


def _parts(
    root: Path, here: Path, label: str, files: list[str], type_map: TypeMap | None
) -> Iterator[tuple[str, Iterator[Item]]]:
    if "type.raw" in files:
        yield label, read_deepmd(here, label, type_map)
    if "FORCE_SETS" in files:
        yield label, phonopy_files.read_force_sets(here, label)
    for file in files:
        path, name = here / file, file if here == root else f"{label}/{file}"
        suffix = path.suffix.lower().replace(".yml", ".yaml")
        if suffix == ".yaml" and "FORCE_SETS" in files:
            continue  # the cell of these forces
        if suffix in READERS and not file.startswith(".") and _is_data(path, suffix):
            yield name, READERS[suffix](path, name)


def _is_data(path: Path, suffix: str) -> bool:
    """Leave JSON, XML and YAML of other kinds in a folder alone."""
    with path.open("rb") as file:
        start = file.read(4096)
        if suffix == ".yaml":
            return b"phonopy:" in start and b"force" in start + file.read(phonopy_files.MAX_BYTES).replace(
                b"force_constants", b""
            )
    if suffix == ".json":
        return b'"numbers"' in start or b"'numbers'" in start or b'"unique_id"' in start
    return suffix != ".xml" or b"<modeling" in start


def _told(frames: Iterator[Item], name: str) -> Iterator[Item]:
    """Turn whatever a reader stumbles over into a message that names the last frame that was good.

    What comes after good frames is set aside: a file that was cut short keeps its beginning.
    """
    last = ""
    try:
        for item in frames:
            last = item.where if isinstance(item, Raw) else last
            yield item
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, UnicodeError) and error.errno is not None:
            raise  # the disk, not the file
        ours = isinstance(error, DatasetError | StructureError)
        reason = str(error).removeprefix(f"{name}: ").rstrip(".") if ours else f"{type(error).__name__}: {error}"
        if last:
            yield SetAside(f"{name}, after {last.removeprefix(f'{name}, ')}", f"the rest cannot be read: {reason}")
        elif isinstance(error, DatasetError):
            raise
        else:
            raise DatasetError(f"{name} cannot be read: {reason}.") from error
