"""ASE's ULM files (``.traj``) within the bounds of the file: plain numbers and text, nothing that a file names is built."""

import json
from typing import Any, TypeAlias

import numpy as np

from mlip_core.errors import StructureError
from mlip_core.structures.words import depth_of

MARKS = (b"- of Ulm", b"AFFormat")
Buffer: TypeAlias = bytes | memoryview
_NUMERIC = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"}
DEEPEST = 100
"""Brackets open at a time; a structure needs less than ten."""


def count_items(data: Buffer) -> int:
    """Count the frames of a file.

    Parameters
    ----------
    data : bytes or memoryview
        The file.

    Raises
    ------
    StructureError
        If this is no ULM file, or its header is damaged.
    """
    if bytes(data[:8]) not in MARKS:
        raise StructureError(
            "The first eight bytes: expected the mark of an ASE trajectory. Write it again with ase.io.write. "
            "(Trajectories of ASE before 2015 hold code and are not read.)"
        )
    n_items = _integers(data, 32, 1, "The header")[0]
    if not 0 <= n_items <= len(data) // 8:
        raise StructureError("The header: the number of frames is not possible. The file is damaged or incomplete.")
    return n_items


def read_item(data: Buffer, index: int, where: str) -> dict[str, Any]:
    """Read what ASE wrote for one frame.

    Parameters
    ----------
    data : bytes or memoryview
        The file; of a memory map only what belongs to the frame is read.
    index : int
        From 0 to :func:`count_items` − 1.
    where : str
        What the frame is called in messages.

    Returns
    -------
    dict
        Field → plain value, array or dict of these.

    Raises
    ------
    StructureError
        If it is damaged.
    """
    table = _integers(data, 40, 1, "The header")[0]
    tree = _tree(data, _integers(data, table + 8 * index, 1, "The table of frames")[0], where)
    order = "<" if tree.pop("_little_endian", True) else ">"
    return _resolved(data, tree, order, where)


def _integers(data: Buffer, at: int, count: int, what: str) -> list[int]:
    if not 0 <= at <= len(data) - 8 * count:
        raise StructureError(
            f"{what}: the file ends, or points outside itself, at byte {at}. It is damaged or incomplete."
        )
    return np.frombuffer(data, "<i8", count, at).tolist()


def _tree(data: Buffer, at: int, where: str) -> dict[str, Any]:
    size = _integers(data, at, 1, where)[0]
    tree = parse_json(bytes(data[at + 8 : at + 8 + max(size, 0)]), where)
    if not isinstance(tree, dict):
        raise StructureError(f"{where}: expected ASE's description of the frame. The file is damaged.")
    return tree


def _resolved(data: Buffer, tree: dict[str, Any], order: str, where: str) -> dict[str, Any]:
    found = {}
    for name, value in tree.items():
        if not name.endswith(".") or not isinstance(value, dict):
            found[name] = value
        elif "ndarray" in value:
            found[name[:-1]] = stored_array(data, value["ndarray"], order, f"{where}, field {name[:-1]}")
        else:
            found[name[:-1]] = _resolved(data, value, order, where)
    return found


def stored_array(data: Buffer, entry: Any, order: str, where: str) -> np.ndarray:
    """Return an array of numbers that lies somewhere in the file.

    Parameters
    ----------
    data : bytes or memoryview
    entry : [shape, dtype, offset]
    order : {"<", ">"}
    where : str
        For the message.

    Raises
    ------
    StructureError
        If it is not of numbers, or not wholly inside the file.
    """
    try:
        shape, dtype, at = entry
        sizes = [int(n) for n in shape]
        count = int(np.prod(sizes, dtype=object))
        if dtype not in _NUMERIC or min(sizes, default=0) < 0 or at < 0:
            raise ValueError("not an array of numbers")
        kind = np.dtype(dtype).newbyteorder(order)
        return np.frombuffer(data, kind, count, at).reshape(sizes) if count else np.zeros(0)
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise StructureError(
            f"{where}: expected an array of numbers inside the file. It is damaged or incomplete."
        ) from error


def parse_json(text: bytes, where: str) -> Any:
    """Parse JSON that is not nested too deeply to be parsed safely; name ``where`` in the error."""
    if depth_of(text) > DEEPEST:
        raise StructureError(f"{where}: this JSON is nested too deeply to be a structure.")
    try:
        return json.loads(text.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise StructureError(
            f"{where}: line {error.lineno}, column {error.colno}: this is not JSON ({error.msg})."
        ) from error
    except UnicodeDecodeError as error:
        raise StructureError(f"{where}: this is not JSON: it is not text in UTF-8.") from error
    except ValueError as error:
        raise StructureError(f"{where}: this JSON has a number too long to be that of a structure.") from error
