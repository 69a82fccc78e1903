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
    counts: dict[str, int]
    """Number of structures of each kind of :data:`mlip_core.training.structures.KINDS`."""
    formula: str = ""
    """Elements of the sites of a cubic lattice, as ASE's ``bulk`` wants them: "Si", "SiC", "NaCl", "CaF2"."""
    lattice: str = ""
    """Kind of cubic lattice: "fcc", "bcc", "diamond", "zincblende", "rocksalt", "cesiumchloride" or "fluorite"."""
    a: float = 0.0
    """Cubic lattice constant at which the teacher's relaxation starts, Å."""
    library: str = ""
    """Id of a structure of the library, in place of formula, lattice and lattice constant."""
    bands: tuple[int, int, int] | None = (3, 3, 3)
    """Supercell of the cubic or the library's cell for the bands on the card; None measures no bands."""

    def __post_init__(self) -> None:
        cubic = bool(self.formula and self.lattice and self.a)
        if cubic == bool(self.library):
            raise SettingsError(
                f"crystal {self.name}: give either formula, lattice and a of a cubic crystal, or a structure of the library"
            )


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
    first: int = 0
    """Id of the first structure, above those of the labels beside."""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """Labels that are there already, of other settings."""

    labels: Path
    """Archive of the labels."""
    data: Data
    """How their structures were made."""
    every: int = 1
    """Train with every n-th of the structures only; those for validation and test are all kept."""


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
    label_dtype: str = "float64"
    """Precision of the labels: "float64", or "float32" in half the time."""
    stages: tuple[Stage, ...] = field(default=())
    """Stages of the training, in order."""
    start: Path | None = None
    """Exported model with whose weights the first stage begins; without one it begins with random weights."""
    beside: Beside | None = None
    """Labels of other settings that are learned too, so that their crystals are not forgotten."""

    @property
    def crystals(self) -> tuple[Crystal, ...]:
        """Every crystal that is learned, those of the labels beside first."""
        return (() if self.beside is None else self.beside.data.crystals) + self.data.crystals


def read_settings(path: str | Path) -> TrainingSettings:
    """Read the settings of a bundled model.

    Parameters
    ----------
    path : path
        YAML file with the fields of :class:`TrainingSettings`; ``data`` may name
        a settings file in the same folder, to take its data, and so may the data of
        ``beside``. ``start`` and the labels of ``beside`` are files of that folder.

    Returns
    -------
    TrainingSettings

    Raises
    ------
    SettingsError
        If the file is missing, or a field is missing or unknown.
    """
    path = Path(path)
    tree = _tree(path)
    stages = tuple(_build(Stage, entry, "stages") for entry in tree.get("stages", ()))
    made: dict[str, Any] = {"data": _data(tree.get("data"), path), "stages": stages}
    if "start" in tree:
        made["start"] = path.parent / str(tree["start"])
    if "beside" in tree:
        made["beside"] = _beside(_mapping(tree["beside"], "beside"), path)
    return _build(TrainingSettings, {**tree, **made}, str(path))


def _data(data: Any, path: Path) -> Data:
    if isinstance(data, str):
        return _data(_tree(path.with_name(data)).get("data"), path)
    data = _mapping(data, "data")
    crystals = tuple(_build(Crystal, _tuples(entry), "data.crystals") for entry in data.get("crystals", ()))
    return _build(Data, {**_tuples(data), "crystals": crystals}, "data")


def _beside(entry: dict[str, Any], path: Path) -> Beside:
    made = {"data": _data(entry.get("data"), path), "labels": path.parent / str(entry.get("labels"))}
    return _build(Beside, {**entry, **made}, "beside")


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
    named = _mapping(values, "data")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in named.items()}


def _build(kind: Any, values: dict[str, Any], where: str) -> Any:
    unknown = set(_mapping(values, where)) - {f.name for f in fields(kind)}
    if unknown:
        raise SettingsError(f"{where}: unknown {', '.join(sorted(unknown))}")
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingsError(f"{where}: {error}") from error
