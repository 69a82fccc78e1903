"""What the queue, the pages and a person's download need to know about passports."""

from collections.abc import Mapping

import pandas as pd

from mlip_core.calculations.declaration import Calculation, Files, Tables
from mlip_core.calculations.passport.calculation import Passport, PassportSettings, passport
from mlip_core.structures import write_structure
from mlip_core.symmetry.rotations import grid


def summary(result: Passport) -> Mapping[str, object]:
    """Which laws were kept; None where the structure cannot show it."""
    return {f"{law.name}_kept": law.kept for law in result.laws} | {
        "evaluations": result.evaluations,
        "seconds": result.seconds,
    }


def tables(result: Passport) -> Tables:
    """One row a measurement, with its limit."""
    rows = [
        {
            "law": law.name,
            "claimed": law.claimed,
            "kept": measure.kept,
            "measure": measure.name,
            "value": measure.value,
            "limit": measure.tolerance,
            "floor": measure.floor,
            "unit": measure.unit,
        }
        for law in result.laws
        for measure in law.measures
    ]
    return {"laws": pd.DataFrame(rows)}


def files(result: Passport) -> Files:
    """The structure that was measured, repeated and displaced."""
    return {"structure.extxyz": write_structure(result.structure, "extxyz")}


def evaluations(_: object, settings: PassportSettings) -> float:
    """Orientations with and without inversion, and the points along the directions."""
    return 2 * len(grid(settings.grid).rotations) + 17 * settings.n_directions


CALCULATIONS = (
    Calculation(
        name="passport",
        title="passport",
        function=passport,
        settings=PassportSettings,
        record=Passport,
        summary=summary,
        tables=tables,
        files=files,
        packages=("ase",),
        evaluations=evaluations,
        public=(passport, PassportSettings),
    ),
)
