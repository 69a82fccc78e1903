"""The structures that come with the package."""

from dataclasses import dataclass
from functools import lru_cache

import yaml
from ase import Atoms

from mlip_core.assets import asset
from mlip_core.errors import SettingsError
from mlip_core.structures.reading import read_structure


@dataclass(frozen=True, kw_only=True)
class LibraryEntry:
    """One structure of the library, without its atoms."""

    id: str
    """Name in code and in links."""
    name: str
    """Name for people."""
    file: str
    """File under ``assets/structures``."""
    why: str
    """Why it is interesting, one sentence."""
    tags: tuple[str, ...]
    """What it is and shows."""
    source: str
    """Where the lattice constants or the geometry come from."""


@lru_cache(maxsize=1)
def library() -> tuple[LibraryEntry, ...]:
    """Return what the library holds, in the order to be shown."""
    rows = yaml.safe_load(asset("structures", "catalogue.yaml").read_text(encoding="utf-8"))
    return tuple(LibraryEntry(**{**row, "tags": tuple(row["tags"])}) for row in rows)


def library_structure(id: str) -> Atoms:
    """Return one structure of the library.

    Parameters
    ----------
    id : str
        :attr:`LibraryEntry.id`.

    Returns
    -------
    Atoms
        A fresh copy; ``info["name"]`` is the name for people.

    Raises
    ------
    SettingsError
        If there is none of this name.
    """
    return _stored(id).copy()


@lru_cache(maxsize=64)
def _stored(id: str) -> Atoms:
    entries = {entry.id: entry for entry in library()}
    if id not in entries:
        raise SettingsError(f"the library has no structure {id!r}; it has {', '.join(entries)}")
    atoms = read_structure(asset("structures", entries[id].file))
    atoms.info["name"] = entries[id].name
    return atoms
