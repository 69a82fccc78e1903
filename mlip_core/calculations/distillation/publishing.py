"""The finished student: measured, with a card, in the models folder under a name of its own."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import yaml
from ase import Atoms
from ase.data import chemical_symbols

from mlip_core.calculations.distillation.batches import Batch
from mlip_core.calculations.distillation.learner import Learner
from mlip_core.calculations.distillation.learning import answer
from mlip_core.calculations.distillation.record import Distillation, StudentErrors
from mlip_core.calculations.distillation.settings import START, DistillationSettings
from mlip_core.calculations.distillation.workshop import write
from mlip_core.errors import CalculationError
from mlip_core.home import models_folder
from mlip_core.models.catalogue import catalogue
from mlip_core.models.model import Forces, Model
from mlip_core.training.accuracy import SMALL_RATTLE
from mlip_core.training.card import plain

BARS: dict[Forces, float] = {"direct": 0.13, "conservative": 0.10}
"""Force error over mean force that a good student stays below."""
CITATION = (
    "A small PET that learned one structure in this program; architecture: Pozdnyakov and Ceriotti, NeurIPS 36, 79469 "
    "(2023), arXiv:2305.19302; labels by {teacher}{cite}"
)
NOTE = (
    "It learned one structure, {formula}, from {teacher}, and is valid near that structure only: strained by up to "
    "{strain:.0%}, atoms displaced by about {rattle:g} Å. Nothing else it says means anything."
)


def name_of(structure: Atoms, student: str, taken: Mapping[str, str]) -> str:
    """Name for a student: ``twin-GaAs-3f2a``, with more digits where another student has it.

    Parameters
    ----------
    structure : Atoms
        What it learned.
    student : str
        Hexadecimal digits that tell it apart from every other.
    taken : mapping of str to str
        Names that are there → which student has it.
    """
    formula = formula_of(structure)[:24]
    names = (f"twin-{formula}-{student[:digits]}" for digits in range(4, len(student) + 1))
    return next(name for name in names if taken.get(name, student) == student)


def formula_of(structure: Atoms) -> str:
    """Formula as a chemist writes it: GaAs and TiO2 for crystals, Hill's order for molecules."""
    from pymatgen.core import Composition

    whole = structure.get_chemical_formula()
    return str(Composition(whole).reduced_formula) if structure.pbc.any() else whole


def names_taken() -> dict[str, str]:
    """Names in the models folder → the student that has it, "" where it is no student."""
    found = {path.stem: "" for path in models_folder().iterdir()}
    for path in models_folder().glob("twin-*.yaml"):
        card = yaml.safe_load(path.read_text(encoding="utf-8"))
        found[path.stem] = str(card.get("student", "")) if isinstance(card, dict) else ""
    return found


def at_hand(result: Distillation) -> bool:
    """Tell whether the student itself is here: with the result, or in the models folder."""
    there = (models_folder() / f"{result.model}.pt").exists() and names_taken().get(result.model)
    return bool(len(result.weights)) or there == result.card["student"]


def install(result: Distillation) -> None:
    """Put a student into the models folder, where it is not there already; first the card, then the model as a whole.

    Raises
    ------
    CalculationError
        If there is no room for it, or the result came without the student.
    """
    if not at_hand(result):
        raise CalculationError(
            f"The result of {result.model} came without the model itself. Learn the structure here to get it."
        )
    folder = models_folder()
    model, card = folder / f"{result.model}.pt", folder / f"{result.model}.yaml"
    if not card.exists():
        text = yaml.safe_dump(plain(dict(result.card)), sort_keys=False, allow_unicode=True)
        write(card, f"# Written by mlip_core's distill; not by hand.\n{text}".encode())
    if not model.exists():
        write(model, result.weights.tobytes())


def tested(learner: Learner, labelled: Sequence[Atoms]) -> dict[Forces, StudentErrors]:
    """Errors of both heads on variants that the student never met."""
    batches = learner.batches(labelled)
    found = learner.errors(batches)
    rattled = [atoms for atoms in labelled if 0 < atoms.info.get("rattle", 0.0) <= SMALL_RATTLE] or list(labelled)
    near = learner.errors(learner.batches(rattled))
    mean_force = float(np.linalg.norm(np.concatenate([a.arrays["REF_forces"] for a in rattled]), axis=1).mean())
    energy, stresses = _energies_and_stresses(learner, batches)
    heads: dict[Forces, StudentErrors] = {}
    for head, bar in BARS.items():
        relative = getattr(near, head) / mean_force if mean_force > 0 else float("inf")
        heads[head] = StudentErrors(
            force_mae=getattr(found, head),
            turned_force_mae=getattr(found, f"{head}_turned"),
            rotational=getattr(found, f"{head}_rotational"),
            energy_mae=energy,
            stress_mae=stresses[head],
            relative=relative,
            met=relative <= bar,
        )
    return heads


def _energies_and_stresses(learner: Learner, batches: Sequence[Batch]) -> tuple[float, dict[Forces, float | None]]:
    energies: list[np.ndarray] = []
    stresses: dict[Forces, list[np.ndarray]] = {"direct": [], "conservative": []}
    for batch in batches:
        said = answer(learner.student, learner.mean, batch, learning=False)
        energies.append(((said.energies - batch.energies) / batch.sizes).detach().numpy())
        stresses["direct"].append((said.direct_stresses - batch.stresses).detach().numpy().ravel())
        stresses["conservative"].append((said.stresses - batch.stresses).detach().numpy().ravel())
    means = {head: float(np.abs(np.concatenate(parts)).mean()) for head, parts in stresses.items()}
    return float(np.abs(np.concatenate(energies)).mean()), {
        head: value if np.isfinite(value) else None for head, value in means.items()
    }


def card_of(
    name: str, student: str, structure: Atoms, teacher: Model, settings: DistillationSettings, *, learner: Learner,
    train: Sequence[Atoms], heads: Mapping[Forces, StudentErrors], weights: bytes,
) -> dict[str, Any]:  # fmt: skip
    """What travels with the model file: what it is, of which structure, from whom, and what it is worth."""
    formula = formula_of(structure)
    elements = sorted({symbol for atoms in train for symbol in atoms.symbols})
    origins = {chemical_symbols[new]: chemical_symbols[old] for new, old in learner.student.origins.items()}
    note = NOTE.format(formula=formula, teacher=teacher.name, strain=settings.strain, rattle=settings.rattle)
    missed = [head for head, found in heads.items() if not found.met]
    if missed:
        note += f" Its {' and '.join(missed)} forces are worse than a good student's: train longer, or with more structures."
    return {
        "name": name,
        "student": student,
        "entry": {"title": name.removeprefix("twin-").replace("-", " twin "), **_entry(teacher), "elements": elements, "note": note},
        "teacher": teacher.name,
        "start": {"model": START, "weights": settings.start, "elements": origins},
        "structure": {"formula": formula, "n_atoms": len(structure), "cell": structure.cell.array.tolist(), "pbc": structure.pbc.tolist()},
        "settings": asdict(settings),
        "structures": len(train),
        "epochs": learner.epoch,
        "domain": _domain(formula, train),
        "errors": {head: asdict(found) for head, found in heads.items()},
        "bars": [{"what": f"{head} forces: error over mean force", "value": heads[head].relative, "at_most": bar, "met": heads[head].met} for head, bar in BARS.items()],
        "sha256": hashlib.sha256(weights).hexdigest(),
    }  # fmt: skip


def _entry(teacher: Model) -> dict[str, Any]:
    """What the catalogue says of a student besides its name: fields of :class:`mlip_core.models.Entry`."""
    known = next((item for item in catalogue() if item.title == teacher.name), None)
    functional = known.functional if known else "not stated"
    return {
        "functional": f"{functional}, as {teacher.name} gives it",
        "licence": known.licence if known else "not stated",
        "citation": CITATION.format(teacher=teacher.name, cite=f" ({known.citation})" if known else ""),
        "forces": ["direct", "conservative"],
        "dtypes": ["float32", "float64"],
        "rotation": False,
        "inversion": False,
        "translation": True,
        "smooth": True,
        "teaching": True,
    }


def _domain(formula: str, train: Sequence[Atoms]) -> dict[str, Any]:
    """Elements and, of crystals, atoms per Å³ of what was learned."""
    density = [len(atoms) / atoms.cell.volume for atoms in train if atoms.pbc.all()]
    ends = [min(density), max(density)] if density else [0.0, float("inf")]
    elements = sorted({symbol for atoms in train for symbol in atoms.symbols})
    return {"elements": elements, "atoms_per_volume": ends, "atoms_per_volume_by_crystal": {formula: ends}}
