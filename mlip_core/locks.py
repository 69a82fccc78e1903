"""A lock on a file that the operating system lets go of when its holder dies."""

import fcntl
import os
import time
from pathlib import Path

_YOUNG = 2.0  # s


class Lock:
    """Exclusive lock on one file, held until released or until this process ends in any way.

    Parameters
    ----------
    path : path
        File to lock; made where it is missing.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._descriptor: int | None = None

    def acquire(self, patience: float = 0.0) -> bool:
        """Take the lock.

        Parameters
        ----------
        patience : float
            Seconds to go on trying while somebody else holds it.

        Returns
        -------
        bool
            Whether this object holds it now.
        """
        deadline = time.monotonic() + patience
        while not self._try():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        return True

    def release(self) -> None:
        """Let go; nothing happens where the lock is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self) -> bool:
        if self._descriptor is not None:
            return True
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True


def is_held(path: str | Path) -> bool:
    """Whether any process holds the lock on ``path``."""
    lock = Lock(path)
    free = lock.acquire()
    lock.release()
    return not free


def drop_abandoned(folder: Path) -> int:
    """Remove the lock files in ``folder`` that nobody holds any more.

    Returns
    -------
    int
        How many are still held, or so young that their makers may be about to lock them.
    """
    held = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        if is_held(path) or time.time() - path.stat().st_mtime < _YOUNG:
            held += 1
        else:
            path.unlink(missing_ok=True)
    return held
