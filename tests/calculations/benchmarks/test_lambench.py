"""LAMBench's figures against the formulas of its paper, written out once more."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.calculations.benchmarks.lambench import efficiency, instability, lambench_error
from mlip_core.calculations.benchmarks.published import madbench_table
from mlip_core.calculations.force_errors import force_errors
from mlip_core.datasets.read import dataset_of
from mlip_core.errors import DatasetError, SettingsError
from mlip_core.models.model import Model, Prediction


class Scaled(Model):
    """The reference times a factor, with an energy offset per atom; knows the reference by the cell's volume."""

    name = "scaled"

    def __init__(self, answers, factor):
        self.answers, self.factor = answers, factor

    def _forward(self, structures):
        return [self._one(self.answers[round(atoms.get_volume(), 6)]) for atoms in structures]

    def _one(self, p):
        return Prediction(
            self.factor * p.energy + 5.0 * len(p.forces),
            self.factor * p.forces,
            None if p.stress is None else self.factor * p.stress,
        )


def three_sets():
    """Sets "a" (with stress) and "b" in one domain, "c" in another; random reference values."""
    rng = np.random.default_rng(0)
    frames, answers = [], {}
    for k in range(45):
        name = "abc"[k % 3]
        atoms = bulk({"a": "NaCl", "b": "MgO", "c": "LiF"}[name], "rocksalt", 4 + 0.01 * k) * (1 + k % 2, 1, 1)
        n = len(atoms)
        stress = rng.normal(size=(3, 3)) if name == "a" else None
        p = Prediction(rng.normal() * n, rng.normal(size=(n, 3)), None if stress is None else (stress + stress.T) / 2)
        answers[round(atoms.get_volume(), 6)] = p
        given = {} if stress is None else {"stress": p.stress}
        atoms.calc = SinglePointCalculator(atoms, energy=p.energy, forces=p.forces, **given)
        atoms.info["set"] = name
        frames.append((atoms, p, name))
    return frames, answers


DOMAINS = {"a": "ionic", "b": "ionic", "c": "other"}


def score(factor, **options):
    frames, answers = three_sets()
    dataset = dataset_of([atoms for atoms, _, _ in frames], "sets")
    return lambench_error(dataset, force_errors(dataset, Scaled(answers, factor)), domains=DOMAINS, **options), frames


def test_perfect_model_and_dummy():
    perfect, _ = score(1.0)
    assert perfect.error == pytest.approx(0.0, abs=1e-12)
    dummy, _ = score(0.0)
    assert dummy.error == pytest.approx(1.0, abs=1e-12)
    worse, _ = score(-3.0)
    assert worse.error == pytest.approx(1.0, abs=1e-12), "capped"


def test_an_error_proportional_to_the_reference():
    """e = −0.3 × reference everywhere: each normalised error is 0.3, so is every mean."""
    result, _ = score(0.7)
    np.testing.assert_allclose(result.sets["normalised"], 0.3, atol=1e-12)
    assert result.error == pytest.approx(0.3, abs=1e-12)
    assert result.domains.set_index("domain").loc["ionic", "virial"] == pytest.approx(0.3)
    assert np.isnan(result.domains.set_index("domain").loc["other", "virial"])


def test_dummies_domains_and_weights_written_out():
    given = {"a": {"energy": 0.5, "forces": 2.0, "virial": 3.0}, "c": {"forces": 0.01}}
    result, frames = score(0.7, dummies=given)
    ratio = {}
    for name in "abc":
        mine = [(atoms, p) for atoms, p, s in frames if s == name]
        counts = np.array(
            [[np.sum(atoms.numbers == z) for z in sorted(set(mine[0][0].numbers))] for atoms, _ in mine], float
        )
        e = np.array([p.energy for _, p in mine])
        n = counts.sum(axis=1)
        left = e - counts @ np.linalg.pinv(counts) @ e
        dummy = {
            "energy": np.sqrt(np.mean((left / n) ** 2)),
            "forces": np.sqrt(np.mean(np.concatenate([p.forces for _, p in mine]) ** 2)),
        }
        rmse = {q: 0.3 * v for q, v in dummy.items()}
        if name == "a":
            virials = [atoms.get_volume() * p.stress / len(atoms) for atoms, p in mine]
            dummy["virial"] = np.sqrt(np.mean(np.square(virials)))
            rmse["virial"] = 0.3 * dummy["virial"]
        ratio[name] = {q: min(rmse[q] / (dummy | given.get(name, {}))[q], 1.0) for q in rmse}
    ionic = (
        0.45 * np.sqrt(ratio["a"]["energy"] * ratio["b"]["energy"])
        + 0.45 * np.sqrt(ratio["a"]["forces"] * ratio["b"]["forces"])
        + 0.1 * ratio["a"]["virial"]
    )
    other = 0.5 * ratio["c"]["energy"] + 0.5 * ratio["c"]["forces"]
    assert ratio["c"]["forces"] == 1.0
    assert result.error == pytest.approx((ionic + other) / 2, abs=1e-9)


def test_errors_of_other_data_are_refused():
    frames, answers = three_sets()
    first = dataset_of([atoms for atoms, _, _ in frames], "sets")
    second = dataset_of([atoms for atoms, _, _ in frames[:20]], "sets")
    with pytest.raises(DatasetError, match="other data"):
        lambench_error(second, force_errors(first, Scaled(answers, 0.5)))


def test_instability():
    assert instability([1e-5, 5e-4]) == 0.0
    assert instability([5e-3]) == pytest.approx(1.0)
    assert instability([None, 5e-4]) == pytest.approx(2.5)
    assert instability([1e9]) == 5.0
    # the drift of Orb-v2 as published (0.223) alone would give log10(0.223 / 5e-4) = 2.649, its published M_IS
    assert instability([0.223]) == pytest.approx(2.649, abs=1e-3)
    with pytest.raises(SettingsError, match="at least one"):
        instability([])


def test_efficiency():
    assert efficiency([1000.0] + [50.0] * 9) == pytest.approx(2.0)
    assert efficiency([200.0]) == pytest.approx(0.5)
    with pytest.raises(SettingsError, match="positive"):
        efficiency([0.0])


def test_madbench_layout():
    frames, answers = three_sets()
    dataset = dataset_of([atoms for atoms, _, _ in frames], "sets")
    result = force_errors(dataset, Scaled(answers, 0.9))
    table = madbench_table(result).set_index("subset")
    expected = {
        name: np.mean(np.concatenate([np.abs(0.1 * p.forces).ravel() for _, p, s in frames if s == name]))
        for name in "abc"
    }
    for name, mae in expected.items():
        assert table.loc[name, "forces_mae"] == pytest.approx(1000 * mae)
    with pytest.raises(SettingsError, match="No tag 'colour'"):
        madbench_table(result, tag="colour")
