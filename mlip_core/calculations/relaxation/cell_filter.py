"""ASE's filter for relaxing atoms and cell together, asked several times a step and computed once."""

from typing import Any

import numpy as np
from ase.filters import FrechetCellFilter


class CellFilter(FrechetCellFilter):
    """Keeps the forces on atoms and cell until the model has answered anew.

    Optimizers ask for them about four times a step, and the logarithm of the
    deformation that they need costs more than a small model does.
    """

    _answer: object = None
    _forces: np.ndarray

    def get_forces(self, **options: Any) -> np.ndarray:
        """Forces on the atoms and, in the last three rows, on the cell, eV/Å and eV."""
        if options:
            return super().get_forces(**options)
        self.atoms.get_stress()  # asks the model if the atoms have moved
        if self.atoms.calc.results is not self._answer:
            self._forces = super().get_forces()
            self._answer = self.atoms.calc.results
        return self._forces.copy()
