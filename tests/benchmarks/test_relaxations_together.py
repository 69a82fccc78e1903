"""Many small relaxations in one batch a step beside one after another, on the processor: what a batch saves there."""

from statistics import median
from time import process_time

import pytest
from ase.build import bulk

import mlip_core as mlip
from mlip_core.calculations.relaxation.together import relax_together

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch and metatensor about their own future
    pytest.mark.filterwarnings("ignore::UserWarning"),  # metatomic about the missing uncertainty output
]

SETTINGS = mlip.RelaxationSettings(fmax=1e-6, steps=20, cell="none")
CRYSTALS = 9
BARS = {"pet-demo": 0.6, "chgnet": 0.9}
"""Processor time together, of that of one after another."""


def rattled():
    found = [bulk("Si", cubic=True) for _ in range(CRYSTALS)]
    for seed, atoms in enumerate(found):
        atoms.rattle(0.03, seed=seed)
    return found


@pytest.mark.parametrize("name", BARS)
def test_small_crystals_relax_faster_together(name, capsys):
    model, crystals = mlip.load_model(name), rattled()
    ratios = []
    relax_together(crystals, model, SETTINGS)
    for _ in range(3):
        began = process_time()
        alone = [mlip.relax(atoms, model, SETTINGS) for atoms in crystals]
        between = process_time()
        together = relax_together(crystals, model, SETTINGS)
        ratios.append((process_time() - between) / (between - began))
        assert [one.n_evaluations for one in together] == [one.n_evaluations for one in alone]
    with capsys.disabled():
        print(
            f"\n{CRYSTALS} relaxations of Si, 8 atoms, {name}: together {median(ratios):.2f} of one by one (bar: {BARS[name]})"
        )
    assert median(ratios) <= BARS[name]
