"""What every reader of a format gives: structures with their results attached, one after the other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.datasets.dataset import SetAside
from mlip_core.structures.xyz_frames import attach_results, frames, open_xyz


class Raw(NamedTuple):
    """A structure as its file gave it."""

    atoms: Atoms
    """With arrays, info and attached results."""
    where: str
    """Where it is, for messages: file and frame, counted from 0."""


class Remark(NamedTuple):
    """What a person should know about a file."""

    text: str
    """A sentence."""


Item = Raw | SetAside | Remark
"""What a reader yields: a structure, why there is none, or something to be told."""


def attach(atoms: Atoms, results: dict[str, Any]) -> None:
    """Attach results as ASE does, where there are any."""
    if results:
        atoms.calc = SinglePointCalculator(atoms, **results)


def read_extxyz(path: Path, label: str) -> Iterator[Item]:
    """Read one frame at a time; a frame that cannot be read is set aside, with its line.

    Parameters
    ----------
    path : path
        XYZ or extended XYZ.
    label : str
        How the file is called in messages.

    Yields
    ------
    Raw, SetAside or Remark
    """
    told: set[str] = set()
    with open_xyz(path) as file:
        for frame in frames(file):
            where = f"{label}, frame {frame.number}"
            if frame.atoms is None:
                line, _, reason = str(frame.error).rstrip(".").partition(": ")
                yield SetAside(f"{where}, {line}", reason)
                continue
            for note in frame.notes:
                kind = re.sub(r"\d+", "", note)  # once, and not for every number of atoms
                if kind not in told:
                    told.add(kind)
                    yield Remark(f"{label}: {note.rstrip('.')}.")
            attach_results(frame.atoms)
            yield Raw(frame.atoms, where)
