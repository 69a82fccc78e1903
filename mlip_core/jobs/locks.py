"""Locks on files: a process that dies in any way lets go of its own."""

from contextlib import suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout


def taken(path: str | Path, *, patience: float) -> BaseFileLock | None:
    """Take the lock on a file.

    Parameters
    ----------
    path : path
        File to lock; made where it is missing, its folder too.
    patience : float
        Seconds to go on trying while somebody else holds it.

    Returns
    -------
    FileLock or None
        Held; any thread may release it. None where somebody else held it all the time.
    """
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        return None
    return lock


def is_held(path: str | Path) -> bool:
    """Whether anybody holds the lock on ``path``."""
    lock = taken(path, patience=0)
    if lock is not None:
        lock.release()
    return lock is None


def drop_abandoned(folder: Path) -> int:
    """Remove the lock files in ``folder`` that nobody holds any more.

    Each is removed under its own lock: who is about to take it sees that the file is gone and makes it anew.

    Returns
    -------
    int
        How many are still held.
    """
    held = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        lock = taken(path, patience=0)
        if lock is None:
            held += 1
            continue
        with suppress(PermissionError):  # Windows removes the file when it is released, not while it is open
            path.unlink(missing_ok=True)
        lock.release()
    return held
