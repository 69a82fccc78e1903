"""What can be asked of a model: one folder a question, each with a ``declaration.py``.

A new calculation is a folder and its name in :data:`FOLDERS`.
"""

from importlib import import_module

from mlip_core.calculations.declaration import Calculation

FOLDERS = (
    "relaxation",
    "phonons",
    "equation_of_state",
    "rotations",
    "conservation",
    "speed",
    "passport",
    "distillation",
    "force_errors",
    "benchmarks",
)
CALCULATIONS: dict[str, Calculation] = {
    calculation.name: calculation
    for folder in FOLDERS
    for calculation in import_module(f"{__name__}.{folder}.declaration").CALCULATIONS
}
"""Every calculation by its name."""
