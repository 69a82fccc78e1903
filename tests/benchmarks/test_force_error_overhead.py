"""What an evaluation costs beside the bare batched model, and how much memory it takes, on CHGNet."""

import resource
from time import perf_counter

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from mlip_core.datasets import read_dataset
from mlip_core.force_errors import force_errors
from mlip_core.models.model import Model, Prediction

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]


def data(tmp_path, n):
    rng = np.random.default_rng(0)
    frames = []
    for k in range(n):
        atoms = bulk(["NaCl", "MgO", "LiF"][k % 3], "rocksalt", [5.7, 4.26, 4.07][k % 3], cubic=True)
        atoms.rattle(0.05, seed=k)
        atoms.calc = SinglePointCalculator(atoms, energy=rng.normal(), forces=rng.normal(size=(len(atoms), 3)))
        frames.append(atoms)
    write(tmp_path / "many.extxyz", frames)
    return read_dataset(tmp_path / "many.extxyz"), [atoms.copy() for atoms in frames]


def test_overhead_over_the_bare_model(tmp_path, capsys):
    import torch

    from mlip_core import load_model

    torch.set_num_threads(1)
    dataset, frames = data(tmp_path, 192)
    model = load_model("chgnet")
    model.predict(frames[:32])
    ratios = []
    for _ in range(3):
        start = perf_counter()
        for k in range(0, len(frames), model.batch_structures):
            model.predict(frames[k : k + model.batch_structures])
        bare = perf_counter() - start
        start = perf_counter()
        force_errors(dataset, model, folder=tmp_path / f"{len(ratios)}", identity="chgnet")
        ratios.append((perf_counter() - start) / bare)
    with capsys.disabled():
        print(f"\nforce_errors over bare CHGNet, 192 structures of 8 atoms: {', '.join(f'{r:.2f}' for r in ratios)}")
    assert min(ratios) <= 1.2


class Nothing(Model):
    """Costs nothing."""

    name = "nothing"

    def _forward(self, structures):
        return [Prediction(0.0, np.zeros((len(atoms), 3)), None) for atoms in structures]


def test_memory_stays_flat(tmp_path, capsys):
    """Ten times the structures add less than a tenth of what holding them would (their tables excepted)."""
    small, _ = data(tmp_path, 500)
    force_errors(small, Nothing())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    large, frames = data(tmp_path, 5000)
    del frames
    read = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    force_errors(large, Nothing())
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with capsys.disabled():
        print(
            f"\npeak memory: {before / 1e3:.0f} MB at 500, {read / 1e3:.0f} MB reading 5,000, {after / 1e3:.0f} MB evaluating 5,000"
        )
    assert after - read < 150_000
