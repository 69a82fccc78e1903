"""What a phonon calculation costs, beyond the model and with it, beside the calls of matcalc's PhononCalc.

Beyond the model processor time is compared, because other work on the machine stretches
wall time; the model's answers are remembered, so that none of it is the model's. With
CHGNet both times are. Both run in turn, so that both meet the same machine; phonopy's
modules are loaded before.
"""

import warnings
from statistics import median
from time import perf_counter, process_time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

import mlip_core as mlip
from mlip_core.calculations.phonons import PhononSettings, frame, phonons
from mlip_core.calculations.speed.machine import computing_with

LINE_UP = 5
TIMES = 3


class Remembered(mlip.Model):
    """Another model's answers, kept: the second asking of a structure takes no time."""

    def __init__(self, model):
        self.name, self.model, self.answers = model.name, model, {}

    def _forward(self, structures):
        keys = [atoms.positions.round(9).tobytes() for atoms in structures]
        new = {key: atoms for key, atoms in zip(keys, structures, strict=True) if key not in self.answers}
        self.answers.update(zip(new, self.model.predict(list(new.values())), strict=True))
        return [self.answers[key] for key in keys]


class OneByOne:
    """CHGNet's own calculator for ASE, asked for one structure after the other, as PhononCalc asks."""

    def __init__(self):
        from chgnet.model.dynamics import CHGNetCalculator

        self.calculator, self.evaluations = CHGNetCalculator(use_device="cpu"), 0

    def predict(self, structures):
        return [self.answer(atoms) for atoms in structures]

    def answer(self, atoms):
        self.calculator.reset()  # or the answer of the last run is given again
        self.evaluations += 1
        return mlip.Prediction(0.0, self.calculator.get_forces(atoms), None)


def bare_script(structure, model, settings, primitive="P", **symmetry):
    """Make the calls of PhononCalc: mesh with eigenvectors, heat, bands and density of states; nothing is written."""
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    unitcell = PhonopyAtoms(structure.get_chemical_symbols(), cell=structure.cell[:], positions=structure.positions)
    phonopy = Phonopy(unitcell, np.diag(settings.supercell_matrix), primitive_matrix=primitive, **symmetry)
    phonopy.generate_displacements(distance=settings.displacement)
    cells = [
        Atoms(cell.symbols, cell=cell.cell, positions=cell.positions, pbc=True)
        for cell in phonopy.supercells_with_displacements
    ]
    phonopy.forces = [answer.forces for answer in model.predict(cells)]
    phonopy.produce_force_constants()
    phonopy.run_mesh(with_eigenvectors=True)
    phonopy.run_thermal_properties(t_step=10, t_max=1000, t_min=0)
    phonopy.auto_band_structure()
    phonopy.auto_total_dos()


def seconds(run, *arguments, **options):
    begin = process_time()
    run(*arguments, **options)
    return process_time() - begin


def in_turn(structure, model, settings, **symmetry):
    """Processor time of our first run, of ours after it, and of the bare script, s: the least of a few each."""
    first, after, bare = [], [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        phonons(structure, model, settings)
        bare_script(structure, model, settings, **symmetry)
        for _ in range(TIMES):
            frame._frame.cache_clear()
            first.append(seconds(phonons, structure, model, settings))
            bare.append(seconds(bare_script, structure, model, settings, **symmetry))
            after.append(seconds(phonons, structure, model, settings))
    return min(first), min(after), min(bare)


@pytest.mark.slow
@pytest.mark.benchmark
@pytest.mark.parametrize("repeats", [2, 3, 4, 5])
def test_copper(repeats, capsys):
    """A single run takes no longer than the bare script, a line-up of five at most half of five scripts."""
    settings = PhononSettings(supercell_matrix=(repeats,) * 3)
    first, after, bare = in_turn(bulk("Cu", cubic=True), Remembered(mlip.from_ase(EMT(), name="EMT")), settings)
    line_up = (first + (LINE_UP - 1) * after) / (LINE_UP * bare)
    with capsys.disabled():
        print(
            f"\nCu, {4 * repeats**3} atoms, beyond the model: single run {first / bare:.2f} of the phonopy calls, "
            f"line-up of {LINE_UP} {line_up:.2f}"
        )
    assert first <= bare
    assert line_up <= 0.5


@pytest.mark.slow
@pytest.mark.benchmark
def test_full_displacements_without_symmetry(capsys):
    """A cell of low symmetry, every atom displaced: beside phonopy's calls for the same cell."""
    cell = [[3.6, 0, 0], [0.5, 3.9, 0], [-0.7, 0.9, 3.8]]
    structure = Atoms("CuAg", cell=cell, scaled_positions=[[0, 0, 0], [0.52, 0.47, 0.55]], pbc=True)
    settings = PhononSettings(supercell_matrix=(4, 4, 4), displacements="full")
    first, _, bare = in_turn(structure, Remembered(mlip.from_ase(EMT(), name="EMT")), settings)
    with capsys.disabled():
        print(f"\nCuAg, 128 atoms, full displacements, beyond the model: {first / bare:.2f} of the phonopy calls")
    assert first <= 0.35 * bare


@pytest.mark.slow
@pytest.mark.benchmark
@pytest.mark.parametrize(("crystal", "lattice", "a"), [("Si", "diamond", 5.43), ("MgO", "rocksalt", 4.25)])
def test_chgnet_with_the_model(crystal, lattice, a, capsys):
    """64 atoms, the same displacements, warm: ours asks for the undisplaced supercell as well, and is no slower."""
    structure = bulk(crystal, lattice, a, cubic=True)
    settings = PhononSettings(supercell_matrix=(2, 2, 2), displacement=0.015, plus_minus=False)
    ours, bare = mlip.load_model("chgnet"), OneByOne()
    wall, processor = [], []
    with warnings.catch_warnings(), computing_with(1):
        warnings.simplefilter("ignore")
        asked = phonons(structure, ours, settings).n_evaluations
        bare_script(structure, bare, settings, primitive="auto")
        assert asked == bare.evaluations + 1
        for _ in range(5):
            frame._frame.cache_clear()
            mine = clocks(phonons, structure, ours, settings)
            script = clocks(bare_script, structure, bare, settings, primitive="auto")
            wall.append(mine[0] / script[0])
            processor.append(mine[1] / script[1])
    with capsys.disabled():
        print(
            f"\nCHGNet {crystal}, 64 atoms, over PhononCalc's calls: wall time {median(wall):.2f} "
            f"({min(wall):.2f} to {max(wall):.2f}), processor time {median(processor):.2f}"
        )
    assert median(wall) <= 1.0
    assert median(processor) <= 1.0


def clocks(run, *arguments, **options):
    """Wall and processor time, s."""
    wall, processor = perf_counter(), process_time()
    run(*arguments, **options)
    return perf_counter() - wall, process_time() - processor
