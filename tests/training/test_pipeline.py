import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import yaml
from ase.build import bulk
from ase.calculators.emt import EMT

from mlip_core.assets import asset
from mlip_core.errors import DatasetError, SettingsError
from mlip_core.models import from_ase
from mlip_core.training.__main__ import main
from mlip_core.training.accuracy import accuracy
from mlip_core.training.archive import pack
from mlip_core.training.export import export
from mlip_core.training.labels import label_file, write_frames
from mlip_core.training.labels import labelled as labelled_by
from mlip_core.training.settings import Stage, read_settings
from mlip_core.training.train import learned, metatrain_options, newest_checkpoint, train, write_splits

MODEL = {"cutoff": 4.0, "d_pet": 8, "d_head": 8, "d_node": 8, "d_feedforward": 8, "num_heads": 1}
MODEL |= {"num_attention_layers": 1, "num_gnn_layers": 1}
FORCE = {"key": "REF_forces", "unit": "eV/A", "sample_kind": "atom", "type": {"cartesian": {"rank": 1}}}
STRESS = {"quantity": "pressure", "key": "REF_stress", "unit": "eV/A^3"}
STRESS |= {"sample_kind": "system", "type": {"cartesian": {"rank": 2}}}
DEMO = asset("models", "pet-demo.settings.yaml")


def toy(epochs=2):
    def stage(name, gradients):
        training = {"batch_size": 2, "num_epochs": epochs, "checkpoint_interval": 1, "num_workers": 0}
        energy = {"key": "REF_energy", "unit": "eV", "forces": gradients, "stress": False}
        return {
            "name": name,
            "options": {
                "architecture": {"name": "pet", "model": MODEL, "training": training},
                "targets": {"energy": energy, "non_conservative_force": FORCE},
            },
        }

    crystal = {"name": "Si", "formula": "Si", "lattice": "diamond", "a": 5.46, "counts": {"conventional": 5}}
    data = {"seed": 1, "strain": 0.02, "rattles": [0.05], "displacements": [0.02], "children": 1}
    data |= {"validation": 0.2, "test": 0.2, "crystals": [crystal]}
    stages = [stage("direct", False), stage("conservative", {"key": "REF_forces"})]
    return {"name": "toy", "teacher": "sevennet-0", "data": data, "stages": stages}


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "toy.settings.yaml"
    path.write_text(yaml.safe_dump(toy()))
    return path


def run(command, settings, folder, *more):
    return main([command, "--settings", str(settings), "--folder", str(folder), *more])


def test_settings_are_read_and_mistakes_named(tmp_path, settings):
    found = read_settings(settings)
    assert found.data.crystals[0].counts == {"conventional": 5}
    assert [stage.name for stage in found.stages] == ["direct", "conservative"]
    for change, words in (({"colour": 1}, "unknown colour"), ({"data": 3}, "data: expected named fields")):
        wrong = tmp_path / "wrong.yaml"
        wrong.write_text(yaml.safe_dump(toy() | change))
        with pytest.raises(SettingsError, match=words):
            read_settings(wrong)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path / "absent.yaml")


def test_settings_may_take_their_data_from_another_file(tmp_path, settings):
    twin = tmp_path / "twin.settings.yaml"
    twin.write_text(yaml.safe_dump(toy() | {"name": "twin", "data": settings.name}))
    assert read_settings(twin).data == read_settings(settings).data


def test_settings_may_name_a_start_and_labels_to_learn_beside(tmp_path, settings):
    copper = {"name": "Cu", "formula": "Cu", "lattice": "fcc", "a": 3.6, "counts": {"near": 5}, "bands": [2, 2, 2]}
    more = {"start": "toy.pt", "beside": {"data": settings.name, "labels": "toy.xz", "every": 3}}
    grown = tmp_path / "grown.settings.yaml"
    grown.write_text(yaml.safe_dump(toy() | more | {"data": toy()["data"] | {"crystals": [copper], "first": 5}}))
    found = read_settings(grown)
    assert found.start == tmp_path / "toy.pt"
    assert found.beside.labels == tmp_path / "toy.xz"
    assert found.beside.data == read_settings(settings).data
    assert [crystal.name for crystal in found.crystals] == ["Si", "Cu"]
    assert found.crystals[1].bands == (2, 2, 2)
    grown.write_text(yaml.safe_dump(toy() | {"beside": {"data": settings.name, "labels": "x", "colour": 1}}))
    with pytest.raises(SettingsError, match="beside: unknown colour"):
        read_settings(grown)


def labelled(symbol, first, n=12):
    structures = []
    for i in range(n):
        atoms = bulk(symbol, cubic=True)
        atoms.rattle(0.05, seed=first + i)
        atoms.info.update(id=first + i, crystal=symbol, kind="near", parent=f"{symbol}-{i}", rattle=0.05)
        atoms.info["split"] = "test" if i % 4 == 0 else "validation" if i % 4 == 1 else "train"
        structures.append(atoms)
    return labelled_by(structures, from_ase(EMT(), name="EMT"))


def grown_from_pet_demo(tmp_path):
    """Settings and labels of a training that starts from pet-demo and learns copper beside aluminium."""
    write_frames(label_file(tmp_path / "before", 0), labelled("Al", 0))
    pack(tmp_path / "before", tmp_path / "before.xz")
    write_frames(label_file(tmp_path, 0), labelled("Cu", 12))
    stage = toy(epochs=1)["stages"][1]
    stage["options"]["architecture"]["model"] = read_settings(DEMO).stages[-1].options["architecture"]["model"]
    stage["options"]["targets"]["non_conservative_stress"] = STRESS
    tree = toy() | {"stages": [stage], "start": str(asset("models", "pet-demo.pt"))}
    tree["beside"] = {"data": toy()["data"], "labels": "before.xz", "every": 2}
    path = tmp_path / "grown.settings.yaml"
    path.write_text(yaml.safe_dump(tree))
    return read_settings(path)


def test_labels_beside_are_thinned_for_training_only(tmp_path):
    found = learned(grown_from_pet_demo(tmp_path), tmp_path)
    number = {(crystal, split): 0 for crystal in ("Al", "Cu") for split in ("train", "validation", "test")}
    for atoms in found:
        number[atoms.info["crystal"], atoms.info["split"]] += 1
    assert number.pop(("Al", "train")) == 3
    assert number.pop(("Cu", "train")) == 6
    assert set(number.values()) == {3}


@pytest.mark.slow
def test_a_training_starts_from_an_exported_model_and_learns_a_new_element(tmp_path):
    settings = grown_from_pet_demo(tmp_path)
    checkpoint = train(settings, tmp_path)
    words = (tmp_path / "conservative" / "metatrain.log").read_text()
    assert "start.ckpt" in words
    exported = export(checkpoint, tmp_path / "grown.pt")
    from mlip_core.models import load_model

    test = [atoms for atoms in learned(settings, tmp_path) if atoms.info["split"] == "test"]
    # A model that answers zero forces is at 0.5.
    for crystal, largest in (("Al", 0.2), ("Cu", 0.4)):
        chosen = [atoms for atoms in test if atoms.info["crystal"] == crystal]
        answers = load_model(exported, forces="conservative").predict(chosen)
        assert accuracy(chosen, answers)["by_crystal"][crystal]["relative_mae"] < largest


def test_a_parent_in_two_splits_is_refused(tmp_path):
    siblings = [bulk("Si"), bulk("Si")]
    for atoms, split in zip(siblings, ("train", "test"), strict=True):
        atoms.info.update(parent="Si-3", split=split)
    with pytest.raises(DatasetError, match="parent Si-3 has children in train and in test"):
        write_splits(siblings, tmp_path)


def test_each_stage_starts_from_the_one_before(tmp_path):
    stage = Stage(**toy()["stages"][1])
    options = metatrain_options(stage, tmp_path, tmp_path / "direct" / "model.ckpt")
    assert options["architecture"]["training"]["finetune"]["read_from"] == str(tmp_path / "direct" / "model.ckpt")
    assert options["validation_set"]["systems"]["read_from"] == str(tmp_path / "validation.extxyz")
    assert "finetune" not in metatrain_options(stage, tmp_path, None)["architecture"]["training"]


def test_a_checkpoint_cut_short_is_passed_over(tmp_path):
    place = tmp_path / "outputs" / "2026-01-01" / "00-00-00"
    place.mkdir(parents=True)
    assert newest_checkpoint(tmp_path) is None
    with zipfile.ZipFile(place / "model_1.ckpt", "w") as whole:
        whole.writestr("data", "x" * 1000)
    cut = place / "model_2.ckpt"
    cut.write_bytes((place / "model_1.ckpt").read_bytes()[:500])
    later = time.time() + 5
    os.utime(cut, (later, later))
    assert newest_checkpoint(tmp_path) == (place / "model_1.ckpt").resolve()


def test_commands_say_what_is_missing(tmp_path, settings, capsys):
    assert run("train", settings, tmp_path) == 1
    assert "Run the label command first" in capsys.readouterr().err
    assert run("export", settings, tmp_path) == 1
    assert "has not finished this stage" in capsys.readouterr().err


def test_the_train_command_refuses_a_half_written_label_file(tmp_path, settings, capsys):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "labels-00000.extxyz").write_text('2\nREF_energy=1 pbc="F F F"\nSi 0 0 0\n')
    assert run("train", settings, tmp_path) == 1
    assert "labels-00000.extxyz, line 1: the structure needs 4 lines, 3 are there" in capsys.readouterr().err


@pytest.mark.slow
def test_the_pipeline_runs_from_structures_to_a_model_that_answers(tmp_path, settings, capsys):
    for command in ("generate", "label", "train"):
        assert run(command, settings, tmp_path) == 0, capsys.readouterr().err
    assert run("export", settings, tmp_path, "--target", str(tmp_path)) == 0, capsys.readouterr().err
    from mlip_core.models import load_model

    atoms = bulk("Si", cubic=True)
    atoms.rattle(0.05, seed=0)
    direct, conservative = (
        load_model(tmp_path / "toy.pt", forces=mode).predict([atoms])[0].forces for mode in ("direct", "conservative")
    )
    assert direct.shape == conservative.shape == (8, 3)
    assert abs(direct - conservative).max() > 1e-6


@pytest.mark.slow
def test_training_goes_on_after_it_was_killed(tmp_path):
    long = toy(epochs=60)
    long["stages"] = long["stages"][:1]
    settings = tmp_path / "toy.settings.yaml"
    settings.write_text(yaml.safe_dump(long))
    assert run("label", settings, tmp_path) == 0
    command = [sys.executable, "-m", "mlip_core.training", "train", "--settings", settings, "--folder", tmp_path]
    first = subprocess.Popen(command, start_new_session=True, cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 240
    while newest_checkpoint(tmp_path / "direct") is None and time.monotonic() < deadline:
        time.sleep(0.2)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert newest_checkpoint(tmp_path / "direct") is not None
    assert not (tmp_path / "direct" / "model.ckpt").exists()
    assert run("train", settings, tmp_path) == 0
    assert "Restarting training from" in (tmp_path / "direct" / "metatrain.log").read_text()
    assert (tmp_path / "direct" / "model.ckpt").exists()
