"""The error splits exactly into broken symmetry and the rest, for any grid and any model."""

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.calculations.force_errors import error_split
from mlip_core.datasets.read import dataset_of
from mlip_core.errors import DatasetError, ModelError
from mlip_core.models.model import Model, Prediction
from mlip_core.symmetry.rotations import grid, rotate


class Pulled(Model):
    """Equivariant springs to the centroid, plus forces tied to the laboratory: `strength` × (z², 0, x·y)."""

    name = "pulled"

    def __init__(self, strength, error=0.0):
        self.strength, self.error = strength, error

    def _forward(self, structures):
        return [self._one(atoms) for atoms in structures]

    def _one(self, atoms):
        d = atoms.positions - atoms.positions.mean(axis=0)
        x, y, z = d.T
        broken = np.stack([z**2, np.zeros_like(x), x * y], axis=1)
        return Prediction(0.0, -(1 + self.error) * d + self.strength * broken, None)


def labelled(n=4):
    rng = np.random.default_rng(7)
    frames = []
    for k in range(n):
        atoms = molecule("CH3OH") if k % 2 else bulk("Si", cubic=True)
        atoms.pbc = False
        atoms.positions += rng.normal(0, 0.1, atoms.positions.shape)
        forces = Pulled(0.0)._one(atoms).forces
        atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=forces)
        frames.append(atoms)
    return dataset_of(frames, "springs"), frames


@pytest.mark.parametrize(
    ("name", "inversion"), [("octahedral", False), ("tetrahedral", True), ("random-7", False), ("lebedev-3", False)]
)
def test_total_equals_the_mean_over_orientations(name, inversion):
    """⟨RMSE²⟩ over the same orientations, computed with loops, without any averaging of forces."""
    dataset, frames = labelled()
    model = Pulled(0.2, error=0.1)
    split = error_split(dataset, model, grid=name, inversion=inversion)
    used = grid(name, inversion=inversion).generic()
    square = n = 0.0
    for atoms in frames:
        for operation, weight in zip(used.operations, used.operation_weights, strict=True):
            turned = model._one(rotate(atoms, operation)).forces
            square += weight * np.sum((turned - atoms.get_forces() @ operation.T) ** 2)
        n += 3 * len(atoms)
    assert split.total_rmse == pytest.approx(np.sqrt(square / n), abs=1e-10)
    assert split.total_rmse**2 == pytest.approx(split.averaged_rmse**2 + split.symmetry_rmse**2, abs=1e-12)
    assert 0 < split.share < 1


def test_an_equivariant_model_has_no_symmetry_error():
    dataset, frames = labelled()
    split = error_split(dataset, Pulled(0.0, error=0.1))
    assert split.symmetry_rmse == pytest.approx(0.0, abs=1e-7)
    assert split.share == pytest.approx(0.0, abs=1e-12)
    rms = np.sqrt(np.mean(np.concatenate([0.1 * a.get_forces() for a in frames]) ** 2))
    assert split.total_rmse == pytest.approx(rms, abs=1e-9)
    assert split.averaged_rmse == pytest.approx(rms, abs=1e-9)


def test_broken_symmetry_alone():
    """z² and x·y have degrees whose rotated-back mean over the octahedral grid leaves no springs: little is model error."""
    dataset, _ = labelled()
    split = error_split(dataset, Pulled(0.3))
    assert split.share > 0.9
    assert set(split.by_structure.columns) >= {
        "structure",
        "where",
        "total_rmse",
        "averaged_rmse",
        "symmetry_rmse",
        "share",
    }
    assert len(split.by_structure) == 4


def test_what_cannot_be_answered_is_counted():
    dataset, _ = labelled()

    class Refusing(Pulled):
        def _forward(self, structures):
            if any("Si" in atoms.symbols for atoms in structures):
                raise ModelError("no silicon")
            return super()._forward(structures)

    split = error_split(dataset, Refusing(0.1))
    assert (len(split.by_structure), split.not_evaluated) == (2, 2)

    class Nothing(Pulled):
        def _forward(self, structures):
            raise ModelError("nothing")

    with pytest.raises(DatasetError, match="could not answer"):
        error_split(dataset, Nothing(0.1))
