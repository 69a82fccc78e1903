"""A part of a data set against the same figures computed from scratch, and who waits for whom."""

import threading

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from mlip_core.calculations.force_errors import ForceErrorSettings, Selection, force_errors, narrowed
from mlip_core.calculations.force_errors.functionals import functional_note
from mlip_core.calculations.force_errors.predictions import predict_dataset, predictions_path
from mlip_core.calculations.force_errors.task import ErrorSplitSettings, run, run_split
from mlip_core.datasets.read import dataset_of
from mlip_core.errors import CalculationError, DatasetError
from mlip_core.models.model import Model, Prediction


class Scaled(Model):
    """A factor times the positions; energies that no per-element offset explains."""

    name = "scaled"

    def __init__(self, factor=1.1):
        self.factor, self.calls, self.identity = factor, 0, f"scaled by {factor}"

    def _forward(self, structures):
        self.calls += 1
        return [
            Prediction(float(np.sum(np.sin(a.positions))), self.factor * a.positions, 1e-3 * self.factor * np.eye(3))
            for a in structures
        ]


def labelled(n=8):
    made = []
    for k in range(n):
        atoms = bulk("NaCl" if k % 2 else "SiC", "rocksalt", 5.0 + 0.01 * k, cubic=True)
        atoms.rattle(0.1, seed=k)
        forces = atoms.positions * (1 + 0.05 * atoms.numbers[:, None] / 10)
        atoms.calc = SinglePointCalculator(atoms, energy=float(k), forces=forces, stress=np.eye(3) * 1e-3)
        atoms.info["family"] = "ionic" if k % 2 else "covalent"
        made.append(atoms)
    return made


@pytest.fixture
def frames():
    return labelled()


@pytest.fixture
def evaluated(frames, tmp_path):
    dataset = dataset_of(frames, "crystals", folder=tmp_path)
    errors = force_errors(dataset, Scaled(), folder=tmp_path, identity="scaled")
    return errors, dataset, predictions_path(dataset, "scaled", tmp_path)


def component_errors(frames, keep):
    errors = [(1.1 * a.positions - a.get_forces())[[keep(a, i) for i in range(len(a))]] for a in frames]
    return np.concatenate([e.ravel() for e in errors])


def test_one_element(frames, evaluated):
    part = narrowed(*evaluated, Selection(element="Cl"))
    expected = component_errors(frames, lambda atoms, i: atoms.symbols[i] == "Cl")
    assert part.mae == pytest.approx(np.abs(expected).mean(), rel=1e-12)
    assert part.rmse == pytest.approx(np.sqrt((expected**2).mean()), rel=1e-12)
    assert (part.n_structures, part.n_atoms) == (4, 16)
    assert list(part.by_element["element"]) == ["Cl"]
    assert part.components.counts.sum() == 3 * 16
    assert set(part.atoms["number"]) == {17}
    assert part.narrowed_to == "Cl atoms"


def test_one_subset_is_what_that_subset_alone_gives(frames, evaluated, tmp_path):
    part = narrowed(*evaluated, Selection(tag="family", value="covalent"))
    alone = force_errors(dataset_of(frames[::2], "part", folder=tmp_path), Scaled())
    for name in ("mae", "rmse", "max_error", "cosine", "softening", "magnitude_mae", "stress_rmse", "n_atoms"):
        assert getattr(part, name) == pytest.approx(getattr(alone, name), rel=1e-12), name
    assert not part.intervals  # four structures are too few
    np.testing.assert_array_equal(part.magnitudes.counts.sum(), alone.magnitudes.counts.sum())


def test_energy_offsets_stay_those_of_all_data(evaluated):
    errors, dataset, path = evaluated
    part = narrowed(errors, dataset, path, Selection(tag="family", value="ionic"))
    kept = errors.by_structure[errors.by_structure["tag:family"] == "ionic"]
    assert errors.energy_mae > 1e-3
    assert part.energy_mae == pytest.approx(kept["energy_error"].abs().mean(), rel=1e-12)
    assert part.energy_offsets == errors.energy_offsets
    assert "whole data set" in part.energy_note
    assert list(part.by_structure["suspect"]) == list(kept["suspect"])


def test_both_conditions_hold_together(evaluated):
    part = narrowed(*evaluated, Selection(element="Na", tag="family", value="ionic"))
    assert part.n_atoms == 16
    with pytest.raises(DatasetError, match=r"No structure.*Na atoms, family = covalent"):
        narrowed(*evaluated, Selection(element="Na", tag="family", value="covalent"))


def test_some_structures(frames, evaluated):
    part = narrowed(*evaluated, Selection(structures=(1, 2, 5), element="Na"))
    assert sorted(part.by_structure["structure"]) == [1, 5]
    expected = component_errors([frames[1], frames[5]], lambda atoms, i: atoms.symbols[i] == "Na")
    assert part.mae == pytest.approx(np.abs(expected).mean(), rel=1e-12)


def test_no_condition_changes_nothing_and_other_data_are_refused(frames, evaluated, tmp_path):
    errors, dataset, path = evaluated
    assert narrowed(errors, dataset, path, Selection()) is errors
    other = dataset_of(frames[:3], "other", folder=tmp_path)
    with pytest.raises(DatasetError, match="other data"):
        narrowed(errors, other, path, Selection(element="Na"))


# ---- against another model, as a task ---------------------------------------------------------------------------


def test_differences_as_a_task_compute_the_reference_once(frames, tmp_path):
    for atoms in frames:
        atoms.calc = None
    dataset = dataset_of(frames, "bare", labelled=False, folder=tmp_path)
    reference = Scaled(1.0)
    results = []
    for factor in (0.9, 0.8):
        results.append(run(dataset, Scaled(factor), ForceErrorSettings(), reference_model=reference))
    assert reference.calls == 1
    assert [r.softening for r in results] == pytest.approx([0.9, 0.8])
    assert {r.kind for r in results} == {"difference"}
    assert results[0].dataset_sha256 == results[1].dataset_sha256
    assert (tmp_path / results[0].dataset_file).is_file()
    split = run_split(dataset, Scaled(0.9), ErrorSplitSettings(grid="tetrahedral"), reference_model=reference)
    assert reference.calls == 1
    assert split.total_rmse > 0


# ---- two workers, one answer ------------------------------------------------------------------------------------


def test_the_same_predictions_are_computed_by_one_worker_while_the_other_waits(frames, tmp_path):
    dataset = dataset_of(frames, "crystals", folder=tmp_path)
    path = predictions_path(dataset, "slow", tmp_path)
    inside, go_on, stages = threading.Event(), threading.Event(), []

    class Slow(Scaled):
        def _forward(self, structures):
            inside.set()
            assert go_on.wait(30)
            return super()._forward(structures)

    first, second = Slow(), Scaled()
    worker = threading.Thread(target=predict_dataset, args=(dataset, first, path))
    worker.start()
    assert inside.wait(30)

    def waited(done, total, **values):
        stages.append(values["stage"])
        go_on.set()

    found = predict_dataset(dataset, second, path, progress=waited)
    worker.join(30)
    assert (first.calls, second.calls) == (1, 0)
    assert stages[0] == "waiting for the same forces"
    assert all(answer.prediction is not None for answer in found)
    assert not list(tmp_path.glob("*.lock"))


def test_a_stopped_worker_lets_the_next_one_in(frames, tmp_path):
    dataset = dataset_of(frames, "crystals", folder=tmp_path)
    path = predictions_path(dataset, "stopped", tmp_path)

    def stop(done, total, **values):
        raise CalculationError("stopped")

    with pytest.raises(CalculationError):
        predict_dataset(dataset, Scaled(), path, progress=stop)
    assert len(list(predict_dataset(dataset, Scaled(), path))) == dataset.n_structures


# ---- functionals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "data", "elements", "said"),
    [
        ("PBE(+U), Materials Project", "PBE (GPAW, plane waves)", {"Mg", "O"}, ""),
        ("PBE(+U), Materials Project", "PBE, VASP", {"Fe", "O"}, "PBE+U against PBE"),
        ("PBE(+U), Materials Project", "PBE, VASP", {"Fe"}, ""),
        ("PBE(+U), OMat24", "PBE+U", {"Ni", "O"}, ""),
        ("r2SCAN", "PBE", {"Si"}, "learned r2SCAN, the data are PBE"),
        ("PBEsol", "PBE", {"Si"}, "learned PBEsol, the data are PBE"),
        ("ωB97M-D3", "ωB97M-V", {"C"}, "difference of functionals"),
        ("not stated", "PBE", {"Si"}, "of the model is not stated"),
        ("PBE", "not stated", {"Si"}, "of the data is not stated"),
    ],
)
def test_functionals(model, data, elements, said):
    note = functional_note(model, data, elements)
    assert (said in note) if said else note == ""
