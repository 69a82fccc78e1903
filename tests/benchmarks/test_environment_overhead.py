"""What a process in between costs: a model that another interpreter holds beside the same model here."""

import time

import pytest
from ase.build import bulk

import mlip_core as mlip
from mlip_core.models.environments import process

pytestmark = pytest.mark.benchmark
OVERHEAD = 1.1
"""Times the seconds of a prediction for 64 atoms here."""


def seconds(model, atoms):
    began = time.perf_counter()
    model.predict([atoms])
    return time.perf_counter() - began


@pytest.mark.parametrize(
    ("name", "repeats"),
    [pytest.param("pet-demo", 60), pytest.param("sevennet-0", 8, marks=pytest.mark.slow)],
)
def test_64_atoms_through_the_process(own_families, name, repeats, capsys):
    """Least of many alternating calls, so that what else the machine does counts for neither."""
    settings = {"forces": "conservative", "dtype": "float32"}
    here, there = mlip.load_model(name, **settings), own_families.load(name, serves="serve_own.py", **settings)
    atoms = bulk("Si", cubic=True) * 2
    atoms.rattle(0.05, seed=1)
    assert there.predict([atoms])[0].energy == pytest.approx(here.predict([atoms])[0].energy, rel=1e-6)
    spent = [(seconds(here, atoms), seconds(there, atoms)) for _ in range(repeats)]
    process.stop_all()
    direct, through = (min(column) for column in zip(*spent, strict=True))
    with capsys.disabled():
        print(f"\n{name}, 64 atoms: {direct * 1e3:.1f} ms here, {through / direct:.3f} times as long through a process")
    assert through < OVERHEAD * direct
