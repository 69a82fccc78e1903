"""What an evaluation costs beside the bare batched model, and how much memory it takes."""

import subprocess
import sys
from time import process_time

import numpy as np
import pytest
from ase.build import bulk

from mlip_core.calculations.force_errors import force_errors
from mlip_core.datasets import read_dataset

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]

OVERHEAD = 1.2
KILOBYTES_A_STRUCTURE = 3.2
"""Their tables take about 2; with the structures of 8 atoms and their forces, if they were held, it would be 5."""
CRYSTALS = [("NaCl", "rocksalt", 5.7), ("CaF2", "fluorite", 5.46)]
"""8 and 12 atoms."""

EVALUATE = """
import re, sys
import numpy as np
from mlip_core.datasets import read_dataset
from mlip_core.calculations.force_errors import force_errors
from mlip_core.models.model import Model, Prediction

class Nothing(Model):
    name = "nothing"
    def _forward(self, structures):
        return [Prediction(0.0, np.zeros((len(atoms), 3)), None) for atoms in structures]

force_errors(read_dataset(sys.argv[1]), Nothing())
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def labelled(path, n, crystals=CRYSTALS):
    """Write n rattled structures with random forces."""
    rng = np.random.default_rng(0)
    structures = []
    with path.open("w") as file:
        for k in range(n):
            name, lattice, a = crystals[k % len(crystals)]
            atoms = bulk(name, lattice, a, cubic=True)
            atoms.rattle(0.05, seed=k)
            structures.append(atoms)
            vectors = " ".join(map(str, atoms.cell.array.ravel()))
            file.write(f'{len(atoms)}\nLattice="{vectors}" Properties=species:S:1:pos:R:3:forces:R:3 pbc="T T T"\n')
            for symbol, numbers in zip(
                atoms.symbols, np.hstack([atoms.positions, rng.normal(size=(len(atoms), 3))]), strict=True
            ):
                file.write(f"{symbol} {' '.join(f'{x:.6f}' for x in numbers)}\n")
    return structures


def test_overhead_over_the_bare_model(tmp_path, capsys):
    """Processor time, with the bare model before and after, so that neither load nor warmth decides."""
    import torch

    from mlip_core import load_model

    torch.set_num_threads(1)
    structures = labelled(tmp_path / "thousand.extxyz", 1000)
    dataset, model = read_dataset(tmp_path / "thousand.extxyz"), load_model("chgnet")

    def bare(some):
        start = process_time()
        for k in range(0, len(some), model.batch_structures):
            model.predict(some[k : k + model.batch_structures])
        return process_time() - start

    bare(structures[:32])
    before = bare(structures[:500])
    start = process_time()
    force_errors(dataset, model, folder=tmp_path / "kept", identity="chgnet")
    evaluated = process_time() - start
    alone = before + bare(structures[500:])
    with capsys.disabled():
        print(
            f"\nforce_errors over bare CHGNet, 1,000 structures of 10 atoms: {evaluated / alone:.2f} (bar: {OVERHEAD})"
        )
    assert evaluated <= OVERHEAD * alone


def test_memory_stays_flat(tmp_path, capsys):
    """Forty thousand structures more take no more than their tables."""
    peaks = []
    for n in (10_000, 50_000):
        path = tmp_path / f"{n}.extxyz"
        labelled(path, n, CRYSTALS[:1])
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", EVALUATE, path], capture_output=True, text=True, check=True
        )
        peaks.append(int(run.stdout))
    with capsys.disabled():
        print(f"\npeak memory: {peaks[0] / 1e3:.0f} MB at 10,000 structures, {peaks[1] / 1e3:.0f} MB at 50,000")
    assert peaks[1] - peaks[0] < 40_000 * KILOBYTES_A_STRUCTURE
