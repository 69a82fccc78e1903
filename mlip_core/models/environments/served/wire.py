"""Messages between two processes: a header in JSON and plain arrays, so that nothing read can run code."""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np
from ase import Atoms

Arrays = dict[str, np.ndarray]
Answer = tuple[float, np.ndarray, "np.ndarray | None"]
"""Energy (eV), forces (n_atoms, 3) in eV/Å, and stress (3, 3) in eV/Å³ with ASE's sign or None."""

TYPES = ("<f8", "<i8", "|b1")
"""Types of numbers that an array may hold."""
LONGEST_HEADER = 1 << 24
"""Bytes; anything longer is no header."""
TOLD = ("charge", "spin_multiplicity")
"""What a structure may say about itself in ``info`` besides its atoms and cell."""
_LENGTH = struct.Struct("<Q")


def write(stream: IO[bytes], header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> None:
    """Write one message.

    Parameters
    ----------
    stream : binary file
        Where to.
    header : mapping
        JSON-able.
    arrays : mapping, optional
        Arrays of floats, integers or booleans, by name.
    """
    plain = {name: _plain(array) for name, array in (arrays or {}).items()}
    kinds = [[name, array.dtype.str, array.shape] for name, array in plain.items()]
    text = json.dumps({**header, "arrays": kinds}).encode()
    stream.write(_LENGTH.pack(len(text)) + text)
    for array in plain.values():
        stream.write(array.tobytes())
    stream.flush()


def read(stream: IO[bytes]) -> tuple[dict[str, Any], Arrays]:
    """Read one message.

    Returns
    -------
    tuple
        Header, and arrays by name.

    Raises
    ------
    EOFError
        If the stream ends before the message does.
    ValueError
        If this is no message.
    """
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > LONGEST_HEADER:
        raise ValueError(f"no message: its header would have {length} bytes")
    header = json.loads(_exactly(stream, length))
    arrays = {}
    for name, kind, shape in header.pop("arrays"):
        if kind not in TYPES:
            raise ValueError(f"no message: {name} would hold numbers of type {kind}")
        array = np.empty(shape, kind)
        arrays[name] = np.frombuffer(_exactly(stream, array.nbytes), kind).reshape(shape).copy()
    return header, arrays


def structures_to_message(structures: Sequence[Atoms]) -> tuple[dict[str, Any], Arrays]:
    """Take structures apart: what each says about itself for the header, and arrays over all their atoms."""
    told = [{key: float(atoms.info[key]) for key in TOLD if key in atoms.info} for atoms in structures]
    arrays = {
        "counts": np.array([len(atoms) for atoms in structures], dtype=np.int64),
        "numbers": np.concatenate([atoms.numbers for atoms in structures]).astype(np.int64),
        "positions": np.concatenate([atoms.positions for atoms in structures]),
        "cells": np.array([atoms.cell.array for atoms in structures]),
        "pbc": np.array([atoms.pbc for atoms in structures]),
    }
    return {"info": told}, arrays


def message_to_structures(header: Mapping[str, Any], arrays: Arrays) -> list[Atoms]:
    """Put structures together again."""
    parts = zip(
        _split(arrays["numbers"], arrays["counts"]),
        _split(arrays["positions"], arrays["counts"]),
        arrays["cells"],
        arrays["pbc"],
        header["info"],
        strict=True,
    )
    return [Atoms(numbers, positions, cell=cell, pbc=pbc, info=info) for numbers, positions, cell, pbc, info in parts]


def answers_to_arrays(answers: Sequence[Answer]) -> Arrays:
    """Put the answers for a list of structures into arrays."""
    none = np.full((3, 3), np.nan)
    return {
        "energies": np.array([energy for energy, _, _ in answers], dtype=float),
        "counts": np.array([len(forces) for _, forces, _ in answers], dtype=np.int64),
        "forces": np.concatenate([np.asarray(forces, dtype=float) for _, forces, _ in answers]),
        "stresses": np.array([none if stress is None else stress for _, _, stress in answers], dtype=float),
        "has_stress": np.array([stress is not None for _, _, stress in answers]),
    }


def arrays_to_answers(arrays: Arrays) -> list[Answer]:
    """Take the answers out of their arrays."""
    forces = _split(arrays["forces"], arrays["counts"])
    parts = zip(arrays["energies"], forces, arrays["stresses"], arrays["has_stress"], strict=True)
    return [(float(energy), force, stress if told else None) for energy, force, stress, told in parts]


def _plain(array: np.ndarray) -> np.ndarray:
    kind = {"f": "<f8", "i": "<i8", "u": "<i8", "b": "|b1"}[array.dtype.kind]
    return np.ascontiguousarray(array, dtype=kind)


def _split(array: np.ndarray, counts: np.ndarray) -> list[np.ndarray]:
    return np.split(array, np.cumsum(counts)[:-1])


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError("the other side closed the pipe")
    return data
