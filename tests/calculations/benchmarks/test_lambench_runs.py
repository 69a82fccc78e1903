"""LAMBench's efficiency and instability as measured: which cells, how often the model is asked, known drifts, failed runs."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.md.velocitydistribution import Stationary, thermalize_momenta

from mlip_core.calculations.benchmarks.runs import LambenchSettings, repeats, run
from mlip_core.datasets.read import dataset_of
from mlip_core.errors import CalculationError, ModelError, SettingsError
from mlip_core.models.model import Model, Prediction
from mlip_core.records import load, save

SLOPE = 0.02
"""eV/Å."""


class Climbing(Model):
    """No forces, but an energy that falls and rises with the first atom's x: total energy changes at a known rate."""

    name = "climbing"
    elements = frozenset({14, 6})

    def __init__(self):
        self.asked = []

    def _forward(self, structures):
        self.asked.append([len(atoms) for atoms in structures])
        return [Prediction(SLOPE * a.positions[0, 0], np.zeros((len(a), 3)), np.zeros((3, 3))) for a in structures]


class Failing(Climbing):
    """Gives up after some force calls."""

    def _forward(self, structures):
        if len(self.asked) > 30:
            raise ModelError("no more")
        return super()._forward(structures)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    frames = [bulk("NaCl", "rocksalt", 5.6), *(bulk("Si", cubic=True) for _ in range(4)), bulk("C", cubic=True)]
    return dataset_of(frames, "crystals", labelled=False, folder=tmp_path_factory.mktemp("data"))


def measured(data, model, **settings):
    return run(data, model, LambenchSettings(picoseconds=0.05, **settings))


@pytest.mark.parametrize(
    ("atoms", "expected"),
    [
        (bulk("Si", cubic=True), (5, 5, 5)),
        (bulk("Si", cubic=True) * (1, 1, 5), (5, 5, 1)),
        (Atoms("Cu", cell=[1, 2, 4], pbc=True), None),
        (Atoms("C2", [[0, 0, 0], [1.4, 0, 0]], cell=[2.5, 2.5, 20], pbc=[True, True, False]), (22, 22, 1)),
    ],
)
def test_cells_are_enlarged_towards_a_cube(atoms, expected):
    found = repeats(atoms)
    assert 800 <= np.prod(found) * len(atoms) <= 1000
    lengths = atoms.cell.lengths() * found
    if expected is None:
        assert lengths.max() / lengths.min() < 1.1
    else:
        assert found == expected


def test_what_cannot_have_that_size_is_not_timed():
    assert repeats(molecule("H2O")) is None
    assert repeats(bulk("Si", cubic=True) * (5, 5, 3)) is None, "600 atoms: 600 or 1200"


def test_one_cell_a_call_and_the_first_tenth_warms_up(data):
    model = Climbing()
    found = measured(data, model, n_cells=20, n_runs=1)
    assert model.asked[:20] == [[n] for n in found.cells["n_atoms"]]
    assert found.cells["n_atoms"].between(800, 1000).all()
    assert set(found.cells["formula"]) == {"Si", "C"}, "the model does not know Na and Cl"
    assert found.efficiency == pytest.approx(100 / found.cells["us_per_atom"].iloc[2:].mean())


def test_the_drift_is_that_of_the_known_motion(data):
    found = measured(data, Climbing(), n_runs=2)
    assert found.runs["formula"].tolist() == ["Si", "C"]
    for row in found.runs.itertuples():
        atoms = data.frame(row.structure).atoms
        thermalize_momenta(atoms, 300.0, rng=np.random.default_rng(0))
        Stationary(atoms)
        rate = SLOPE * atoms.get_velocities()[0, 0] * 1000 * units.fs / len(atoms)
        assert row.drift == pytest.approx(rate, rel=1e-6)
    expected = np.maximum(0, np.log10(found.runs["drift"].abs() / 5e-4)).mean()
    assert expected > 0
    assert found.instability == pytest.approx(expected)


class Settling(Climbing):
    """Loses energy in the first fifth of a run only."""

    def _forward(self, structures):
        self.asked.append([len(atoms) for atoms in structures])
        high = 1.0 if len(self.asked) <= 10 + 10 else 0.0
        return [Prediction(high, np.zeros((len(a), 3)), np.zeros((3, 3))) for a in structures]


def test_the_first_fifth_of_a_run_does_not_count(data):
    found = measured(data, Settling(), n_cells=10, n_runs=1)
    assert found.runs["drift"].iloc[0] == pytest.approx(0, abs=1e-9)
    assert found.instability == 0


def test_a_run_that_fails_counts_as_five(data):
    found = measured(data, Failing(), n_cells=10, n_runs=1)
    assert "no more" in found.runs["stopped"].iloc[0]
    assert found.instability == 5.0


def test_the_record_is_kept_and_progress_counts_force_calls(data, tmp_path):
    told = []
    task = LambenchSettings(picoseconds=0.02, n_runs=2)
    found = run(data, Climbing(), task, progress=lambda done, total, **v: told.append((done, total, v["stage"])))
    assert told[0] == (1, 50, "large cells")
    assert told[-1] == (50, 50, "run at constant energy")
    assert len(told) == 10 + 2 * 2, "every cell, but not every step"
    save(found, tmp_path / "record.npz")
    again = load(tmp_path / "record.npz")
    assert again.efficiency == found.efficiency
    assert again.instability == found.instability
    assert again.settings == task


def test_molecules_run_but_are_not_timed(tmp_path):
    molecules = dataset_of([molecule("C6H6")], "benzene", labelled=False, folder=tmp_path)
    model = Climbing()
    model.elements = None
    found = measured(molecules, model)
    assert found.efficiency is None
    assert found.runs["n_atoms"].tolist() == [12]
    save(found, tmp_path / "record.npz")
    assert load(tmp_path / "record.npz").efficiency is None


def test_data_that_the_model_does_not_know_and_settings_out_of_range_are_refused(data):
    model = Climbing()
    model.elements = frozenset({79})
    with pytest.raises(CalculationError, match="covers no structure"):
        measured(data, model)
    with pytest.raises(SettingsError, match="10 to 1000 cells"):
        measured(data, model, n_cells=3)
