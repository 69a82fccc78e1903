"""Predictions of one configuration for one data set: a Parquet file, made in parts so that a stop loses little."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from ase import Atoms
from filelock import FileLock, Timeout

from mlip_core.datasets.dataset import Dataset, Frame
from mlip_core.errors import ModelError
from mlip_core.models.model import Model, Prediction
from mlip_core.progress import Progress, silent

PART_STRUCTURES, PART_ATOMS = 64, 4096
"""Most structures and atoms in one part; an evaluation that was stopped computes at most one part again."""


@dataclass(frozen=True)
class Answer:
    """What the model said about one structure."""

    prediction: Prediction | None
    """What the model predicts; None where it could not answer."""
    reason: str
    """Why the model could not answer; "" where it did."""


@dataclass(frozen=True)
class Predictions:
    """A finished evaluation on disk."""

    path: Path
    """Parquet file with one row a structure, in the data set's order."""
    seconds: float
    """Wall time inside `predict`, over all parts, whenever they were made, without the first forward call of each
    process that made some, s."""
    atoms: int
    """Number of atoms predicted in that time; 0 where it is not known."""

    def __iter__(self) -> Iterator[Answer]:
        import pyarrow.parquet as pq

        file = pq.ParquetFile(self.path)
        for k in range(file.num_row_groups):
            yield from map(_answer, file.read_row_group(k).to_pylist())

    def at(self, index: int) -> Answer:
        """Return what was said about one structure, by its number in the data set."""
        import pyarrow.parquet as pq

        file = pq.ParquetFile(self.path)
        for k in range(file.num_row_groups):
            rows = file.metadata.row_group(k).num_rows
            if index < rows:
                return _answer(file.read_row_group(k).slice(index, 1).to_pylist()[0])
            index -= rows
        raise IndexError(index)


def predictions_path(dataset: Dataset, identity: Any, folder: str | Path) -> Path:
    """Return the file of one configuration's predictions, whether it is there or not.

    Parameters
    ----------
    dataset : Dataset
    identity : JSON-able
        Everything that may change a prediction: ``Configuration.identity()``, spelled as data.
    folder : path
    """
    key = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()
    return Path(folder) / f"predictions-{dataset.structures_sha256[:20]}-{key[:20]}.parquet"


def predict_dataset(dataset: Dataset, model: Model, path: Path, *, progress: Progress = silent) -> Predictions:
    """Predict every structure, or read what was predicted before.

    Where another process computes the same predictions, its result is waited for.

    Parameters
    ----------
    dataset : Dataset
    model : Model
    path : path
        From :func:`predictions_path`. Parts lie in a folder beside it until all are there.
    progress : callable, optional
        Called after each part as ``progress(done, total, stage="forces", mae=…)``, the
        running MAE (eV/Å) of what has been computed in this call.

    Returns
    -------
    Predictions
    """
    lock = FileLock(path.with_suffix(".lock"))
    while not path.exists():
        try:
            held = lock.acquire(timeout=0.5)
        except Timeout:
            progress(0, dataset.n_structures, stage="waiting for the same forces")
            continue
        with held:
            if not path.exists():
                _evaluate(dataset, model, path, progress)
            with suppress(PermissionError):  # Windows removes the file when it is released, not while it is open
                path.with_suffix(".lock").unlink(missing_ok=True)
    return open_predictions(path)


def _evaluate(dataset: Dataset, model: Model, path: Path, progress: Progress) -> None:
    folder = path.with_suffix(".parts")
    folder.mkdir(exist_ok=True)
    running, warm = _Running(), _Warm(model)
    parts: list[Path] = []
    for frames in _parts(dataset):
        part = folder / f"{frames[0].index:08d}.parquet"
        if not part.exists():
            answers = _predict(warm, frames)
            _write(part, answers, *warm.taken())
            running.add(frames, answers)
        parts.append(part)
        progress(frames[-1].index + 1, dataset.n_structures, stage="forces", **running.values())
    _join(parts, path)
    for part in parts:
        part.unlink(missing_ok=True)
    folder.rmdir()


class _Running:
    """MAE so far, to show while it runs."""

    def __init__(self) -> None:
        self.total, self.n = 0.0, 0

    def add(self, frames: list[Frame], answers: list[Answer]) -> None:
        for frame, answer in zip(frames, answers, strict=True):
            if answer.prediction is not None and frame.forces is not None:
                self.total += float(np.abs(answer.prediction.forces - frame.forces).sum())
                self.n += frame.forces.size

    def values(self) -> dict[str, float]:
        return {"mae": self.total / self.n} if self.n else {}


def _parts(dataset: Dataset) -> Iterator[list[Frame]]:
    frames: list[Frame] = []
    atoms = 0
    for frame in dataset:
        if frames and (len(frames) == PART_STRUCTURES or atoms + len(frame.atoms) > PART_ATOMS):
            yield frames
            frames, atoms = [], 0
        frames.append(frame)
        atoms += len(frame.atoms)
    if frames:
        yield frames


class _Warm:
    """A model with a clock, which its first forward call does not count for: then it may still load and compile."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.cold, self.seconds, self.atoms = True, 0.0, 0

    def predict(self, structures: list[Atoms]) -> list[Prediction]:
        timed, start = structures, perf_counter()

        def begin(done: int, total: int | None, **values: object) -> None:
            nonlocal timed, start
            if self.cold and done:
                self.cold, timed, start = False, structures[done:], perf_counter()

        answers = self.model.predict(structures, progress=begin)
        if timed:
            self.seconds += perf_counter() - start
            self.atoms += sum(map(len, timed))
        return answers

    def taken(self) -> tuple[float, int]:
        """Return seconds and atoms since this was last asked for."""
        found = self.seconds, self.atoms
        self.seconds, self.atoms = 0.0, 0
        return found


def _predict(warm: _Warm, frames: list[Frame]) -> list[Answer]:
    """Sort out what the model does not cover, and ask for the rest at once."""
    reasons = [warm.model.refusal(frame.atoms) for frame in frames]
    covered = [frame.atoms for frame, reason in zip(frames, reasons, strict=True) if not reason]
    answers = iter(_answers(warm, covered))
    return [Answer(None, reason) if reason else next(answers) for reason in reasons]


def _answers(warm: _Warm, structures: list[Atoms]) -> list[Answer]:
    """All at once; where that fails half by half, so that one structure does not spoil the rest."""
    if not structures:
        return []
    try:
        return [Answer(prediction, "") for prediction in warm.predict(structures)]
    except ModelError as error:
        if len(structures) == 1:
            return [Answer(None, str(error))]
    half = len(structures) // 2
    return _answers(warm, structures[:half]) + _answers(warm, structures[half:])


def _schema() -> Any:
    import pyarrow as pa

    numbers = pa.list_(pa.float64())
    return pa.schema([("energy", pa.float64()), ("forces", numbers), ("stress", numbers), ("reason", pa.string())])


def _write(path: Path, answers: list[Answer], seconds: float, atoms: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([_row(answer) for answer in answers], _schema())
    part = path.with_suffix(".part")
    pq.write_table(table.replace_schema_metadata(_noted(seconds, atoms)), part, compression="zstd")
    part.replace(path)


def _noted(seconds: float, atoms: int) -> dict[str, str]:
    """What a file says of the time its predictions took."""
    return {"warm_seconds": repr(seconds), "warm_atoms": str(atoms)}


def _timed(metadata: Mapping[bytes, bytes]) -> tuple[float, int]:
    """Return seconds and atoms as noted; none where an earlier version counted the first call as well."""
    return float(metadata.get(b"warm_seconds", 0)), int(metadata.get(b"warm_atoms", 0))


def _row(answer: Answer) -> dict[str, Any]:
    if answer.prediction is None:
        return {"energy": None, "forces": None, "stress": None, "reason": answer.reason}
    energy, forces, stress = answer.prediction
    return {
        "energy": float(energy),
        "forces": np.asarray(forces, dtype=np.float64).ravel(),
        "stress": None if stress is None else np.asarray(stress, dtype=np.float64).ravel(),
        "reason": "",
    }


def _join(parts: list[Path], path: Path) -> None:
    import pyarrow.parquet as pq

    seconds, atoms = 0.0, 0
    whole = path.with_suffix(".part")
    with pq.ParquetWriter(whole, _schema(), compression="zstd") as writer:
        for part in parts:
            table = pq.read_table(part)
            more = _timed(table.schema.metadata)
            seconds, atoms = seconds + more[0], atoms + more[1]
            writer.write_table(table.replace_schema_metadata(None))
        writer.add_key_value_metadata(_noted(seconds, atoms))
    whole.replace(path)


def open_predictions(path: Path) -> Predictions:
    """Open finished predictions."""
    import pyarrow.parquet as pq

    return Predictions(path, *_timed(pq.ParquetFile(path).metadata.metadata))


def _answer(row: dict[str, Any]) -> Answer:
    if row["forces"] is None:
        return Answer(None, row["reason"])
    stress = None if row["stress"] is None else np.reshape(row["stress"], (3, 3))
    return Answer(Prediction(row["energy"], np.reshape(row["forces"], (-1, 3)), stress), "")
