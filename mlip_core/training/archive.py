"""The labelled structures as one small compressed file, so that training can go on elsewhere."""

import lzma
from io import StringIO
from pathlib import Path

from ase import Atoms
from ase.io import read, write

from mlip_core.errors import DatasetError
from mlip_core.training.labels import CHUNK, label_file, read_all_labels, write_frames


def pack(folder: Path, archive: Path) -> int:
    """Write every label of a training folder into one ``.extxyz.xz`` file.

    Parameters
    ----------
    folder : path
        Training folder with ``labels/``.
    archive : path
        File to write, in one step.

    Returns
    -------
    int
        Number of structures.
    """
    structures = read_all_labels(folder)
    text = StringIO()
    write(text, structures, format="extxyz", write_results=False)
    part = archive.with_name(archive.name + ".part")
    part.write_bytes(lzma.compress(text.getvalue().encode(), preset=9 | lzma.PRESET_EXTREME))
    part.replace(archive)
    return len(structures)


def read_archive(archive: Path) -> list[Atoms]:
    """Read a file written by :func:`pack`.

    Returns
    -------
    list of Atoms
        As :func:`mlip_core.training.labels.read_labels` gives them.

    Raises
    ------
    DatasetError
        If it is missing or damaged.
    """
    try:
        text = lzma.decompress(archive.read_bytes()).decode()
    except (OSError, lzma.LZMAError) as error:
        raise DatasetError(f"{archive} cannot be read: {error}. Fetch it again, or run the label command.") from error
    return read(StringIO(text), format="extxyz", index=":")


def unpack(archive: Path, folder: Path) -> int:
    """Write the label files of a training folder from an archive.

    Parameters
    ----------
    archive : path
        File written by :func:`pack`.
    folder : path
        Training folder; label files that are there already stay as they are.

    Returns
    -------
    int
        Number of structures in the archive.
    """
    structures = read_archive(archive)
    for index in range(0, -(-len(structures) // CHUNK)):
        path = label_file(folder, index)
        if not path.exists():
            write_frames(path, structures[index * CHUNK : (index + 1) * CHUNK])
    return len(structures)
