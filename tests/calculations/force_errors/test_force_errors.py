"""Metrics against an independent computation; planted errors found and named; an interrupted evaluation continues."""

import time

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from ase import units
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from mlip_core import records
from mlip_core.calculations.force_errors import (
    ForceErrorSettings,
    compare_errors,
    differences,
    force_errors,
    per_atom_table,
    with_forces,
)
from mlip_core.calculations.force_errors.predictions import predictions_path
from mlip_core.datasets import read_dataset
from mlip_core.errors import CalculationError, Cancelled, DatasetError, ModelError, SettingsError
from mlip_core.models.model import Model, Prediction


class Toy(Model):
    """Forces, energy and stress that are simple functions of positions, different for each element."""

    name = "toy"

    def __init__(self, scale=1.0, refuse=()):
        self.scale, self.refuse, self.asked = scale, refuse, 0

    def _forward(self, structures):
        self.asked += len(structures)
        for atoms in structures:
            if set(self.refuse) & set(atoms.symbols):
                raise ModelError(f"toy does not cover {atoms.symbols}")
        return [self.answer(atoms) for atoms in structures]

    def answer(self, atoms):
        forces = self.scale * np.sin(3 * atoms.positions + atoms.numbers[:, None])
        energy = float(np.sum(np.cos(atoms.positions)) + atoms.numbers.sum())
        stress = None if not atoms.pbc.all() else np.cov(atoms.positions.T) * self.scale
        return Prediction(energy, forces, stress)


def structures(n=24, seed=3):
    rng = np.random.default_rng(seed)
    frames = []
    for k in range(n):
        atoms = [bulk("NaCl", "rocksalt", 5.6, cubic=True), bulk("Si", cubic=True), molecule("CH3CH2OH")][k % 3].copy()
        atoms.positions += rng.normal(0, 0.2, atoms.positions.shape)
        atoms.info["origin"] = ["salt", "silicon", "ethanol"][k % 3]
        frames.append(atoms)
    return frames


def reference(atoms, rng, noise=0.05):
    """Reference forces, energy, stress: the toy's answer with noise, and offsets per element in the energy."""
    answer = Toy().answer(atoms)
    forces = answer.forces + rng.normal(0, noise, answer.forces.shape)
    energy = answer.energy + rng.normal(0, 0.02) * len(atoms) + 1.7 * atoms.numbers.sum()
    stress = None if answer.stress is None else answer.stress + rng.normal(0, 0.01, (3, 3)) * np.eye(3)
    return energy, forces, stress


def mixed_file(path, seed=0):
    """Permuted frames, three kinds of keys, forces in Ry/bohr beside energies in eV."""
    rng = np.random.default_rng(seed)
    frames, truth = structures(), []
    to_file = units.Bohr / units.Ry
    for k, atoms in enumerate(frames):
        energy, forces, stress = reference(atoms, rng)
        truth.append((atoms.copy(), energy, forces, stress))
        family = ("REF_", "dft_", "DFT_")[k % 3]
        atoms.arrays[f"{family}forces"] = forces * to_file
        atoms.info[f"{family}energy"] = energy
        if stress is not None:
            atoms.info[f"{family}stress"] = stress
    order = rng.permutation(len(frames))
    write(path, [frames[i] for i in order], format="extxyz")
    return [truth[i] for i in order]


@pytest.fixture
def mixed(tmp_path):
    from mlip_core.datasets import Units

    truth = mixed_file(tmp_path / "mixed.extxyz")
    return read_dataset(tmp_path / "mixed.extxyz", units=Units(forces="Ry/bohr")), truth


def independent(truth, model):
    """One row an atom, by plain loops."""
    rows = []
    for k, (atoms, energy, forces, _) in enumerate(truth):
        answer = model.answer(atoms)
        for i, (f, p) in enumerate(zip(forces, answer.forces, strict=True)):
            rows.append((k, i, atoms.symbols[i], *f, *p, energy, answer.energy))
    return pd.DataFrame(rows, columns=["s", "a", "el", "x", "y", "z", "px", "py", "pz", "e", "pe"])


def test_metrics_equal_an_independent_computation(mixed):
    dataset, truth = mixed
    model = Toy(scale=0.9)
    result = force_errors(dataset, model)
    # files hold 8 decimals: start from what was written, converted without this package
    as_written = []
    for (atoms, energy, forces, _), frame in zip(truth, dataset, strict=True):
        rounded = np.round(forces * units.Bohr / units.Ry, 8) * 13.605693009 / 0.52917721067
        np.testing.assert_allclose(frame.forces, rounded, rtol=1e-7, atol=1e-12)
        moved = atoms.copy()
        moved.positions, moved.cell = frame.atoms.positions, frame.atoms.cell
        assert frame.energy == energy
        as_written.append((moved, frame.energy, frame.forces, frame.stress))
    table = independent(as_written, model)
    ref, pred = table[["x", "y", "z"]].to_numpy(), table[["px", "py", "pz"]].to_numpy()
    assert result.mae == pytest.approx(np.mean(np.abs(pred - ref)), abs=1e-9)
    assert result.rmse == pytest.approx(np.sqrt(np.mean((pred - ref) ** 2)), abs=1e-9)
    assert result.max_error == pytest.approx(np.max(np.abs(pred - ref)), abs=1e-9)
    worst = np.argmax(np.max(np.abs(pred - ref), axis=1))
    assert result.max_error_at == (table.s[worst], table.a[worst])
    norms = np.linalg.norm(ref, axis=1), np.linalg.norm(pred, axis=1)
    assert result.magnitude_mae == pytest.approx(np.mean(np.abs(norms[0] - norms[1])), abs=1e-9)
    directed = norms[0] >= 0.05
    cosines = np.sum(ref * pred, axis=1)[directed] / (norms[0] * norms[1])[directed]
    assert result.cosine == pytest.approx(cosines.mean(), abs=1e-9)
    assert result.softening == pytest.approx(np.sum(ref * pred) / np.sum(ref**2), abs=1e-9)
    for row in result.by_element.itertuples():
        mine = (table.el == row.element).to_numpy()
        assert row.mae == pytest.approx(np.mean(np.abs(pred - ref)[mine]), abs=1e-9)
        assert row.rmse == pytest.approx(np.sqrt(np.mean((pred - ref)[mine] ** 2)), abs=1e-9)
        assert row.n_atoms == mine.sum()
    for row in result.by_structure.itertuples():
        mine = (table.s == row.structure).to_numpy()
        assert row.mae == pytest.approx(np.mean(np.abs(pred - ref)[mine]), abs=1e-9)
        assert row.softening == pytest.approx(np.sum((ref * pred)[mine]) / np.sum(ref[mine] ** 2), abs=1e-9)
    for row in result.by_magnitude.itertuples():
        mine = (norms[0] >= row.low) & (norms[0] < row.high)
        assert row.n_atoms == mine.sum()
        assert row.rmse == pytest.approx(np.sqrt(np.mean((pred - ref)[mine] ** 2)), abs=1e-9)
    assert result.by_magnitude.n_atoms.sum() == len(table)


def test_energies_after_the_offset(mixed):
    """The offset from normal equations over compositions, with the pseudo-inverse."""
    dataset, _ = mixed
    model = Toy()
    result = force_errors(dataset, model)
    elements = sorted(set(dataset.elements))
    counts = np.array([[list(f.atoms.symbols).count(e) for e in elements] for f in dataset], dtype=float)
    difference = np.array([model.answer(f.atoms).energy - f.energy for f in dataset])
    n = counts.sum(axis=1)
    fractions = counts / n[:, None]
    solution = np.linalg.pinv(fractions) @ (difference / n)
    left = difference / n - fractions @ solution
    assert result.energy_mae == pytest.approx(np.abs(left).mean(), abs=1e-9)
    assert result.energy_rmse == pytest.approx(np.sqrt((left**2).mean()), abs=1e-9)
    assert 0.005 < result.energy_mae < 0.04, "noise of 0.02 eV/atom is left, 1.7 eV per unit of Z is gone"
    assert "offset" in result.energy_note


def test_stress_in_record_units(mixed):
    dataset, _ = mixed
    model = Toy(scale=1.1)
    result = force_errors(dataset, model)
    errors = [model.answer(f.atoms).stress - f.stress for f in dataset if f.stress is not None]
    assert result.n_stresses == 16
    assert result.stress_mae == pytest.approx(np.mean(np.abs(errors)), abs=1e-9)
    assert result.stress_rmse == pytest.approx(np.sqrt(np.mean(np.square(errors))), abs=1e-9)


def test_subsets_by_tag(mixed):
    dataset, _ = mixed
    result = force_errors(dataset, Toy(scale=0.9))
    assert set(result.by_subset.value) == {"salt", "silicon", "ethanol"}
    for row in result.by_subset.itertuples():
        mine = result.by_structure[result.by_structure["tag:origin"] == row.value]
        assert row.n_structures == len(mine) == 8
        assert row.mae == pytest.approx(np.average(mine.mae, weights=mine.n_atoms), abs=1e-12)
        assert row.energy_mae == pytest.approx(mine.energy_error.abs().mean(), abs=1e-12)


def test_what_a_figure_needs(mixed):
    dataset, _ = mixed
    result = force_errors(dataset, Toy(scale=0.9))
    n = dataset.n_atoms
    assert result.components.counts.sum() == 3 * n == result.error_counts.sum()
    assert result.magnitudes.counts.sum() == n
    assert result.atoms_complete
    assert len(result.atoms) == n
    ref = result.atoms[["ref_x", "ref_y", "ref_z"]].to_numpy()
    expected, _, _ = np.histogram2d(
        ref.ravel(), result.atoms[["pred_x", "pred_y", "pred_z"]].to_numpy().ravel(), [result.components.edges] * 2
    )
    assert (expected == result.components.counts).all()


def test_a_large_set_keeps_a_sample_and_the_worst(mixed, monkeypatch):
    from mlip_core.calculations.force_errors import plots

    monkeypatch.setattr(plots, "_WORST", 5)
    kept = plots.Kept(np.random.default_rng(0), most=100, n_atoms=1000)
    forces = np.zeros((1000, 3))
    forces[::200, 0] = np.arange(5) + 10.0
    for k in range(10):
        part = slice(100 * k, 100 * k + 100)
        kept.add(np.full(100, k), np.arange(100), np.ones(100), np.zeros((100, 3)), forces[part])
    fields = kept.fields()
    assert not fields["atoms_complete"]
    assert 60 < len(fields["atoms"]) < 150
    assert (fields["atoms"].error >= 10).sum() == 5


def test_saves_and_loads(mixed, tmp_path):
    dataset, _ = mixed
    result = force_errors(dataset, Toy(scale=0.9))
    records.save(result, tmp_path / "r.npz")
    again = records.load(tmp_path / "r.npz")
    assert again.mae == result.mae
    assert again.intervals == result.intervals
    assert again.by_structure["where"].tolist() == result.by_structure["where"].tolist()
    np.testing.assert_array_equal(again.components.counts, result.components.counts)


# ---- planted errors -------------------------------------------------------------------------------------------------

ROTATION = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.fixture
def planted(tmp_path):
    rng = np.random.default_rng(1)
    frames = []
    for k, atoms in enumerate(structures(30)):
        energy, forces, _ = reference(atoms, rng, noise=0.02)
        if k == 4:
            across = np.cross(forces[5], [0, 0, 1])
            forces[5] = np.linalg.norm(forces[5]) * across / np.linalg.norm(across)
        elif k == 7:
            forces = -forces
        elif k == 12:
            forces[[1, 6]] = forces[[6, 1]]
        elif k == 17:
            forces[2, 0] = np.nan
        elif k == 22:
            forces = forces @ ROTATION.T
        elif k == 26:
            forces[3] = -forces[3]
        atoms.arrays["dft_forces"], atoms.info["dft_energy"] = forces, energy
        frames.append(atoms)
    write(tmp_path / "planted.extxyz", frames)
    return read_dataset(tmp_path / "planted.extxyz")


def test_planted_errors_are_found_and_named(planted):
    assert [(s.where, "not finite" in s.reason) for s in planted.set_aside] == [("planted.extxyz, frame 17", True)]
    result = force_errors(planted, Toy())
    found = dict(zip(result.by_structure["where"], result.by_structure["suspect"], strict=True))
    named = {int(where.rpartition(" ")[2]): text for where, text in found.items() if text}
    assert named.pop(4) in {f"force of atom 5: turned by {angle}°" for angle in (89, 90, 91)}
    assert named == {
        7: "forces of opposite sign",
        12: "forces of atoms 1 and 6 exchanged",
        22: "forces turned against the structure",
        26: "force of atom 3: opposite sign",
    }
    worst = result.by_structure.sort_values("max_error", ascending=False).iloc[0]
    assert result.max_error_at == (worst.structure, worst.worst_atom)
    atom = result.by_structure.set_index("where").loc["planted.extxyz, frame 26", "worst_atom"]
    assert atom == 3


def test_good_data_is_not_suspected(tmp_path):
    rng = np.random.default_rng(5)
    frames = []
    for atoms in structures(30):
        energy, forces, _ = reference(atoms, rng)
        atoms.arrays["REF_forces"], atoms.info["REF_energy"] = forces, energy
        frames.append(atoms)
    write(tmp_path / "good.extxyz", frames)
    result = force_errors(read_dataset(tmp_path / "good.extxyz"), Toy())
    assert not any(result.by_structure["suspect"])


# ---- cache ----------------------------------------------------------------------------------------------------------


def many(tmp_path, n=200):
    rng = np.random.default_rng(2)
    frames = []
    for atoms in structures(n):
        energy, forces, _ = reference(atoms, rng)
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        frames.append(atoms)
    write(tmp_path / "many.extxyz", frames)
    return read_dataset(tmp_path / "many.extxyz")


def test_nothing_is_computed_twice_and_a_stop_loses_little(tmp_path):
    dataset, folder = many(tmp_path), tmp_path / "cache"

    def stop(done, total, **values):
        if done >= 128:
            raise Cancelled("stopped")

    stopped = Toy()
    with pytest.raises(Cancelled):
        force_errors(dataset, stopped, folder=folder, identity={"m": 1}, progress=stop)
    assert stopped.asked == 128
    told = []
    continued = Toy()
    result = force_errors(
        dataset,
        continued,
        folder=folder,
        identity={"m": 1},
        progress=lambda done, total, **v: told.append((done, total, v)),
    )
    assert continued.asked == 200 - 128
    assert told[-1][0] == 200
    assert told[-1][2]["mae"] == pytest.approx(result.mae, rel=0.2)
    again = Toy()
    assert force_errors(dataset, again, folder=folder, identity={"m": 1}).mae == result.mae
    assert again.asked == 0
    other = Toy()
    force_errors(dataset, other, folder=folder, identity={"m": 2})
    assert other.asked == 200
    assert result.mae == pytest.approx(force_errors(dataset, Toy()).mae, abs=1e-15)
    assert len(list(folder.iterdir())) == 2


def test_other_labels_need_no_new_predictions(tmp_path):
    frames = structures(6)
    for atoms in frames:
        _, forces, _ = reference(atoms, np.random.default_rng(0))
        atoms.arrays["REF_forces"], atoms.arrays["dft_forces"] = forces, 2 * forces
    write(tmp_path / "a.extxyz", frames)
    first, second = (read_dataset(tmp_path / "a.extxyz", forces_key=key) for key in ("REF_forces", "dft_forces"))
    model = Toy()
    a = force_errors(first, model, folder=tmp_path / "cache", identity="x")
    b = force_errors(second, model, folder=tmp_path / "cache", identity="x")
    assert model.asked == 6
    assert b.mae > 2 * a.mae


def test_a_folder_needs_an_identity(mixed, tmp_path):
    with pytest.raises(CalculationError, match="identity"):
        force_errors(mixed[0], Toy(), folder=tmp_path)


def test_what_the_model_cannot_answer_is_listed(mixed):
    dataset, _ = mixed
    result = force_errors(dataset, Toy(refuse=("Si",)))
    assert result.n_structures == 16
    assert len(result.not_evaluated) == 8
    assert result.not_evaluated.reason.str.contains("does not cover").all()
    with pytest.raises(DatasetError, match="None of the 24 structures"):
        force_errors(dataset, Toy(refuse=("Si", "Na", "C")))


class Spy(Toy):
    """Counts the structures of each forward call; the first call takes long, as where a model still compiles."""

    batch_structures, later = 64, 0.001

    def __init__(self, first=0.0, spoiled=(), **options):
        super().__init__(**options)
        self.calls, self.first, self.spoiled = [], first, spoiled

    def _forward(self, structures):
        time.sleep(self.later if self.calls else self.first)
        self.calls.append(len(structures))
        answers = super()._forward(structures)
        return [
            answer._replace(energy=np.nan)
            if any(np.isclose(atoms.positions[0, 0], x) for x in self.spoiled)
            else answer
            for atoms, answer in zip(structures, answers, strict=True)
        ]


def test_what_is_not_covered_is_sorted_out_before_the_model_is_asked(tmp_path):
    """200 structures in parts of 64, a third of them silicon: one call for all others of a part."""
    dataset, spy = many(tmp_path), Spy()
    spy.elements = frozenset({1, 6, 8, 11, 17})
    result = force_errors(dataset, spy)
    assert spy.calls == [43, 42, 43, 5]
    assert len(result.not_evaluated) == 67
    assert (result.not_evaluated["structure"] % 3 == 1).all()
    assert result.not_evaluated["reason"].iloc[0].startswith("toy does not cover Si")


def test_one_structure_that_fails_costs_its_part_a_few_calls(tmp_path):
    dataset = many(tmp_path, 64)
    bad = dataset.frame(40)
    spy = Spy(spoiled=[bad.atoms.positions[0, 0]])
    result = force_errors(dataset, spy)
    assert result.not_evaluated["structure"].tolist() == [40]
    assert "not finite" in result.not_evaluated["reason"][0]
    assert len(spy.calls) <= 1 + 2 * 6, "halved six times"


def test_the_first_call_does_not_count_in_the_time(tmp_path):
    dataset, spy = many(tmp_path, 70), Spy(first=1.0)
    spy.batch_structures = 30
    result = force_errors(dataset, spy)
    timed = sum(len(frame.atoms) for frame in dataset if frame.index >= 30)
    assert spy.calls == [30, 30, 4, 6]
    assert 1e6 * 3 * spy.later / timed <= result.us_per_atom < 1e6 * 0.5 / timed


def test_a_single_call_is_cold_and_has_no_time(tmp_path):
    assert force_errors(many(tmp_path, 12), Spy()).us_per_atom is None


def test_times_of_earlier_versions_counted_the_first_call_and_are_left_out(tmp_path):
    dataset = many(tmp_path, 6)
    force_errors(dataset, Toy(), folder=tmp_path / "kept", identity="x")
    path = predictions_path(dataset, "x", tmp_path / "kept")
    table = pq.read_table(path).replace_schema_metadata({"seconds": "5.0", "atoms": "48"})
    pq.write_table(table, path)
    again = Toy()
    assert force_errors(dataset, again, folder=tmp_path / "kept", identity="x").us_per_atom is None
    assert again.asked == 0


def test_exports(mixed, tmp_path):
    dataset, _ = mixed
    model, folder = Toy(scale=0.9), tmp_path / "cache"
    result = force_errors(dataset, model, folder=folder, identity="a")
    path = predictions_path(dataset, "a", folder)
    table = pd.concat(per_atom_table(dataset, path), ignore_index=True)
    pd.testing.assert_frame_equal(table, result.atoms)
    labelled = list(with_forces(dataset, {"Toy (direct)": path}))
    write(tmp_path / "out.extxyz", labelled, format="extxyz")
    again = read_dataset(tmp_path / "out.extxyz", forces_key="Toy_direct__forces")
    np.testing.assert_allclose(again.frame(3).forces, model.answer(dataset.frame(3).atoms).forces, atol=1e-7)


# ---- statistics -----------------------------------------------------------------------------------------------------


def test_intervals_cover_and_are_repeatable(mixed):
    dataset, _ = mixed
    a, b = (force_errors(dataset, Toy(scale=0.9)) for _ in range(2))
    assert a.intervals == b.intervals
    for name in ("mae", "rmse", "cosine", "softening", "energy_mae", "stress_rmse", "magnitude_mae"):
        low, high = a.intervals[name]
        assert low <= getattr(a, name) <= high
        assert high > low


def test_interval_of_a_mean_is_that_of_theory():
    """Structures of equal size: the interval of the MAE is ±1.96 standard errors of their mean."""
    from mlip_core.calculations.force_errors.measures import SUMS
    from mlip_core.calculations.force_errors.statistics import intervals

    rng = np.random.default_rng(0)
    mae = rng.gamma(4.0, 0.025, 400)
    sums = pd.DataFrame(np.ones((400, len(SUMS))), columns=[f"sum_{name}" for name in SUMS])
    table = sums.assign(sum_atoms=10.0, sum_abs=30 * mae, energy_error=np.nan, stress_square=np.nan)
    low, high = intervals(table, ForceErrorSettings(resamples=4000))["mae"]
    error = 1.96 * mae.std(ddof=1) / 20
    assert low == pytest.approx(mae.mean() - error, rel=0.02)
    assert high == pytest.approx(mae.mean() + error, rel=0.02)


def test_comparison_of_two(mixed):
    dataset, _ = mixed
    near, far = force_errors(dataset, Toy(scale=0.97)), force_errors(dataset, Toy(scale=0.8))
    result = compare_errors(near, far)
    expected = np.mean(near.by_structure.mae - far.by_structure.mae)
    assert result.difference == pytest.approx(expected, abs=1e-12)
    assert result.difference < 0
    assert result.real
    assert result.p_value < 0.001
    assert result.interval[0] < result.difference < result.interval[1] < 0
    same = compare_errors(near, near)
    assert (same.difference, same.p_value, same.real) == (0.0, 1.0, False)


def test_chance_is_not_called_real(mixed):
    """Two models that differ by independent noise of the same size."""
    dataset, _ = mixed

    class Noisy(Toy):
        def __init__(self, seed):
            super().__init__()
            self.rng = np.random.default_rng(seed)

        def answer(self, atoms):
            p = super().answer(atoms)
            return p._replace(forces=p.forces + self.rng.normal(0, 0.1, p.forces.shape))

    result = compare_errors(force_errors(dataset, Noisy(1)), force_errors(dataset, Noisy(2)))
    assert not result.real
    assert result.p_value > 0.05


def test_comparison_needs_the_same_data(mixed, tmp_path):
    other = many(tmp_path, 6)
    with pytest.raises(CalculationError, match="same data set"):
        compare_errors(force_errors(mixed[0], Toy()), force_errors(other, Toy()))


# ---- without labels -------------------------------------------------------------------------------------------------


def test_difference_to_a_model_is_not_called_an_error():
    frames = structures(9)
    result = differences(frames, Toy(scale=0.9), Toy())
    assert result.kind == "difference"
    assert result.reference == "toy"
    assert result.softening == pytest.approx(0.9, abs=1e-12)
    expected = np.mean(np.abs(np.concatenate([0.1 * Toy().answer(a).forces for a in frames])))
    assert result.mae == pytest.approx(expected, abs=1e-12)


def test_difference_on_unlabelled_data(tmp_path):
    write(tmp_path / "bare.extxyz", structures(6))
    dataset = read_dataset(tmp_path / "bare.extxyz", labelled=False)
    with pytest.raises(DatasetError, match="no forces to compare"):
        force_errors(dataset, Toy())
    result = differences(dataset, Toy(scale=0.5), Toy())
    assert result.softening == pytest.approx(0.5, abs=1e-12)
    assert result.by_structure["where"][0] == "bare.extxyz, frame 0"


@pytest.mark.parametrize("setting", [{"cosine_threshold": 0}, {"resamples": 10}, {"confidence": 1.0}, {"max_atoms": 1}])
def test_settings_are_checked(setting):
    with pytest.raises(SettingsError, match=next(iter(setting))):
        ForceErrorSettings(**setting)
