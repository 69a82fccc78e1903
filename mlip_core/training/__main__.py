"""``python -m mlip_core.training generate|label|train|export|evaluate|pack|unpack``: each goes on where it stopped."""

import argparse
import sys
from functools import cache
from pathlib import Path

from ase import Atoms

from mlip_core.assets import asset
from mlip_core.errors import DatasetError, MlipError
from mlip_core.models import load_model
from mlip_core.training.archive import pack, unpack
from mlip_core.training.card import write_card
from mlip_core.training.cells import Relaxed, relaxed_cells
from mlip_core.training.evaluate import evaluate
from mlip_core.training.export import export
from mlip_core.training.labels import label
from mlip_core.training.settings import TrainingSettings, read_settings
from mlip_core.training.structures import generate
from mlip_core.training.train import CHECKPOINT, learned, train


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = read_settings(options.settings)
        options.folder.mkdir(parents=True, exist_ok=True)
        COMMANDS[options.command](settings, options)
    except MlipError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlip_core.training", description=__doc__)
    parser.add_argument("command", choices=list(COMMANDS))
    parser.add_argument("--settings", type=Path, required=True, help="assets/models/<name>.settings.yaml")
    parser.add_argument("--folder", type=Path, required=True, help="where everything but the result is kept")
    parser.add_argument("--worker", type=int, default=0, help="label: which of the workers this is")
    parser.add_argument("--workers", type=int, default=1, help="label: how many share the work")
    parser.add_argument("--archive", type=Path, default=asset("models", "labels.extxyz.xz"), help="pack, unpack")
    parser.add_argument("--stage", help="export: a stage other than the last")
    parser.add_argument("--target", type=Path, default=asset("models"), help="where exports and cards go")
    return parser


def cells_of(settings: TrainingSettings, folder: Path) -> dict[str, Relaxed]:
    """Every crystal as the teacher relaxes it; computed once, then read from the folder."""
    return relaxed_cells(settings.crystals, folder, cache(lambda: load_model(settings.teacher)))


def _structures(settings: TrainingSettings, options: argparse.Namespace) -> list[Atoms]:
    return generate(settings.data, cells_of(settings, options.folder))


def _generate(settings: TrainingSettings, options: argparse.Namespace) -> None:
    structures = _structures(settings, options)
    print(f"{len(structures)} structures, {sum(len(atoms) for atoms in structures)} atoms")


def _label(settings: TrainingSettings, options: argparse.Namespace) -> None:
    structures = _structures(settings, options)
    teacher = load_model(settings.teacher, dtype=settings.label_dtype)
    label(structures, teacher, options.folder, worker=options.worker, workers=options.workers, progress=_say)


def _train(settings: TrainingSettings, options: argparse.Namespace) -> None:
    print(train(settings, options.folder, progress=_say))


def _export(settings: TrainingSettings, options: argparse.Namespace) -> None:
    stage = options.stage or settings.stages[-1].name
    checkpoint = options.folder / stage / CHECKPOINT
    if not checkpoint.exists():
        raise DatasetError(f"{checkpoint} is not there: the train command has not finished this stage.")
    print(export(checkpoint, options.target / f"{settings.name}.pt"))


def _evaluate(settings: TrainingSettings, options: argparse.Namespace) -> None:
    structures = learned(settings, options.folder)
    cells = cells_of(settings, options.folder)
    exported = options.target / f"{settings.name}.pt"
    card = evaluate(settings, options.folder, exported, structures, cells, progress=_say)
    write_card(card, options.target / f"{settings.name}.yaml")
    for requirement in card["bars"]:
        print(requirement)


def _pack(settings: TrainingSettings, options: argparse.Namespace) -> None:
    print(f"{pack(options.folder, options.archive)} structures in {options.archive}")


def _unpack(settings: TrainingSettings, options: argparse.Namespace) -> None:
    print(f"{unpack(options.archive, options.folder)} structures in {options.folder}")


def _say(done: int, total: int | None, **values: object) -> None:
    print(done, total, *values.values(), flush=True)


COMMANDS = {
    "generate": _generate,
    "label": _label,
    "train": _train,
    "export": _export,
    "evaluate": _evaluate,
    "pack": _pack,
    "unpack": _unpack,
}

if __name__ == "__main__":
    sys.exit(main())
