"""What a metatrain checkpoint says of itself, read without torch and without running what is stored in it."""

import pickle
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ase.data import chemical_symbols

FORCE_HEADS = {"non_conservative_force", "non_conservative_forces"}
"""Names under which metatrain trains forces directly, today's and the former one."""


class Contents(NamedTuple):
    """What a checkpoint was trained on."""

    targets: frozenset[str]
    """Names of what it predicts, as metatrain calls them: ``energy``, ``non_conservative_force``, …"""
    elements: tuple[str, ...]
    """Symbols of the elements it covers, by atomic number."""

    @property
    def direct(self) -> bool:
        """Whether it has a head for forces."""
        return bool(self.targets & FORCE_HEADS)


def contents(path: Path) -> Contents | None:
    """Read what a checkpoint predicts and for which elements.

    Parameters
    ----------
    path : path
        A ``.ckpt`` file as metatrain writes it. It is read as data: every class and function that it
        names is replaced by one that does nothing, so that a file of any origin may be looked at.

    Returns
    -------
    Contents or None
        None where the file is no such checkpoint. Read again only when its size or time of change differ.
    """
    state = path.stat()
    return _contents(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _contents(path: Path, _changed: int, _size: int) -> Contents | None:
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(name) as file:
                checkpoint = _Inert(file).load()
        while "wrapped_model_checkpoint" in checkpoint:  # a model that adds uncertainties to another
            checkpoint = checkpoint["wrapped_model_checkpoint"]
        trained = checkpoint["model_data"]["dataset_info"].state
        numbers = sorted(trained["_atomic_types"])
        return Contents(frozenset(trained["targets"]), tuple(chemical_symbols[z] for z in numbers))
    except Exception:  # whatever a file of another kind, or a damaged one, makes of this
        return None


class _Nothing:
    """Stands for every object of a checkpoint; keeps its state and does nothing."""

    state: Any = None

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Take a value, as a list does."""


class _Inert(pickle.Unpickler):
    """Reads plain dictionaries, lists, numbers and words; everything else becomes :class:`_Nothing`."""

    def find_class(self, module: str, name: str) -> Any:
        return _Nothing

    def persistent_load(self, pid: Any) -> None:
        """Leave the arrays where they are."""
