"""A potential that is exact by construction, to show what arithmetic alone does to a measurement."""

import numpy as np
from ase import Atoms

from mlip_core.models.model import Claims, Model, Prediction

_STRONGEST = 10.0
"""Energy beyond which that of a model is taken as an offset, not as interactions, eV/atom."""


class PairPotential(Model):
    """E = ½ Σ ε (1 − r/r_c)³ in the arithmetic asked for: invariant, conservative and smooth.

    Only rounding makes its answers depend on orientation, so the same measurement
    on it is the floor below which a measured deviation says nothing about a model.

    Attributes
    ----------
    cutoff : float
        r_c, Å: 2.2 times the nearest neighbours' distance in the structure it was made for.
    strength : float
        ε, eV.
    """

    name = "pair potential"
    claims = Claims(rotation=True, inversion=True, translation=True, conservative=True, smooth=True)

    def __init__(self, structure: Atoms, *, dtype: str, energy: float) -> None:
        """Choose cutoff and strength so that energies are as large as a model's.

        Parameters
        ----------
        structure : Atoms
            What will be measured.
        dtype : "float32" or "float64"
        energy : float
            The model's total energy, eV; beyond 10 eV/atom it is taken as an offset.
        """
        self.dtype = dtype
        self.strength = 1.0
        self._cutoff = self.cutoff = 2.2 * nearest_distance(structure)
        unit = self.predict([structure])[0].energy
        size = min(abs(energy), _STRONGEST * len(structure))
        self.strength = size / unit if unit > 0 else 0.0

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        return [self._one(atoms) for atoms in structures]

    def _one(self, atoms: Atoms) -> Prediction:
        i, j, images = _neighbours("ijS", atoms, self._cutoff)
        kind = np.dtype(self.dtype).type
        positions, cell = atoms.positions.astype(kind), atoms.cell.array.astype(kind)
        arrows = positions[j] - positions[i] + images.astype(kind) @ cell
        distances = np.linalg.norm(arrows, axis=1)
        gap = kind(1) - distances / kind(self._cutoff)
        slope = kind(-3 * self.strength / (2 * self._cutoff)) * gap**2 / distances
        forces = np.zeros_like(positions)
        np.add.at(forces, i, kind(2) * slope[:, None] * arrows)
        stress = None
        if atoms.cell.rank == 3 and atoms.pbc.all():
            stress = np.einsum("p,pa,pb->ab", slope, arrows, arrows) / kind(atoms.get_volume())
        return Prediction(float(np.sum(kind(self.strength / 2) * gap**3)), forces, stress)


def nearest_distance(structure: Atoms) -> float:
    """Shortest distance between two atoms, images included, Å; 1 Å if there are no two within 10 Å."""
    for reach in (2.0, 4.0, 10.0):
        distances = _neighbours("d", structure, reach)[0]
        if len(distances):
            return float(distances.min())
    return 1.0


def _neighbours(quantities: str, structure: Atoms, cutoff: float) -> list[np.ndarray]:
    """Pairs within a cutoff, as :func:`ase.neighborlist.neighbor_list` gives them, in a hundredth of its time for small cells."""
    from vesin import ase_neighbor_list  # loads torch

    return ase_neighbor_list(quantities, structure, cutoff)
