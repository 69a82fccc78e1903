"""ASE's filter for relaxing atoms and cell together, in a few small products of matrices a step."""

from typing import Any

import numpy as np
from ase.filters import FrechetCellFilter
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress

SMALL = 0.3
"""Size of (F − 1)(F + 1)⁻¹ up to which the series of the logarithm is summed; a stretch by 1.6 has 0.23."""
TERMS = 16
"""Terms of that series: the first one left out is below 1e-17."""


class CellFilter(FrechetCellFilter):
    """The variables and forces of ASE's `FrechetCellFilter`, kept until the model has answered anew.

    Optimizers ask for the forces about four times a step, and computing them as ASE does costs more
    than a small model: two logarithms of the deformation and nine derivatives of its exponential.
    """

    _answer: object = None
    _forces: np.ndarray

    def get_positions(self) -> np.ndarray:
        """Positions without the deformation, Å, and in the last three rows its logarithm as ASE scales it."""
        deformation = self.deform_grad()
        scale = np.log(len(self.atoms)) * np.eye(3)
        undeformed = np.linalg.solve(deformation, self.atoms.positions.T).T
        return np.concatenate([undeformed, (logarithm(deformation) + scale) * self.exp_cell_factor])

    def get_forces(self, **options: Any) -> np.ndarray:
        """Forces on the atoms and, in the last three rows, on the cell, eV/Å and eV."""
        stress = self.atoms.get_stress(**options)  # asks the model if the atoms have moved
        if options:
            return self._computed(stress, self.atoms.get_forces(**options))
        if self.atoms.calc.results is not self._answer:
            self._forces = self._computed(stress, self.atoms.get_forces())
            self._answer = self.atoms.calc.results
        return self._forces.copy()

    def _computed(self, stress: np.ndarray, forces: np.ndarray) -> np.ndarray:
        """Forces on atoms and cell from those of the model: derivatives by the logarithm of the deformation.

        The derivative of the exponential along one direction, contracted with a gradient, is the derivative
        along the gradient, contracted with the direction, at the transposed matrix: one instead of nine.
        """
        volume, deformation = self.atoms.get_volume(), self.deform_grad()
        virial = -volume * (voigt_6_to_full_3x3_stress(stress) + self.scalar_pressure * np.eye(3))
        if self.hydrostatic_strain:
            virial = np.trace(virial) / 3 * np.eye(3)
        gradient = np.linalg.solve(deformation, virial.T).T
        on_cell = self.expm_frechet(logarithm(deformation).T, gradient, compute_expm=False)
        self.stress = full_3x3_to_voigt_6_stress(-virial / volume)
        return np.concatenate([forces @ deformation, on_cell / self.exp_cell_factor])


def logarithm(deformation: np.ndarray) -> np.ndarray:
    """(3, 3) logarithm of a deformation (3, 3): log F = 2 artanh (F − 1)(F + 1)⁻¹, by its series where F is near 1."""
    ratio = np.linalg.solve(deformation + np.eye(3), deformation - np.eye(3))
    if not np.linalg.norm(ratio) < SMALL:
        from scipy.linalg import logm

        return logm(deformation)
    square, total = ratio @ ratio, np.zeros((3, 3))
    for power in range(2 * TERMS - 1, 0, -2):
        total = total @ square + np.eye(3) / power
    return 2 * ratio @ total
