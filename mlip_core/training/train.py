"""Training with metatrain, stage after stage; a killed run goes on from its last checkpoint."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import yaml
from ase import Atoms
from ase.io import write

from mlip_core.errors import CalculationError, DatasetError, SettingsError
from mlip_core.progress import Progress, silent
from mlip_core.training.archive import read_archive
from mlip_core.training.labels import read_all_labels
from mlip_core.training.settings import Stage, TrainingSettings
from mlip_core.training.structures import SPLITS
from mlip_core.training.transplant import transplant

START = "start.ckpt"
"""Checkpoint, in the training folder, with which the first stage begins where the settings name a model to start from."""
CHECKPOINT = "model.ckpt"
"""Best checkpoint of a finished stage, in the stage's folder."""


def write_splits(structures: list[Atoms], folder: Path) -> dict[str, int]:
    """Write ``train.extxyz``, ``validation.extxyz`` and ``test.extxyz``.

    Parameters
    ----------
    structures : list of Atoms
        Labelled structures with ``info["parent"]`` and ``info["split"]``.
    folder : path
        Gets the files.

    Returns
    -------
    dict
        Number of structures in each split.

    Raises
    ------
    DatasetError
        If a parent has children in two splits, or a split to train with is empty.
    """
    homes: dict[str, str] = {}
    for atoms in structures:
        home = homes.setdefault(atoms.info["parent"], atoms.info["split"])
        if home != atoms.info["split"]:
            raise DatasetError(
                f"parent {atoms.info['parent']} has children in {home} and in {atoms.info['split']}; make the structures again"
            )
    parts = {split: [atoms for atoms in structures if atoms.info["split"] == split] for split in SPLITS}
    for split, members in parts.items():
        if not members and split != "test":
            raise DatasetError(f"no labelled structure in the {split} split: label more, or raise its share")
        if members:
            write(folder / f"{split}.extxyz", members, format="extxyz", write_results=False)
    return {split: len(members) for split, members in parts.items()}


def metatrain_options(stage: Stage, folder: Path, previous: Path | None) -> dict[str, Any]:
    """Options of one metatrain run.

    Parameters
    ----------
    stage : Stage
        Architecture, targets and everything else but the data paths.
    folder : path
        Training folder with ``train.extxyz`` and ``validation.extxyz``.
    previous : path, optional
        Checkpoint to start from: the best of the stage before.

    Returns
    -------
    dict
        What ``mtt train`` reads.
    """
    options: dict[str, Any] = json.loads(json.dumps(stage.options))
    targets = options.pop("targets", None)
    if targets is None or "architecture" not in options:
        raise SettingsError(f"stage {stage.name}: options need 'architecture' and 'targets'")
    if previous is not None:
        options["architecture"].setdefault("training", {})["finetune"] = {
            "read_from": str(previous.resolve()),
            "method": "full",
        }
    for split, key in (("train", "training_set"), ("validation", "validation_set")):
        systems = {"read_from": str((folder / f"{split}.extxyz").resolve()), "length_unit": "angstrom"}
        options[key] = {"systems": systems, "targets": targets}
    return {"device": "cpu", "base_precision": 32, "final_eval": False, **options}


def train(settings: TrainingSettings, folder: Path, *, progress: Progress = silent) -> Path:
    """Run every stage that is not finished yet.

    Parameters
    ----------
    settings : TrainingSettings
        The stages.
    folder : path
        Training folder; each stage has a folder of its own in it.
    progress : callable, optional
        Called after each stage.

    Returns
    -------
    path
        Best checkpoint of the last stage.

    Raises
    ------
    CalculationError
        If metatrain fails; the message names its log.
    """
    structures = learned(settings, folder)
    write_splits(structures, folder)
    previous = _start(settings, folder, structures)
    for done, stage in enumerate(settings.stages):
        place = folder / stage.name
        place.mkdir(parents=True, exist_ok=True)
        if not (place / CHECKPOINT).exists():
            _write_options(place, metatrain_options(stage, folder, previous))
            _run_metatrain(place)
        previous = place / CHECKPOINT
        progress(done + 1, len(settings.stages), stage=stage.name)
    if not settings.stages or previous is None:
        raise SettingsError("the settings hold no training stage")
    return previous


def learned(settings: TrainingSettings, folder: Path) -> list[Atoms]:
    """Labels beside the settings, the training structures thinned as they ask, and those of a training folder."""
    if settings.beside is None:
        return read_all_labels(folder)
    beside = read_archive(settings.beside.labels)
    trained = [atoms for atoms in beside if atoms.info["split"] == "train"][:: settings.beside.every]
    return [atoms for atoms in beside if atoms.info["split"] != "train"] + trained + read_all_labels(folder)


def _start(settings: TrainingSettings, folder: Path, structures: list[Atoms]) -> Path | None:
    """Checkpoint with the weights of the model to start from; written once, so that a killed run goes on."""
    if settings.start is None or not settings.stages:
        return None
    checkpoint = folder / START
    if not checkpoint.exists():
        learned = [atoms for atoms in structures if atoms.info["split"] != "test"]
        transplant(settings.start, metatrain_options(settings.stages[0], folder, None), learned, checkpoint)
    return checkpoint


def _write_options(place: Path, options: dict[str, Any]) -> None:
    (place / "options.yaml").write_text(yaml.safe_dump(options, sort_keys=False), encoding="utf-8")


def _run_metatrain(place: Path) -> None:
    """Start or continue ``mtt train`` in a stage's folder."""
    log = place / "metatrain.log"
    command = [sys.executable, "-m", "metatrain", "train", "options.yaml"]
    last = newest_checkpoint(place)
    if last is not None:
        command += ["--restart", str(last)]
    with log.open("a", encoding="utf-8") as file:
        code = subprocess.run(command, cwd=place, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    if code != 0 or not (place / CHECKPOINT).exists():
        raise CalculationError(f"metatrain ended with code {code}; its words are in {log}")


def newest_checkpoint(place: Path) -> Path | None:
    """Return the latest checkpoint of a stage that was written to its end; None before the first.

    A run killed while it saved leaves a file without the directory that ends every zip archive.
    """
    found = sorted(place.glob("outputs/*/*/model_*.ckpt"), key=lambda path: path.stat().st_mtime, reverse=True)
    return next((path.resolve() for path in found if is_zipfile(path)), None)
