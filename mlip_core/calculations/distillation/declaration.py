"""What the queue, the pages and a person's download need to know about distillation."""

from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd
import yaml

from mlip_core.calculations.declaration import Calculation, Files, Tables, with_units
from mlip_core.calculations.distillation.calculation import distill
from mlip_core.calculations.distillation.record import Distillation
from mlip_core.calculations.distillation.settings import DistillationSettings
from mlip_core.structures import write_structure
from mlip_core.training.card import plain

_FORCE = "eV_per_A"


def summary(result: Distillation) -> Mapping[str, object]:
    """How good the student is, under which name it is found, and what it took."""
    heads = {"direct": result.direct, "conservative": result.conservative}
    errors = {f"{head}_force_mae_{_FORCE}": found.force_mae for head, found in heads.items()}
    turned = {f"{head}_turned_force_mae_{_FORCE}": found.turned_force_mae for head, found in heads.items()}
    relative = {f"{head}_relative": found.relative for head, found in heads.items()}
    rotational = {f"{head}_rotational": found.rotational for head, found in heads.items()}
    course = {f"{head}_rotational_end_over_start": _end_over_start(result, head) for head in heads}
    return {
        "model": result.model,
        "teacher": result.teacher,
        "start": result.start,
        **errors,
        **turned,
        **relative,
        **rotational,
        **course,
        "epochs": int(result.history.epochs[-1]),
        "structures": result.n_structures,
        "left_out": result.n_left_out,
        "processor_seconds": result.processor_seconds,
        "notes": " ".join(result.notes),
    }


def _end_over_start(result: Distillation, head: str) -> float:
    """How much is left of a head's rotational error on the validation variants; a pure number."""
    values = getattr(result.history, f"{head}_rotational")
    return float(values[-1] / values[0]) if values[0] > 0 else float("nan")


def tables(result: Distillation) -> Tables:
    """One row an epoch, and one a head."""
    history = pd.DataFrame(asdict(result.history)).astype({"epochs": int})
    forces = ("direct", "conservative", "direct_turned", "conservative_turned")
    heads = {"direct": result.direct, "conservative": result.conservative}
    errors = pd.DataFrame([{"forces": head, **asdict(found)} for head, found in heads.items()])
    units = {"force_mae": _FORCE, "turned_force_mae": _FORCE, "energy_mae": "eV_per_atom", "stress_mae": "eV_per_A3"}
    return {
        "history": with_units(history, dict.fromkeys(forces, _FORCE)),
        "errors": with_units(errors, units),
    }


def files(result: Distillation) -> Files:
    """The structure in the middle of the variants, and the card of the model."""
    card = yaml.safe_dump(plain(dict(result.card)), sort_keys=False, allow_unicode=True)
    return {"structure.extxyz": write_structure(result.structure, "extxyz"), f"{result.model}.yaml": card}


CALCULATIONS = (
    Calculation(
        name="distillation",
        title="distillation",
        function=distill,
        settings=DistillationSettings,
        record=Distillation,
        summary=summary,
        tables=tables,
        files=files,
        packages=("ase", "metatrain", "metatomic-torch", "torch", "vesin"),
        public=(distill, DistillationSettings),
    ),
)
