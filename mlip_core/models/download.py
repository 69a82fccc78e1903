"""Downloads of checkpoints into the hub's own cache: with progress, stoppable, taken up where they broke off."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from mlip_core.errors import ModelError
from mlip_core.models.catalogue import Entry
from mlip_core.models.files import hub_cache
from mlip_core.models.hub import FOLDER, Published, published, stream
from mlip_core.progress import Progress, silent

LOOK = 0.5
"""Seconds between two looks at a download that another process is at."""


def bring(item: Entry, *, progress: Progress | None = None) -> Path:
    """Weights of a model on this machine; downloaded where only the hub has them.

    Parameters
    ----------
    item : Entry
        Which model.
    progress : callable, optional
        Told the bytes that are here and their number in all; may raise to stop. What has come is kept.
        None shows a bar on the terminal, where there is one.

    Returns
    -------
    Path
        A file that exists.

    Raises
    ------
    ModelError
        If the weights are nowhere, or the download fails; says what to do.
    """
    path = item.path()
    if path is None and item.weights == "hub":
        try:
            with _bar(item.title) as shown:
                return download(published(item.name), progress=progress or shown)
        except ModelError as error:
            raise ModelError(f"{item.missing()} {error}") from error
    if path is None:
        raise ModelError(item.missing())
    return path


def download(file: Published, *, progress: Progress = silent) -> Path:
    """Download a checkpoint into the hub's cache; go on from what an earlier attempt left there.

    A connection that breaks is taken up again at once, as long as each attempt brings something.
    Several processes that want the same file wait for the one that is at it.

    Parameters
    ----------
    file : Published
        As :func:`mlip_core.models.hub.published` gives it.
    progress : callable
        Told the bytes that are here and their number in all; may raise to stop. What has come is kept.

    Returns
    -------
    Path
        Where the cache keeps it.

    Raises
    ------
    ModelError
        If the connection breaks (what came is kept), the disk is full, or the content does not have
        the published checksum (it is thrown away).
    """
    blob = _blob(file)
    try:
        blob.parent.mkdir(parents=True, exist_ok=True)
        with _alone(file, progress):
            if not blob.is_file():
                _complete(file, progress)
                _verify(file)
                partial(file).replace(blob)
            return _shelve(file, blob)
    except OSError as error:
        raise ModelError(f"{file.name} cannot be kept in {hub_cache()}: {error}.") from error


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    with tqdm(desc=title, unit="B", unit_scale=True, delay=1e-3, disable=None) as bar:

        def show(done: int, total: int | None, **_: object) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def partial(file: Published) -> Path:
    """Where the part of a checkpoint that has come is kept."""
    return _blob(file).with_name(f"{file.sha256}.incomplete")


def arrived(file: Published) -> int:
    """Bytes of a checkpoint that are here."""
    try:
        return partial(file).stat().st_size
    except FileNotFoundError:
        return file.size if _blob(file).is_file() else 0


def _complete(file: Published, progress: Progress) -> None:
    """Append what is missing; go on after a break as long as something comes."""
    if arrived(file) > file.size:
        partial(file).unlink()
    while (before := arrived(file)) < file.size:
        _check_room(file, file.size - before)
        try:
            _append(file, progress)
        except ModelError as error:
            if arrived(file) > before:
                continue
            raise ModelError(f"{error} {_kept(file)}") from error
        if arrived(file) == before:
            raise ModelError(f"The hub sent nothing of {file.name}. {_kept(file)}")


def _append(file: Published, progress: Progress) -> None:
    with partial(file).open("ab") as kept:
        progress(kept.tell(), file.size)
        for place, chunk in stream(file, kept.tell()):
            if place != kept.tell():  # the hub sends all of it once more
                kept.truncate(place)
            kept.write(chunk)
            kept.flush()
            progress(kept.tell(), file.size)


def _verify(file: Published) -> None:
    with partial(file).open("rb") as kept:
        found = hashlib.file_digest(kept, "sha256").hexdigest()
    if found != file.sha256:
        partial(file).unlink()
        raise ModelError(
            f"{file.name} did not arrive as it was published (its SHA-256 is {found[:12]}…, not {file.sha256[:12]}…), so it was thrown away. Download it again."
        )


def _shelve(file: Published, blob: Path) -> Path:
    """Put the file where the hub's own package looks for it: a link in the snapshot of its commit."""
    snapshot = hub_cache() / "snapshots" / file.commit / FOLDER / file.name
    snapshot.parent.mkdir(parents=True, exist_ok=True)
    head = hub_cache() / "refs" / "main"
    head.parent.mkdir(exist_ok=True)
    head.write_text(file.commit)
    if not snapshot.is_file():
        snapshot.unlink(missing_ok=True)
        try:
            snapshot.symlink_to(os.path.relpath(blob, snapshot.parent))
        except OSError:  # where links need rights, the hub's package keeps the file itself there
            blob.replace(snapshot)
    return snapshot


@contextmanager
def _alone(file: Published, progress: Progress) -> Iterator[None]:
    """Hold the lock that the hub's own package takes for this file; report meanwhile what another process brings."""
    path = hub_cache().parent / ".locks" / hub_cache().name / f"{file.sha256}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    while not lock.is_locked:
        try:
            lock.acquire(timeout=LOOK)
        except Timeout:
            progress(arrived(file), file.size)
    try:
        yield
    finally:
        lock.release()


def _check_room(file: Published, needed: int) -> None:
    free = shutil.disk_usage(partial(file).parent).free
    if free < needed:
        raise ModelError(
            f"{file.name} needs {byte_count(needed)} more on the disk of {partial(file).parent}, which has {byte_count(free)} left. Make room, or set HF_HOME to a folder on a larger disk."
        )


def _kept(file: Published) -> str:
    return f"{byte_count(arrived(file))} of {byte_count(file.size)} have come and are kept: start the download again to go on from there."


def _blob(file: Published) -> Path:
    return hub_cache() / "blobs" / file.sha256


def byte_count(number: float) -> str:
    """Write a number of bytes for people: ``389 kB``, ``48.3 MB``, ``1.20 GB``."""
    if number < 1e6:
        return f"{number / 1e3:.0f} kB"
    return f"{number / 1e6:.1f} MB" if number < 1e9 else f"{number / 1e9:.2f} GB"
