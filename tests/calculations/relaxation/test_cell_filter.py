"""Forces on atoms and cell are computed once an answer of the model, and are those of ASE's own filter."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE

import mlip_core as mlip
from mlip_core.calculations.relaxation.cell_filter import CellFilter


@pytest.fixture
def atoms():
    atoms = bulk("Cu", a=3.5, cubic=True)
    atoms.rattle(0.05, seed=1)
    atoms.calc = mlip.from_ase(EMT(), name="EMT").calculator()
    return atoms


def test_a_relaxation_takes_the_steps_of_ases_filter(atoms):
    ours, theirs = atoms.copy(), atoms.copy()
    ways = []
    for copy, kind in ((ours, CellFilter), (theirs, FrechetCellFilter)):
        copy.calc = mlip.from_ase(EMT(), name="EMT").calculator()
        relaxed = kind(copy)
        ways.append([relaxed.get_forces() for _ in FIRE(relaxed, logfile=None).irun(fmax=0, steps=15)])
    np.testing.assert_allclose(*ways, rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.cell, theirs.cell, rtol=0, atol=1e-12)


def test_they_are_computed_once_for_each_answer(atoms, monkeypatch):
    computed = []
    whole = FrechetCellFilter.get_forces
    monkeypatch.setattr(
        FrechetCellFilter, "get_forces", lambda self, **options: computed.append(1) or whole(self, **options)
    )
    relaxed = CellFilter(atoms)
    first = relaxed.get_forces()
    first += 1
    assert np.abs(relaxed.get_forces() - first).min() > 0.5, "what a caller does to them stays with the caller"
    assert len(computed) == 1
    relaxed.set_positions(relaxed.get_positions() + 0.01 * np.arange(21).reshape(7, 3))
    np.testing.assert_allclose(relaxed.get_forces(), whole(relaxed))
    assert len(computed) == 2
