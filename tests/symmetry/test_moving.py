import numpy as np
import pytest
from ase.build import bulk
from ase.constraints import FixAtoms

from mlip_core.calculations.conservation.calculation import ConservationSettings, conservation
from mlip_core.calculations.passport.calculation import PassportSettings, passport
from mlip_core.calculations.rotations.correction_cost import CorrectionCostSettings, correction_cost
from mlip_core.calculations.rotations.variance import RotationSettings, rotational_variance
from mlip_core.symmetry.moving import moved, rattled
from mlip_core.symmetry.pair_potential import PairPotential


@pytest.fixture
def silicon():
    return bulk("Si", "diamond", 5.43, cubic=True)


def test_displacements_are_normal_numbers_of_the_seed(silicon):
    expected = 0.05 * np.random.default_rng(3).standard_normal((8, 3))
    np.testing.assert_allclose(rattled(silicon, 0.05, 3).positions - silicon.positions, expected, atol=1e-14)
    assert np.array_equal(silicon.positions, bulk("Si", "diamond", 5.43, cubic=True).positions)
    assert np.array_equal(rattled(silicon, 0.0, 3).positions, silicon.positions)


def test_constraints_are_left_out_unless_kept(silicon):
    silicon.set_constraint(FixAtoms([0, 1]))
    free = rattled(silicon, 0.05, 3)
    assert not free.constraints
    assert (free.positions != silicon.positions).all()
    kept = rattled(silicon, 0.05, 3, keep_constraints=True)
    assert len(kept.constraints) == 1
    assert np.array_equal(kept.positions[:2], silicon.positions[:2])
    np.testing.assert_allclose(kept.positions[2:], free.positions[2:])
    assert not moved(silicon, np.ones(3)).constraints
    np.testing.assert_allclose(moved(silicon, np.ones(3)).positions - silicon.positions, 1)


def test_every_calculation_rattles_alike(silicon):
    model, expected = PairPotential(silicon, dtype="float64", energy=-40.0), rattled(silicon, 0.03, 7).positions
    given = {"rattle": 0.03, "seed": 7}
    found = [
        rotational_variance(silicon, model, RotationSettings(grid="tetrahedral", n_angles=0, inversion=False, **given)),
        correction_cost(silicon, model, CorrectionCostSettings(grids=("none",), n_probes=2, **given)),
        conservation(silicon, model, ConservationSettings(jacobian=False, loops=False, picoseconds=0, **given)),
        passport(silicon, model, PassportSettings(grid="tetrahedral", n_directions=1, **given)),
    ]
    for result in found:
        assert np.array_equal(result.structure.positions, expected)
