"""Rotational averages beside metatomic's: the same mean on the same grid, and fewer evaluations for the same exactness."""

from time import perf_counter

import numpy as np
import pytest
from ase.build import bulk

import mlip_core as mlip
from mlip_core.assets import asset
from mlip_core.models.model import Counted
from mlip_core.symmetry.averaging import average
from mlip_core.symmetry.rotations import Grid

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch and metatensor about their own future
    pytest.mark.filterwarnings("ignore::UserWarning"),  # metatomic about the missing uncertainty output
]


class Both:
    """One checkpoint through metatomic's calculator and through ours, each counting structures."""

    def __init__(self, path, name, atoms):
        import torch

        torch.set_num_threads(1)
        from metatomic_ase import MetatomicCalculator

        self.atoms = atoms
        self.base = MetatomicCalculator(str(path), device="cpu", uncertainty_threshold=None)
        dtype = self.base._model.capabilities().dtype
        self.tolerance = {"float64": 1e-10, "float32": 2e-4}[dtype]
        self.model = mlip.load_model(name, forces="conservative", dtype=dtype)
        self.theirs = 0
        compute, calculate = self.base.compute_energy, self.base.calculate

        def counted_compute(structures, *args, **kwargs):
            self.theirs += len(structures)
            return compute(structures, *args, **kwargs)

        def counted_calculate(*args, **kwargs):
            self.theirs += 1
            return calculate(*args, **kwargs)

        self.base.compute_energy, self.base.calculate = counted_compute, counted_calculate

    def symmetrized(self, l_max):
        from metatomic_ase import SymmetrizedCalculator

        return SymmetrizedCalculator(self.base, l_max=l_max, batch_size=32, include_inversion=True)

    def ask_theirs(self, calculator):
        self.theirs = 0
        calculator.calculate(self.atoms, ["energy", "forces", "stress"], [])
        return calculator.results


def rattled(atoms):
    atoms.rattle(0.05, seed=3)
    return atoms


@pytest.fixture(scope="module", params=["tiny", pytest.param("pet-demo", marks=pytest.mark.slow)])
def both(request):
    if request.param == "tiny":
        path = request.getfixturevalue("tiny_pet") / "tiny.pt"
        return Both(path, path, rattled(bulk("Al", cubic=True)))
    path = asset("models", "pet-demo.pt")
    return Both(path, "pet-demo", rattled(bulk("Si", cubic=True)))


@pytest.mark.parametrize("l_max", [1, 3])
def test_the_same_grid_gives_the_same_mean(both, l_max):
    calculator = both.symmetrized(l_max)
    theirs = both.ask_theirs(calculator)
    proper = np.linalg.det(calculator.quadrature_rotations) > 0
    weights = np.asarray(calculator.quadrature_weights)[proper]
    grid = Grid("metatomic", np.asarray(calculator.quadrature_rotations)[proper], weights / weights.sum(), True, l_max)
    (ours, _), *_ = average(both.model, [both.atoms], grid)
    assert ours.energy == pytest.approx(float(theirs["energy"]), abs=both.tolerance)
    np.testing.assert_allclose(ours.forces, theirs["forces"], atol=both.tolerance)
    plain = both.model.predict([both.atoms])[0]
    assert np.abs(plain.forces - ours.forces).max() > 5 * both.tolerance


@pytest.mark.parametrize(("l_max", "rotations", "evaluations"), [(3, "octahedral", 48), (5, "icosahedral", 120)])
def test_the_same_exactness_costs_at_most_six_tenths(both, capsys, l_max, rotations, evaluations):
    calculator = both.symmetrized(l_max)
    counted = Counted(both.model)
    corrected = mlip.correct(counted, mlip.Corrections(rotations=rotations, inversion=True, batch_size=32))
    corrected.predict([both.atoms])
    counted.evaluations = 0
    times = []
    for run in (lambda: both.ask_theirs(calculator), lambda: corrected.predict([both.atoms])):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    assert counted.evaluations == evaluations
    assert both.theirs >= {3: 84, 5: 308}[l_max]
    assert counted.evaluations <= 0.6 * both.theirs
    with capsys.disabled():
        print(
            f"\n{both.model.name}, exact to l = {l_max}: {counted.evaluations} evaluations against {both.theirs}, "
            f"time ratio {times[1] / times[0]:.2f}"
        )
