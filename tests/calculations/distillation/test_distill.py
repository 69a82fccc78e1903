"""A student of copper by EMT: learned, stopped, taken up again, and refused where it cannot be learned."""

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase.build import bulk, fcc111, molecule

import mlip_core as mlip
from mlip_core import records
from mlip_core.calculations.distillation import learner as learning
from mlip_core.calculations.distillation.publishing import install, name_of
from mlip_core.errors import CalculationError, Cancelled, ModelError, SettingsError, StructureError
from mlip_core.models import entry
from mlip_core.models.model import Claims
from mlip_core.training.labels import read_labels
from tests.calculations.distillation.conftest import Teacher

TOY = mlip.DistillationSettings(n_structures=6, epochs=2)
pytestmark = pytest.mark.usefixtures("home")


class Reports:
    """A progress that keeps what it is told, and stops where it is told to."""

    def __init__(self, stop=lambda values: False):
        self.rows, self.stop = [], stop

    def __call__(self, done, total, **values):
        self.rows.append((done, total, values))
        if self.stop(values):
            raise Cancelled("stopped on request")


def models(home):
    return sorted(path.name for path in (home / "models").glob("*")) if (home / "models").exists() else []


def test_a_student_learns_is_found_by_its_name_and_says_what_it_is(copper, teacher, home, tmp_path):
    reports = Reports()
    found = mlip.distill(copper, teacher, mlip.DistillationSettings(n_structures=10, epochs=4), progress=reports)
    history = found.history
    assert history.epochs.tolist() == [0, 1, 2, 3, 4]
    assert history.conservative[-1] < 0.5 * history.conservative[0]
    assert history.direct[-1] < 0.7 * history.direct[0]
    assert np.isnan(history.loss[0])
    assert np.isfinite(history.loss[1:]).all()

    assert models(home) == [f"{found.model}.pt", f"{found.model}.yaml"]
    assert found.model.startswith("twin-Cu-")
    known = entry(found.model)
    assert known.elements == ("Cu",)
    assert known.forces == ("direct", "conservative")
    assert known.rotation is False
    card = yaml.safe_load((home / "models" / f"{found.model}.yaml").read_text(encoding="utf-8"))
    assert card["teacher"] == "EMT"
    assert card["start"]["model"] == "pet-demo"
    assert card["start"]["elements"] == {"Cu": "Al"}
    assert "valid near that structure only" in card["entry"]["note"]

    # the errors on the card are those that anybody finds who asks the model itself
    test = [atoms for path in sorted(home.glob("distillation/labels-*/test-*")) for atoms in read_labels(path)]
    for forces, errors in (("direct", found.direct), ("conservative", found.conservative)):
        said = mlip.load_model(found.model, forces=forces).predict(test)
        wrong = np.concatenate([one.forces - atoms.arrays["REF_forces"] for one, atoms in zip(said, test, strict=True)])
        assert errors.force_mae == pytest.approx(np.abs(wrong).mean(), rel=1e-3)
        energies = [(one.energy - atoms.info["REF_energy"]) / len(atoms) for one, atoms in zip(said, test, strict=True)]
        assert errors.energy_mae == pytest.approx(np.abs(energies).mean(), rel=1e-2)

    told = [values for _, _, values in reports.rows if "history" in values]
    assert [len(values["history"]["epochs"]) for values in told] == [1, 2, 3, 4, 5]
    records.save(found, tmp_path / "record")
    assert np.array_equal(records.load(tmp_path / "record").weights, found.weights)

    before = mlip.load_model(found.model).predict([copper])[0].energy
    (home / "models" / f"{found.model}.pt").unlink()
    install(found)
    assert mlip.load_model(found.model).predict([copper])[0].energy == before


def test_learning_goes_on_after_a_stop_as_if_there_had_been_none(copper, teacher, home, monkeypatch):
    settings = replace(TOY, epochs=3)
    whole = mlip.distill(copper, teacher, settings)
    asked = teacher.asked

    monkeypatch.setenv("MLIP_DASHBOARD_HOME", str(home) + "-other")
    batches = iter(range(100))
    original = learning.Learner._learn

    def dies(self, batch):
        if next(batches) == 3:  # in the middle of the second epoch of two batches each
            raise KeyboardInterrupt
        return original(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(learning.Learner, "_learn", dies)
        with pytest.raises(KeyboardInterrupt):
            mlip.distill(copper, teacher, settings)
    assert not models(Path(str(home) + "-other")), "half a model is none"
    teacher.asked = 0
    steps = []
    with monkeypatch.context() as patch:
        patch.setattr(learning.Learner, "_learn", lambda self, batch: steps.append(1) or original(self, batch))
        again = mlip.distill(copper, teacher, settings)
    assert teacher.asked == 0 < asked, "nothing is labelled twice"
    assert len(steps) == 4, "the first epoch is not learned again"
    np.testing.assert_allclose(again.history.conservative, whole.history.conservative, rtol=1e-6)
    assert again.model == whole.model
    np.testing.assert_allclose(again.direct.force_mae, whole.direct.force_mae, rtol=1e-6)


@pytest.mark.slow
def test_more_epochs_go_on_and_fewer_are_still_there(copper, teacher, home, monkeypatch):
    short = mlip.distill(copper, teacher, TOY)
    steps, original = [], learning.Learner._learn
    monkeypatch.setattr(learning.Learner, "_learn", lambda self, batch: steps.append(1) or original(self, batch))
    longer = mlip.distill(copper, teacher, replace(TOY, epochs=3))
    assert len(steps) == 2, "one epoch of two batches"
    assert longer.model != short.model
    np.testing.assert_array_equal(longer.history.direct[:3], short.history.direct)
    assert mlip.distill(copper, teacher, TOY).model == short.model
    assert len(steps) == 2
    assert len(models(home)) == 4, "both stay"


def test_it_stops_within_an_epoch(copper, teacher, home, monkeypatch):
    monkeypatch.setattr("mlip_core.calculations.distillation.calculation.TICK", 0.0)
    steps, original = [], learning.Learner._learn
    monkeypatch.setattr(learning.Learner, "_learn", lambda self, batch: steps.append(1) or original(self, batch))
    reports = Reports(stop=lambda values: bool(steps))
    with pytest.raises(Cancelled):
        mlip.distill(copper, teacher, progress=reports)
    assert len(steps) == 1
    assert not models(home)


@pytest.mark.slow
def test_without_turning_the_student_never_meets_another_orientation(copper, teacher, monkeypatch):
    seen, original = [], learning.Learner._learn
    monkeypatch.setattr(learning.Learner, "_learn", lambda self, batch: seen.append(batch) or original(self, batch))
    cells, asked = {}, []
    for turned in (True, False):
        seen.clear()
        found = mlip.distill(copper, teacher, replace(TOY, epochs=1, augmentation=turned))
        asked.append(teacher.asked)
        cells[turned] = [cell.numpy() for batch in seen for cell in batch.cells]
        assert found.settings.augmentation is turned
    assert asked[0] == asked[1], "the labels of the one serve the other"
    # the cell of copper has its first vector in the plane of y and z, and strains by up to 3 %
    assert all(abs(cell[0, 0]) < 0.2 * np.linalg.norm(cell[0]) for cell in cells[False])
    assert not all(abs(cell[0, 0]) < 0.2 * np.linalg.norm(cell[0]) for cell in cells[True])


@pytest.mark.slow
def test_variants_that_the_teacher_cannot_answer_are_left_out_and_counted(copper):
    teacher = Teacher(fails=lambda atoms: atoms.info.get("kind") == "displaced")
    found = mlip.distill(copper, teacher, replace(TOY, n_structures=16, epochs=1))
    assert found.n_left_out > 0
    assert found.n_structures < 16
    assert "gave no usable answer for" in " ".join(found.notes)


def test_a_teacher_that_fails_too_often_is_an_error_with_the_numbers(copper, home):
    teacher = Teacher(fails=lambda atoms: atoms.info.get("kind") in {"rattled", "near"})
    with pytest.raises(CalculationError, match=r"no usable answer for \d+ of 15 variants"):
        mlip.distill(copper, teacher, TOY)
    assert not models(home)


@pytest.mark.parametrize(
    ("structure", "error", "words"),
    [
        (bulk("Fe"), ModelError, "does not know Fe, so that it cannot teach"),
        (bulk("Cu") * (6, 6, 6), StructureError, "at most 200"),
        (molecule("H"), StructureError, "feels no force"),
    ],
)
def test_what_cannot_be_learned_is_refused_before_anything_is_labelled(structure, error, words, teacher, home):
    teacher.elements = frozenset({1, 13, 29})
    with pytest.raises(error, match=words):
        mlip.distill(structure, teacher)
    assert teacher.asked == 0
    assert not (home / "distillation").exists()


def test_a_teacher_without_symmetry_teaches_none(copper, teacher):
    teacher.claims = Claims(rotation=False, inversion=False, translation=True, conservative=True)
    with pytest.raises(SettingsError, match="does not obey the symmetry"):
        mlip.distill(copper, teacher)
    assert teacher.asked == 0


def test_settings_of_another_start_are_refused(copper, teacher):
    with pytest.raises(SettingsError, match="began with other weights"):
        mlip.distill(copper, teacher, mlip.DistillationSettings(start="0123456789ab"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"n_structures": 3}, "from 4 to"),
        ({"epochs": 0}, "from 1 to 500"),
        ({"rattle": 0.5}, "0.01 to 0.2"),
        ({"strain": 0.0}, "0.001"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, words):
    with pytest.raises(SettingsError, match=words):
        mlip.DistillationSettings(**wrong)


@pytest.mark.parametrize(
    ("structure", "formula"),
    [
        (bulk("GaAs", "zincblende", a=5.65), "GaAs"),
        (bulk("ZnO", "wurtzite", a=3.25, c=5.2), "ZnO"),
        (molecule("CH4"), "CH4"),
    ],
)
def test_a_student_is_called_by_the_formula_and_by_more_digits_where_another_has_its_name(structure, formula):
    assert name_of(structure, "3f2a91", {}) == f"twin-{formula}-3f2a"
    assert name_of(structure, "3f2a91", {f"twin-{formula}-3f2a": "3f2a91"}) == f"twin-{formula}-3f2a"
    assert name_of(structure, "3f2a91", {f"twin-{formula}-3f2a": "3f2a77"}) == f"twin-{formula}-3f2a9"


@pytest.mark.parametrize(
    "suffix", [".ckpt", *(pytest.param(one, marks=pytest.mark.slow) for one in (".extxyz", ".pt"))]
)
def test_a_full_disk_is_said_and_nothing_is_lost(copper, teacher, home, monkeypatch, suffix):
    original = Path.write_bytes

    def full(self, data):
        if suffix in self.suffixes:
            original(self, data[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(CalculationError, match="No space left on device"):
            mlip.distill(copper, teacher, TOY)
    assert not list(home.rglob("*.part"))
    assert not list((home / "models").glob("*.pt"))
    found = mlip.distill(copper, teacher, TOY)
    assert models(home) == [f"{found.model}.pt", f"{found.model}.yaml"]


def test_losses_that_are_no_number_are_said_and_the_student_before_is_kept(copper, teacher, home, monkeypatch):
    original = learning.loss

    def lost(self_answer, batch):
        value = original(self_answer, batch)
        return value * float("nan") if steps["n"] >= 2 else value

    steps, learn = {"n": 0}, learning.Learner._learn

    def counted(self, batch):
        value = learn(self, batch)
        steps["n"] += 1
        return value

    with monkeypatch.context() as patch:
        patch.setattr(learning, "loss", lost)
        patch.setattr(learning.Learner, "_learn", counted)
        with pytest.raises(CalculationError, match=r"epoch 2: the loss was no number in 2 of 2 .* ask for 1 epochs"):
            mlip.distill(copper, teacher, TOY)
    assert not models(home)
    with monkeypatch.context() as patch:
        patch.setattr(learning.Learner, "_learn", lambda self, batch: pytest.fail("it is there already"))
        found = mlip.distill(copper, teacher, replace(TOY, epochs=1))
    assert np.isfinite(found.direct.force_mae)


def test_a_checkpoint_cut_short_is_passed_over(copper, teacher, home):
    whole = mlip.distill(copper, teacher, TOY)
    path = next((home / "distillation").glob("*/epoch-00002.ckpt"))
    path.write_bytes(path.read_bytes()[:1000])
    assert mlip.distill(copper, teacher, TOY).direct.force_mae == pytest.approx(whole.direct.force_mae, rel=1e-6)


@pytest.mark.parametrize("structure", [fcc111("Cu", (1, 1, 2), vacuum=5), molecule("CH4")], ids=["slab", "molecule"])
def test_slabs_and_molecules_are_learned_without_a_stress(structure, teacher):
    found = mlip.distill(structure, teacher, mlip.DistillationSettings(n_structures=4, epochs=1))
    assert found.direct.stress_mae is None
    assert found.conservative.stress_mae is None
    said = mlip.load_model(found.model, forces="conservative").predict([structure])[0]
    assert said.stress is None
    assert np.isfinite(said.forces).all()
