"""Everything that decides what a bundled model becomes: one YAML file a model."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from mlip_core.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Crystal:
    """A parent material."""

    name: str
    """Name in the data set and on the card."""
    formula: str
    """Elements of the two sites, as ASE's ``bulk`` wants them: "Si", "SiC", "NaCl"."""
    lattice: str
    """Kind of lattice: "fcc", "diamond", "zincblende" or "rocksalt"."""
    a: float
    """Cubic lattice constant at which the teacher's relaxation starts, Å."""
    counts: dict[str, int]
    """Number of structures of each kind of :data:`mlip_core.training.structures.KINDS`."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """How structures are made."""

    seed: int
    """Seed of every random number in the data."""
    strain: float
    """Largest entry of the strain tensor, a pure number."""
    rattles: tuple[float, ...]
    """Standard deviations of Gaussian displacements per component, Å; used in turn."""
    displacements: tuple[float, ...]
    """Lengths of single-atom displacements, Å; used in turn."""
    children: int
    """Number of structures that share a parent (cell, strain and defect)."""
    validation: float
    """Share of the parents kept for validation, 0 to 1."""
    test: float
    """Share of the parents kept for the test, 0 to 1."""
    crystals: tuple[Crystal, ...]
    """The crystals from which structures are made."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One metatrain run; each starts from the best checkpoint of the one before."""

    name: str
    """Name of its folder."""
    options: dict[str, Any]
    """metatrain's options without data: ``architecture``, ``targets`` and what else is not its default."""
    note: str = ""
    """What was done otherwise when the shipped model was made; it goes on the card."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of one bundled model."""

    name: str
    """Name in the catalogue; the export is ``<name>.pt``, the card ``<name>.yaml``."""
    teacher: str
    """Name in the catalogue of the potential that labels the structures."""
    data: Data
    """How the structures are made."""
    stages: tuple[Stage, ...] = field(default=())
    """Stages of the training, in order."""


def read_settings(path: str | Path) -> TrainingSettings:
    """Read the settings of a bundled model.

    Parameters
    ----------
    path : path
        YAML file with the fields of :class:`TrainingSettings`; ``data`` may name
        a settings file beside it, to take its data.

    Returns
    -------
    TrainingSettings

    Raises
    ------
    SettingsError
        If the file is missing, or a field is missing or unknown.
    """
    tree = _tree(Path(path))
    data = tree.get("data")
    if isinstance(data, str):
        data = _tree(Path(path).with_name(data)).get("data")
    data = _mapping(data, "data")
    crystals = tuple(_build(Crystal, entry, "data.crystals") for entry in data.get("crystals", ()))
    made = _build(Data, {**_tuples(data), "crystals": crystals}, "data")
    stages = tuple(_build(Stage, entry, "stages") for entry in tree.get("stages", ()))
    return _build(TrainingSettings, {**tree, "data": made, "stages": stages}, str(path))


def _tree(path: Path) -> dict[str, Any]:
    try:
        return _mapping(yaml.safe_load(path.read_text(encoding="utf-8")), path)
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"the training settings {path} cannot be read: {error}") from error


def _mapping(value: Any, where: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"{where}: expected named fields, found {type(value).__name__}")
    return value


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _build(kind: Any, values: dict[str, Any], where: str) -> Any:
    unknown = set(_mapping(values, where)) - {f.name for f in fields(kind)}
    if unknown:
        raise SettingsError(f"{where}: unknown {', '.join(sorted(unknown))}")
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingsError(f"{where}: {error}") from error
