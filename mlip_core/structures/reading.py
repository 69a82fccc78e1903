"""From a file, or pasted text, to a structure."""

import re
from pathlib import Path, PurePath

import numpy as np
from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.structures.ase_files import ULM, read_json, read_traj
from mlip_core.structures.cif import read_cif
from mlip_core.structures.poscar import read_poscar
from mlip_core.structures.validation import MAX_ATOMS, check
from mlip_core.structures.words import Parsed, is_number, lines_of
from mlip_core.structures.xyz import read_xyz

MAX_BYTES = 20_000_000
_ENDINGS = {
    ".cif": "CIF",
    ".mcif": "CIF",
    ".vasp": "POSCAR",
    ".poscar": "POSCAR",
    ".contcar": "POSCAR",
    ".xyz": "XYZ",
    ".extxyz": "XYZ",
    ".json": "ASE JSON",
    ".traj": "ASE trajectory",
}
_TEXTS = {"CIF": read_cif, "POSCAR": read_poscar, "XYZ": read_xyz, "ASE JSON": read_json}
_CIF_LINE = re.compile(r"^[ \t]*(data_|loop_[ \t]*$|_cell_length_a\b|_atom_site_)", re.IGNORECASE | re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read_structure(source: str | Path | bytes, name: str | None = None, *, max_atoms: int = MAX_ATOMS) -> Atoms:
    """Read and validate a structure: CIF, POSCAR/CONTCAR, (extended) XYZ, ASE JSON or trajectory.

    Parameters
    ----------
    source : path or bytes
        The file, or what is in it.
    name : str, optional
        Name of the file the bytes came from. Its ending, or POSCAR or CONTCAR in it, decides
        the format; otherwise the content does.
    max_atoms : int
        More are refused.

    Returns
    -------
    Atoms
        Elements, positions (Å), cell and periodicity; the last frame or data block of several.
        ``info`` is empty, but for ``notes`` (str) where something in the file was understood and
        not taken over. Comments, constraints, velocities, moments and results are left behind.

    Raises
    ------
    StructureError
        If this is not a structure, or not one that can be computed
        (:func:`mlip_core.structures.validate`): the message names the line, field or atom,
        and what was expected.
    """
    data, name = _content(source, name)
    form = _form(data, name)
    try:
        with np.errstate(all="ignore"):  # what overflows is refused below
            parsed = _parse(data, form, max_atoms)
        check(parsed.atoms, max_atoms, parsed.where)
    except StructureError:
        raise
    except Exception as error:
        raise StructureError(
            f"This {form} file cannot be understood. Write it once more with another program."
        ) from error
    if parsed.notes:
        parsed.atoms.info["notes"] = "; ".join(parsed.notes)
    return parsed.atoms


def _content(source: str | Path | bytes, name: str | None) -> tuple[bytes, str]:
    """Bytes and name, once they are known to be of sane size."""
    if isinstance(source, bytes | bytearray | memoryview):
        size, data = len(source), bytes(source[: MAX_BYTES + 1])
    else:
        path = Path(source)
        try:
            size = path.stat().st_size
            data = path.read_bytes() if size <= MAX_BYTES else b""
        except (OSError, ValueError) as error:
            reason = (
                "is a folder, not a file" if isinstance(error, IsADirectoryError) else "cannot be opened: is it there?"
            )
            raise StructureError(f"{path} {reason}") from error
        name = path.name if name is None else name
    if size > MAX_BYTES:
        raise StructureError(
            f"The file has {size / 1e6:.0f} MB, at most {MAX_BYTES / 1e6:.0f} MB are read. Keep the last frame only."
        )
    if not data.strip():
        raise StructureError("The file is empty.")
    return data, name or ""


def _form(data: bytes, name: str) -> str:
    path = PurePath(name.lower())
    if path.suffix in _ENDINGS:
        return _ENDINGS[path.suffix]
    if "poscar" in path.name or "contcar" in path.name:
        return "POSCAR"
    if data[:8] in ULM:
        return "ASE trajectory"
    return _form_of_text(_text(data))


def _form_of_text(text: str) -> str:
    if text.lstrip().startswith("{"):
        return "ASE JSON"
    if _CIF_LINE.search(text):
        return "CIF"
    lines = lines_of(text)
    first = next((line.strip() for line in lines if line.strip()), None)
    if first is None:
        raise StructureError("The file is empty.")
    if re.fullmatch(r"\d+", first, re.ASCII):
        return "XYZ"
    if len(lines) > 5 and all(map(_begins_with_a_number, lines[1:5])):
        return "POSCAR"
    raise StructureError(
        "The content is none of the known formats: CIF (expected data_ or loop_ lines), XYZ (expected the number of atoms "
        "in line 1), POSCAR (expected the scaling factor in line 2 and lattice vectors in lines 3–5), ASE JSON or trajectory."
    )


def _begins_with_a_number(line: str) -> bool:
    words = line.split(maxsplit=1)
    return bool(words) and is_number(words[0])


def _parse(data: bytes, form: str, max_atoms: int) -> Parsed:
    if form == "ASE trajectory":
        return read_traj(data, max_atoms)
    return _TEXTS[form](_text(data), max_atoms)


def _text(data: bytes) -> str:
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # what older CIF programs write
    if control := _CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise StructureError(f"line {line}: expected text, but found bytes that are not. Is this another kind of file?")
    return text
