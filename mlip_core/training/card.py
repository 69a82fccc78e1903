"""The card that travels with a bundled model: what was measured, and which bars it meets."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from ase import Atoms

from mlip_core.training.cells import Relaxed
from mlip_core.training.settings import TrainingSettings
from mlip_core.training.structures import SPLITS


def data_summary(
    settings: TrainingSettings, structures: Sequence[Atoms], cells: Mapping[str, Relaxed]
) -> dict[str, Any]:
    """What the model learned from: teacher, kinds, splits."""
    parents = {split: {a.info["parent"] for a in structures if a.info["split"] == split} for split in SPLITS}
    return {
        "teacher": settings.teacher,
        "teacher_lattice_constants": {name: _lengths(relaxed) for name, relaxed in cells.items()},
        "seed": settings.data.seed,
        "strain": settings.data.strain,
        "rattles": list(settings.data.rattles),
        "displacements": list(settings.data.displacements),
        "structures": {split: sum(a.info["split"] == split for a in structures) for split in SPLITS},
        "atoms": {split: sum(len(a) for a in structures if a.info["split"] == split) for split in SPLITS},
        "parents": {split: len(members) for split, members in parents.items()},
        "kinds": {kind: sum(a.info["kind"] == kind for a in structures) for kind in _in_order(structures, "kind")},
        "crystals": {name: sum(a.info["crystal"] == name for a in structures) for name in cells},
    }


def _lengths(relaxed: Relaxed) -> float | list[float]:
    return relaxed.cell.lengths().tolist() if isinstance(relaxed, Atoms) else relaxed


def _in_order(structures: Iterable[Atoms], key: str) -> list[str]:
    return sorted({atoms.info[key] for atoms in structures})


def domain(structures: Sequence[Atoms]) -> dict[str, Any]:
    """Elements, and atoms per Å³ of the training structures without surfaces, in all and by crystal."""
    trained = [atoms for atoms in structures if atoms.info["split"] == "train"]
    bulk = [atoms for atoms in trained if atoms.info["kind"] != "surface"]
    density = {name: _range([a for a in bulk if a.info["crystal"] == name]) for name in _in_order(bulk, "crystal")}
    return {
        "elements": sorted({symbol for atoms in trained for symbol in atoms.symbols}),
        "atoms_per_volume": _range(bulk),
        "atoms_per_volume_by_crystal": density,
    }


def _range(structures: Sequence[Atoms]) -> list[float]:
    values = [len(atoms) / atoms.cell.volume for atoms in structures]
    return [min(values), max(values)]


def start_of(settings: TrainingSettings) -> dict[str, str] | None:
    """Name and SHA-256 of the model with whose weights the training began."""
    if settings.start is None:
        return None
    return {"name": settings.start.stem, "sha256": file_hash(settings.start)}


def recipe(settings: TrainingSettings, folder: Path) -> list[dict[str, Any]]:
    """Stages with their options and the wall time each took (all of its runs together)."""
    return [
        {
            "stage": stage.name,
            "minutes": _minutes(folder / stage.name),
            "note": stage.note,
            "options": stage.options,
        }
        for stage in settings.stages
    ]


def _minutes(place: Path) -> float | None:
    """Wall time between the first and the last line of each run's log, added up."""
    spans = [_span(path) for path in sorted(place.glob("outputs/*/*/train.log"))]
    return round(sum(spans) / 60, 1) if spans else None


def _span(log: Path) -> float:
    stamps = [line[1:20] for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("[20")]
    if not stamps:
        return 0.0
    first, last = np.datetime64(stamps[0]), np.datetime64(stamps[-1])
    return float((last - first) / np.timedelta64(1, "s"))


def bar(what: str, value: float, limit: float, *, at_least: bool = False) -> dict[str, Any]:
    """One requirement and whether it is met."""
    met = value >= limit if at_least else value <= limit
    return {"what": what, "value": value, "at_least" if at_least else "at_most": limit, "met": bool(met)}


def write_card(card: dict[str, Any], path: Path) -> None:
    """Write a card, numbers to four significant digits, in one step."""
    part = path.with_name(path.name + ".part")
    head = "# Written by `python -m mlip_core.training evaluate`; not by hand.\n"
    part.write_text(head + yaml.safe_dump(plain(card), sort_keys=False, allow_unicode=True), encoding="utf-8")
    part.replace(path)


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def plain(value: Any) -> Any:
    """Numbers to four significant digits, arrays and tuples as what YAML can hold."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return float(f"{value:.4g}")
    return int(value) if isinstance(value, np.integer) else value
