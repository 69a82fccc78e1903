"""From the frames of a file to rows of a data set, and to its summary."""

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from mlip_core.datasets.dataset import SetAside
from mlip_core.datasets.deepmd import TypeMapError
from mlip_core.datasets.doubts import Doubts
from mlip_core.datasets.formats import Item, Raw, Remark
from mlip_core.datasets.labels import QUANTITIES, Labels, NoLabels, candidates, choose, labels, why_no_forces
from mlip_core.datasets.meaning import Meaning, Rank
from mlip_core.datasets.units import Units
from mlip_core.errors import DatasetError

_MOST_SUBSETS = 200
_LONGEST_TAG = 80
_FARTHEST = 1e7
"""In the unit of the file; no structure reaches so far."""
_MOST_REMARKS = 20
_MOST_ASIDE = 1000
"""Frames set aside that are named one by one."""


@dataclass
class Gathering:
    """What is taken, counted and doubted while frames go by."""

    chosen: dict[str, str | None]
    """quantity → key that a person chose for it; None: the reader finds one, "": it is left out."""
    units: Units
    """Units that the numbers of the file were declared to have."""
    labelled: bool
    """Whether structures without forces are set aside."""
    set_aside: list[SetAside] = field(default_factory=list)
    """Frames that are not used, and why; those beyond the first thousand are counted in one entry."""
    remarks: dict[str, None] = field(default_factory=dict)
    """Sentences of the readers about the file, each once, in the order they came."""
    doubts: Doubts = field(default_factory=Doubts)
    """What looks wrong about the labels, in the frames so far."""
    used: dict[str, dict[str, int]] = field(default_factory=lambda: {q: {} for q in QUANTITIES})
    """quantity → key → number of frames in which it was taken."""
    seen: dict[str, dict[str, Meaning]] = field(default_factory=lambda: {q: {} for q in QUANTITIES})
    """quantity → every key met that could hold it → what that key means."""
    sizes: Counter = field(default_factory=Counter)
    """Number of atoms → number of frames of that size."""
    elements: set[int] = field(default_factory=set)
    """Atomic numbers met in the frames that are used."""
    tags: dict[str, set] = field(default_factory=lambda: defaultdict(set))
    """Tag → its different values, no more of them than can split a data set into subsets."""
    max_force: float = 0.0
    """Largest |component| of a reference force, eV/Å."""
    structures_hash: Any = field(default_factory=hashlib.sha256)
    """SHA-256, still open, over elements, positions, cells and periodicity."""
    labels_hash: Any = field(default_factory=hashlib.sha256)
    """SHA-256, still open, over energies, forces and stresses."""

    def add(self, item: Item) -> dict[str, Any] | None:
        """Row of one frame, or None if there is none, or it is set aside."""
        if isinstance(item, Raw):
            return self._frame(item)
        if isinstance(item, Remark):
            if len(self.remarks) < _MOST_REMARKS:
                self.remarks[item.text] = None
        else:
            self._aside(item)
        return None

    def _frame(self, raw: Raw) -> dict[str, Any] | None:
        atoms, found = raw.atoms, candidates(raw.atoms)
        for quantity in QUANTITIES:
            self.seen[quantity] |= found[quantity]
        try:
            _check(atoms)
            keys = choose(atoms, self.chosen, found)
            label = labels(atoms, keys, self.units)
            if label.forces is None and self.labelled:
                key = self.chosen.get("forces")
                raise NoLabels(f"no forces under {key!r}" if key else why_no_forces(found["forces"]))
        except NoLabels as error:
            self._aside(SetAside(raw.where, str(error)))
            return None
        self.doubts.add(atoms, label.keys, found, label.forces)
        row = _row(raw, label, self.units, self._tags(atoms, label))
        self._count(row, label)
        return row

    def _aside(self, entry: SetAside) -> None:
        if len(self.set_aside) < _MOST_ASIDE:
            self.set_aside.append(entry)
            return
        last = self.set_aside[-1]
        count, lacks = last.count + entry.count, last.lacks_types or entry.lacks_types
        self.set_aside[-1] = SetAside("further frames", "for reasons that are not listed", count, lacks)

    def _tags(self, atoms: Atoms, label: Labels) -> dict[str, Any]:
        taken = set(label.keys.values())
        tags = {k: v.item() if isinstance(v, np.generic) else v for k, v in atoms.info.items() if k not in taken}
        tags = {
            k: v
            for k, v in tags.items()
            if isinstance(v, bool | int | float) or (isinstance(v, str) and len(v) <= _LONGEST_TAG)
        }
        for key, value in tags.items():
            if len(self.tags[key]) <= _MOST_SUBSETS:
                self.tags[key].add(value)
        return tags

    def _count(self, row: dict[str, Any], label: Labels) -> None:
        for quantity, key in label.keys.items():
            self.used[quantity][key] = self.used[quantity].get(key, 0) + 1
        self.sizes[len(row["numbers"])] += 1
        self.elements |= set(row["numbers"].tolist())
        if label.forces is not None:
            self.max_force = max(self.max_force, float(np.abs(label.forces).max()))
        for column in ("numbers", "positions", "cell", "pbc"):
            self.structures_hash.update(np.ascontiguousarray(row[column]).tobytes())
        for column in ("energy", "forces", "stress"):
            value = row[column]
            self.labels_hash.update(b"-" if value is None else np.ascontiguousarray(value, dtype=np.float64).tobytes())

    def summary(self, n: int) -> dict[str, Any]:
        """Fields of the data set."""
        structures = self.structures_hash.hexdigest()
        return {
            "n_structures": n,
            "n_atoms": sum(size * count for size, count in self.sizes.items()),
            "largest": max(self.sizes),
            "n_energies": sum(self.used["energy"].values()),
            "n_stresses": sum(self.used["stress"].values()),
            "elements": [chemical_symbols[z] for z in sorted(self.elements)],
            "max_force": self.max_force,
            "keys": {q: used for q, used in self.used.items() if used},
            "candidates": {
                q: [k for k, m in _by_rank(seen) if m.rank <= Rank.PREDICTION] for q, seen in self.seen.items()
            },
            "others": {
                q: others
                for q, seen in self.seen.items()
                if (others := {k: m.why for k, m in _by_rank(seen) if m.rank > Rank.NAMED and k not in self.used[q]})
            },
            "left_out": [q for q, key in self.chosen.items() if key == ""],
            "remarks": [*self.doubts.sentences({q for q, key in self.chosen.items() if key}), *self.remarks],
            "set_aside": self.set_aside,
            "tags": {k: len(v) for k, v in self.tags.items() if 1 < len(v) <= min(_MOST_SUBSETS, max(2, n - 1))},
            "structures_sha256": structures,
            "sha256": hashlib.sha256((structures + self.labels_hash.hexdigest()).encode()).hexdigest(),
        }

    def nothing(self) -> DatasetError:
        """Return the error where not one frame can be used."""
        if not self.set_aside:
            return DatasetError("There is not a single structure in it.")
        first = self.set_aside[0]
        if any(entry.lacks_types for entry in self.set_aside):
            return TypeMapError(next(entry.reason for entry in self.set_aside if entry.lacks_types) + ".")
        n = sum(entry.count for entry in self.set_aside)
        keys = ", ".join(k for k, m in self.seen["forces"].items() if m.rank <= Rank.PREDICTION)
        there = f" Keys that could hold forces: {keys}." if keys else ""
        start = "Nothing in it can be used" if n == 1 else f"None of the {n} frames can be used; the first"
        return DatasetError(f"{start}, {first.where}: {first.reason.rstrip('.')}.{there}")


def _by_rank(seen: dict[str, Meaning]) -> list[tuple[str, Meaning]]:
    return sorted(seen.items(), key=lambda entry: entry[1].rank)


def _check(atoms: Atoms) -> None:
    if len(atoms) == 0:
        raise NoLabels("no atoms")
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise NoLabels("a position or cell vector is not finite")
    if max(np.abs(atoms.positions).max(), np.abs(atoms.cell.array).max()) > _FARTHEST:
        raise NoLabels(f"a position or cell vector is longer than {_FARTHEST:g}")
    if not ((atoms.numbers > 0) & (atoms.numbers < len(chemical_symbols))).all():
        raise NoLabels("an atom of an unknown element")
    if atoms.pbc.all() and abs(np.linalg.det(atoms.cell.array)) < 1e-3:
        raise NoLabels("periodic, but its cell has no volume")


def _row(raw: Raw, label: Labels, units: Units, tags: dict[str, Any]) -> dict[str, Any]:
    atoms, scale = raw.atoms, units.lengths_in_a
    return {
        "numbers": atoms.numbers.astype(np.int16),
        "positions": (atoms.positions * scale).ravel(),
        "cell": (atoms.cell.array * scale).ravel(),
        "pbc": atoms.pbc.astype(bool),
        "energy": label.energy,
        "forces": None if label.forces is None else label.forces.ravel(),
        "stress": None if label.stress is None else label.stress.ravel(),
        "where": raw.where,
        "tags": json.dumps(tags),
    }
