"""Labelled structures as the tensors that a PET takes, whole batches of them turned at random."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase import Atoms
from scipy.spatial.transform import Rotation

from mlip_core.models.loading import boxed_cell


@dataclass(frozen=True)
class Batch:
    """Some structures in one: atoms and pairs of neighbours one after the other."""

    positions: Any
    """(n_atoms, 3), Å."""
    cells: Any
    """(n_structures, 3, 3), rows, Å."""
    species: Any
    """(n_atoms,), atomic numbers."""
    owner: Any
    """(n_atoms,), index of the structure an atom belongs to."""
    centers: Any
    """(n_pairs,), index of the first atom of each pair."""
    neighbors: Any
    """(n_pairs,), index of the second."""
    shifts: Any
    """(n_pairs, 3), cells by which the second is shifted."""
    energies: Any
    """(n_structures,), the teacher's, less the students' energy of lone atoms, eV."""
    forces: Any
    """(n_atoms, 3), the teacher's, eV/Å."""
    stresses: Any
    """(n_structures, 3, 3), the teacher's, eV/Å³; not a number where it gives none."""
    sizes: Any
    """(n_structures,), number of atoms."""

    def turned(self, operations: np.ndarray) -> "Batch":
        """Turn each structure by an orthogonal matrix of its own, with all that the teacher said of it.

        Parameters
        ----------
        operations : (n_structures, 3, 3) array
            Rotations, or rotations times −1.
        """
        import torch

        turns = torch.as_tensor(operations, dtype=self.positions.dtype)
        back = turns.transpose(1, 2)
        return replace(
            self,
            positions=torch.einsum("ij,ijk->ik", self.positions, back[self.owner]),
            cells=self.cells @ back,
            forces=torch.einsum("ij,ijk->ik", self.forces, back[self.owner]),
            stresses=turns @ self.stresses @ back,
        )


def single(atoms: Atoms, cutoff: float) -> Batch:
    """One labelled structure as a batch of one.

    Parameters
    ----------
    atoms : Atoms
        With ``REF_energy``, ``REF_forces`` and, where it has a cell in three directions, ``REF_stress``.
    cutoff : float
        Distance up to which two atoms are neighbours, Å.
    """
    import torch
    from vesin import NeighborList

    finder = NeighborList(cutoff=cutoff, full_list=True)
    box = boxed_cell(atoms, cutoff)
    first, second, shifts = finder.compute(atoms.positions, box, atoms.pbc.tolist(), "ijS")
    crystal = bool(atoms.pbc.all())
    stress = np.reshape(atoms.info["REF_stress"], (1, 3, 3)) if crystal else np.full((1, 3, 3), np.nan)
    real: dict[str, Any] = {"dtype": torch.float32}
    whole: dict[str, Any] = {"dtype": torch.int64}
    return Batch(
        positions=torch.tensor(atoms.positions, **real),
        cells=torch.tensor(np.where(atoms.pbc[:, None], atoms.cell.array, 0.0), **real)[None],
        species=torch.tensor(atoms.numbers, **whole),
        owner=torch.zeros(len(atoms), **whole),
        centers=torch.tensor(first.astype(np.int64)),
        neighbors=torch.tensor(second.astype(np.int64)),
        shifts=torch.tensor(shifts.astype(np.int64)),
        energies=torch.tensor([atoms.info["REF_energy"]], dtype=torch.float64),
        forces=torch.tensor(atoms.arrays["REF_forces"], **real),
        stresses=torch.tensor(stress, **real),
        sizes=torch.tensor([len(atoms)]),
    )


def joined(batches: Sequence[Batch]) -> Batch:
    """Put batches together into one."""
    import torch

    atoms = np.cumsum([0, *(len(batch.positions) for batch in batches)])[:-1].tolist()
    structures = np.cumsum([0, *(len(batch.sizes) for batch in batches)])[:-1].tolist()
    shifted = [
        replace(batch, centers=batch.centers + atom, neighbors=batch.neighbors + atom, owner=batch.owner + structure)
        for batch, atom, structure in zip(batches, atoms, structures, strict=True)
    ]
    names = Batch.__dataclass_fields__
    return Batch(**{name: torch.cat([getattr(batch, name) for batch in shifted]) for name in names})


def random_operations(n: int, rng: np.random.Generator, *, improper: bool) -> np.ndarray:
    """(n, 3, 3), Haar-random rotations; half of them times −1 where ``improper``."""
    rotations = Rotation.random(n, rng=rng).as_matrix().reshape(n, 3, 3)
    signs = rng.choice([-1.0, 1.0], size=(n, 1, 1)) if improper else 1.0
    return rotations * signs
