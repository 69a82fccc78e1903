"""Any ASE calculator as a model."""

from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from ase.stress import voigt_6_to_full_3x3_stress

from mlip_core.errors import ModelError
from mlip_core.models.model import Model, Prediction


class AseModel(Model):
    """One structure after the other through the calculator as it is."""

    batch_structures = 1

    def __init__(self, calculator: Any, *, name: str) -> None:
        self.name = name
        self._calculator = calculator

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        return [self._predict(atoms.copy()) for atoms in structures]

    def _predict(self, atoms: Atoms) -> Prediction:
        atoms.calc = self._calculator
        try:
            energy, forces = atoms.get_potential_energy(), atoms.get_forces(apply_constraint=False)
            return Prediction(float(energy), np.array(forces, dtype=float), _stress(atoms))
        except Exception as error:
            raise ModelError(f"{self.name} cannot answer for {atoms.get_chemical_formula()}: {error}") from error


def _stress(atoms: Atoms) -> np.ndarray | None:
    if not atoms.pbc.all():
        return None
    try:
        return voigt_6_to_full_3x3_stress(atoms.get_stress(voigt=True, apply_constraint=False))
    except (PropertyNotImplementedError, NotImplementedError):
        return None
