"""DeePMD's npy folders: ``type.raw`` and arrays in ``set.*``, plain or of mixed composition."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any, TypeAlias

import numpy as np
from ase import Atoms

from mlip_core.datasets.formats import Raw, Remark, attach
from mlip_core.errors import DatasetError, StructureError
from mlip_core.structures.species import Named, element_of, isotope_note

TypeMap: TypeAlias = Sequence[str] | Mapping[str, str]
"""Elements of the types 0, 1, 2 …, or the element for each name of a ``type_map.raw``."""
_MOST_TYPES = 1000


class TypeMapError(DatasetError):
    """A DeePMD system does not say which elements its types are, and no map was given."""

    n_frames = 1
    """Frames of the system."""


def read_deepmd(folder: Path, label: str, type_map: TypeMap | None = None) -> Iterator[Raw | Remark]:
    """Read one system, its arrays mapped into memory; arrays of objects, which would be unpickled, are refused.

    Parameters
    ----------
    folder : path
        Holds type.raw, set.*/coord.npy and, where they are there, type_map.raw, nopbc,
        box.npy, energy.npy, force.npy, virial.npy and real_atom_types.npy.
    label : str
        How the folder is called in messages.
    type_map : sequence or mapping of str, optional
        Elements, for a system without ``type_map.raw`` or with names in it that are none.

    Yields
    ------
    Raw or Remark
        The virial as the file has it (an energy) in ``info``.

    Raises
    ------
    TypeMapError
        If it is not known which elements the types are.
    DatasetError
        If an array is missing, damaged or of another shape.
    """
    types = _types(folder / "type.raw", label)
    sets = [
        _Arrays(path, len(types), f"{label}, {path.name}") for path in sorted(folder.glob("set.*")) if path.is_dir()
    ]
    if not sets:
        raise DatasetError(f"{label}: there is no folder set.000 with the arrays of this DeePMD system.")
    used = np.concatenate([types, *(arrays.types.ravel() for arrays in sets if arrays.types is not None)])
    used = used if any(arrays.types is None for arrays in sets) else used[len(types) :]
    try:
        numbers, isotopes = _numbers(_names(folder / "type_map.raw"), used, label, type_map)
    except TypeMapError as error:
        error.n_frames = sum(arrays.n_frames for arrays in sets)
        raise
    if isotopes:
        yield Remark(f"{label}: {isotope_note()}.")
    periodic = not (folder / "nopbc").exists()
    frames = ((arrays, k) for arrays in sets for k in range(arrays.n_frames))
    for frame, (arrays, k) in enumerate(frames):
        kinds = types if arrays.types is None else arrays.types[k]
        yield Raw(_atoms(arrays, k, kinds, numbers, periodic), f"{label}, frame {frame}")


def _types(path: Path, label: str) -> np.ndarray:
    try:
        types = np.array(path.read_text(encoding="ascii").split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise DatasetError(f"{label}: expected whole numbers, the type of each atom, in type.raw.") from error
    if len(types) == 0 or types.min() < 0 or types.max() >= _MOST_TYPES:
        raise DatasetError(f"{label}: expected types from 0 to {_MOST_TYPES - 1} in type.raw, at least one.")
    return types


def _names(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").split() if path.is_file() else []


def _numbers(names: list[str], types: np.ndarray, label: str, type_map: TypeMap | None) -> tuple[np.ndarray, bool]:
    """Atomic number of each type, 0 for types that are not used, and whether one is an isotope of hydrogen."""
    needed = np.unique(types[types >= 0])
    found, isotopes, missing = np.zeros(int(needed.max(initial=0)) + 1, dtype=int), False, []
    for kind in needed:
        name = names[kind] if kind < len(names) else ""
        named = _named(name) or _named(_mapped(type_map, int(kind), name))
        if named is not None:
            found[kind] = named.z
            isotopes |= named.isotope
        else:
            missing.append(f"{kind} ({name})" if name else str(kind))
    if missing:
        reason = "its type_map.raw does not name elements" if names else "it has no type_map.raw"
        raise TypeMapError(
            f"{label}: it is not known which elements the types {', '.join(missing[:8])} are: {reason}. "
            'Say type_map=("O", "H") or alike, the elements of types 0, 1, …, or add type_map.raw'
        )
    return found, isotopes


def _mapped(type_map: TypeMap | None, kind: int, name: str) -> str:
    if isinstance(type_map, Mapping):
        return str(type_map.get(name, ""))
    return str(type_map[kind]) if type_map is not None and kind < len(type_map) else ""


def _named(name: str) -> Named | None:
    try:
        return element_of(name, "") if name else None
    except StructureError:
        return None


class _Arrays:
    """The arrays of one set, mapped into memory, with their shapes checked."""

    def __init__(self, part: Path, n_atoms: int, label: str) -> None:
        self._part, self._label = part, label
        coord = self._load("coord")
        if coord is None:
            raise DatasetError(f"{label}: there is no coord.npy.")
        self.n_frames = len(coord)
        self.coord = self._reshaped("coord", coord, (n_atoms, 3))
        self.box = self._shaped("box", self._load("box"), (3, 3))
        self.energy = self._shaped("energy", self._load("energy"), ())
        self.force = self._shaped("force", self._load("force"), (n_atoms, 3))
        self.virial = self._shaped("virial", self._load("virial"), (3, 3))
        types = self._shaped("real_atom_types", self._load("real_atom_types"), (n_atoms,))
        self.types = None if types is None else self._whole(types)

    def _load(self, name: str) -> np.ndarray | None:
        path = self._part / f"{name}.npy"
        if not path.is_file():
            return None
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError, SyntaxError, OverflowError, TypeError, TokenError) as error:
            raise DatasetError(f"{self._label}: {name}.npy is damaged, incomplete, or holds objects.") from error
        if array.dtype.kind not in "fiu" or array.ndim == 0:
            raise DatasetError(f"{self._label}: expected numbers in {name}.npy, but found {array.dtype}.")
        return array

    def _shaped(self, name: str, array: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray | None:
        return None if array is None else self._reshaped(name, array, shape)

    def _reshaped(self, name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if array.size != self.n_frames * int(np.prod(shape)) or len(array) != self.n_frames:
            raise DatasetError(
                f"{self._label}: {name}.npy has shape {array.shape}; expected {self.n_frames} frames of "
                f"{' × '.join(map(str, shape)) or 'one number'}, as coord.npy and type.raw say."
            )
        return array.reshape(self.n_frames, *shape)

    def _whole(self, types: np.ndarray) -> np.ndarray:
        whole = np.asarray(types).astype(np.int64)
        if (whole != types).any() or whole.max(initial=0) >= _MOST_TYPES:
            raise DatasetError(f"{self._label}: expected types, whole numbers, in real_atom_types.npy.")
        return whole


def _atoms(arrays: _Arrays, k: int, types: np.ndarray, numbers: np.ndarray, periodic: bool) -> Atoms:
    there = types >= 0  # −1 fills up a mixed system
    cell = None if arrays.box is None or not periodic else np.array(arrays.box[k], dtype=float)
    atoms = Atoms(
        numbers=numbers[types[there]],
        positions=np.array(arrays.coord[k][there], dtype=float),
        cell=cell,
        pbc=cell is not None,
    )
    results: dict[str, Any] = {} if arrays.energy is None else {"energy": float(arrays.energy[k])}
    if arrays.force is not None:
        results["forces"] = np.array(arrays.force[k][there], dtype=float)
    attach(atoms, results)
    if arrays.virial is not None and cell is not None:
        atoms.info["virial"] = np.array(arrays.virial[k], dtype=float)
    return atoms
