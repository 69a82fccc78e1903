"""Dask preload (``dask worker --preload mlip_core.jobs.warm``): imports the slow packages while a worker is idle."""

import importlib
import logging
import threading

PACKAGES = ("torch", "ase.optimize", "phonopy", "spglib")


def dask_setup(_worker: object) -> None:
    """Start importing, beside whatever the worker does (called by Dask)."""
    threading.Thread(target=_import_all, name="warm", daemon=True).start()


def _import_all() -> None:
    for package in PACKAGES:
        try:
            importlib.import_module(package)
        except Exception:
            logging.getLogger(__name__).warning("could not import %s ahead of time", package, exc_info=True)
