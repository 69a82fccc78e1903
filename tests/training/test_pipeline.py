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

from mlip_core.errors import DatasetError, SettingsError
from mlip_core.training.__main__ import main
from mlip_core.training.settings import Stage, read_settings
from mlip_core.training.train import metatrain_options, newest_checkpoint, write_splits

MODEL = {"cutoff": 4.0, "d_pet": 8, "d_head": 8, "d_node": 8, "d_feedforward": 8, "num_heads": 1}
MODEL |= {"num_attention_layers": 1, "num_gnn_layers": 1}
FORCE = {"key": "REF_forces", "unit": "eV/A", "sample_kind": "atom", "type": {"cartesian": {"rank": 1}}}


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
