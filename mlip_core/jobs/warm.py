"""Dask preload (``dask worker --preload mlip_core.jobs.warm``): imports the slow packages while a worker is idle."""

import importlib
import logging
import threading

PACKAGES = ("torch", "ase.optimize", "phonopy", "spglib")
_importing: list[threading.Thread] = []


def dask_setup(_worker: object) -> None:
    """Start importing, beside whatever the worker does (called by Dask)."""
    thread = threading.Thread(target=_import_all, name="warm", daemon=True)
    _importing.append(thread)
    thread.start()


def wait() -> None:
    """Wait until everything is imported.

    Importing torch parses code, and so does the key of a task: Python 3.11 counts the
    depth of both together and gives up on either (SystemError, CPython issue 106905).
    """
    while _importing:
        _importing.pop().join()


def _import_all() -> None:
    for package in PACKAGES:
        try:
            importlib.import_module(package)
        except Exception:
            logging.getLogger(__name__).warning("could not import %s ahead of time", package, exc_info=True)
