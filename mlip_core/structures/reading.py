"""From a file, or pasted text, to a structure."""

import re
from pathlib import Path, PurePath

import numpy as np
from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.structures.ase_files import read_json, read_traj
from mlip_core.structures.cif import read_cif
from mlip_core.structures.poscar import read_poscar
from mlip_core.structures.ulm import MARKS as ULM_MARKS
from mlip_core.structures.validation import MAX_ATOMS, check
from mlip_core.structures.vasprun import read_vasprun
from mlip_core.structures.words import Parsed, is_number, lines_of
from mlip_core.structures.xdatcar import FRAME, read_xdatcar
from mlip_core.structures.xyz import read_xyz

MAX_BYTES = 20_000_000
MAX_VASPRUN_BYTES = 200_000_000
"""A vasprun.xml holds much beside its structures, which is not kept in memory."""
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
    ".xml": "vasprun.xml",
    ".xdatcar": "XDATCAR",
}
_TEXTS = {"CIF": read_cif, "POSCAR": read_poscar, "XDATCAR": read_xdatcar, "XYZ": read_xyz, "ASE JSON": read_json}
_BYTES = {"ASE trajectory": read_traj, "vasprun.xml": read_vasprun}
_CIF_LINE = re.compile(r"^[ \t]*(data_|loop_[ \t]*$|_cell_length_a\b|_atom_site_)", re.IGNORECASE | re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_XML = (b"<?xml", b"<modeling")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read_structure(source: str | Path | bytes, name: str | None = None, *, max_atoms: int = MAX_ATOMS) -> Atoms:
    """Read and validate a structure: CIF, POSCAR/CONTCAR, XDATCAR, vasprun.xml, (extended) XYZ, ASE JSON or trajectory.

    Parameters
    ----------
    source : path or bytes
        The file, or what is in it.
    name : str, optional
        Name of the file the bytes came from. Its ending, or POSCAR, CONTCAR or XDATCAR in it,
        decides the format; otherwise the content does.
    max_atoms : int
        More are refused.

    Returns
    -------
    Atoms
        Elements, positions (Å), cell and periodicity; the last frame or data block of several,
        the last whole one of an XDATCAR or vasprun.xml that breaks off. Atoms that the file
        holds fixed are fixed by constraints of ASE. ``info`` is empty, but for ``notes`` (str,
        one a line) where something in the file was understood otherwise than it is written, or
        not taken over. Comments, velocities, moments and results are left behind.

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
        parsed.atoms.info["notes"] = "\n".join(parsed.notes)
    return parsed.atoms


def _content(source: str | Path | bytes, name: str | None) -> tuple[bytes, str]:
    """Bytes and name, once they are known to be of sane size."""
    if isinstance(source, bytes | bytearray | memoryview):
        size, most = len(source), _most(name or "", bytes(source[:100]))
        data = bytes(source) if size <= most else b""
    else:
        path = Path(source)
        name = path.name if name is None else name
        try:
            with path.open("rb") as file:
                size, most = path.stat().st_size, _most(name, file.read(100))
                file.seek(0)
                data = file.read(most + 1) if size <= most else b""
        except (OSError, ValueError) as error:
            reason = (
                "is a folder, not a file" if isinstance(error, IsADirectoryError) else "cannot be opened: is it there?"
            )
            raise StructureError(f"{path} {reason}") from error
    if size > most:
        raise StructureError(
            f"The file has {size / 1e6:.0f} MB, at most {most / 1e6:.0f} MB are read. Keep the last frame only."
        )
    if not data.strip():
        raise StructureError("The file is empty.")
    return data, name or ""


def _most(name: str, start: bytes) -> int:
    """Return the largest number of bytes that is read of such a file."""
    return MAX_VASPRUN_BYTES if PurePath(name.lower()).suffix == ".xml" or start.startswith(_XML) else MAX_BYTES


def _form(data: bytes, name: str) -> str:
    path = PurePath(name.lower())
    form = _ENDINGS.get(path.suffix)
    if form is None and any(word in path.name for word in ("poscar", "contcar")):
        form = "POSCAR"
    if "xdatcar" in path.name and form in (None, "POSCAR"):
        return "XDATCAR"
    if form is not None:
        return _form_of_vasp(data) if form == "POSCAR" else form
    if data[:8] in ULM_MARKS:
        return "ASE trajectory"
    return "vasprun.xml" if _is_vasprun(data) else _form_of_text(_text(data))


def _is_vasprun(data: bytes) -> bool:
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and b"<modeling" in start


def _form_of_vasp(data: bytes) -> str:
    """XDATCAR where a file with the name of a POSCAR has the frames of one."""
    return "XDATCAR" if FRAME.search(_text(data)) else "POSCAR"


def _form_of_text(text: str) -> str:
    if text.lstrip().startswith("{"):
        return "ASE JSON"
    if _CIF_LINE.search(text):
        return "CIF"
    lines = lines_of(text)
    first = next((line.strip() for line in lines if line.strip()), None)
    if first is None:
        raise StructureError("The file is empty.")
    if len(lines) > 5 and all(map(_begins_with_a_number, lines[1:5])) and _is_lattice(first, lines):
        return "XDATCAR" if FRAME.search(text) else "POSCAR"
    if re.fullmatch(r"\d+", first, re.ASCII):
        return "XYZ"
    raise StructureError(
        "The content is none of the known formats: CIF (expected data_ or loop_ lines), XYZ (expected the number of atoms "
        "in line 1), POSCAR or XDATCAR (expected the scaling factor in line 2 and lattice vectors in lines 3–5), "
        "vasprun.xml, ASE JSON or trajectory."
    )


def _is_lattice(first: str, lines: list[str]) -> bool:
    """Whether the lines 3 to 5 can be lattice vectors; where the title is a number, they must look like nothing else."""
    if not first.isdecimal():
        return True
    return len(lines[1].split()) in (1, 3) and all(
        len(words) >= 3 and all(map(is_number, words[:3])) and not any(map(is_number, words[3:4]))
        for words in (line.split() for line in lines[2:5])
    )


def _begins_with_a_number(line: str) -> bool:
    words = line.split(maxsplit=1)
    return bool(words) and is_number(words[0])


def _parse(data: bytes, form: str, max_atoms: int) -> Parsed:
    if form in _BYTES:
        return _BYTES[form](data, max_atoms)
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
