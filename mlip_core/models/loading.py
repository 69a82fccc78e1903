"""What every adapter over torch needs while it loads: silence, a device that exists, a cell for what has none."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import numpy as np
from ase import Atoms
from ase.cell import Cell

from mlip_core.errors import ModelError


@contextmanager
def quiet() -> Iterator[None]:
    """Keep a model package's greetings and deprecation warnings from the person."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def torch_as_it_was() -> Iterator[None]:
    """Undo what torch_geometric does to torch while it is imported.

    It puts Python functions over ``torch.index_select`` and ``torch.select`` for tensors that no
    model here uses, and TorchScript can then no longer compile metatensor's code.
    """
    import torch

    functions = {name: getattr(torch, name) for name in ("index_select", "select")}
    try:
        yield
    finally:
        for name, function in functions.items():
            setattr(torch, name, function)


def check_device(device: str) -> None:
    """Raise ModelError unless torch can compute on this device here."""
    import torch

    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"Device {device!r} cannot be used here: {error}. Take device='cpu'.") from error


def boxed_cell(atoms: Atoms, cutoff: float) -> np.ndarray:
    """Return a cell in three directions, wide enough that images do not meet across those without one.

    Parameters
    ----------
    atoms : Atoms
        Periodic in any number of directions.
    cutoff : float
        Reach of the model, Å.

    Returns
    -------
    ndarray, shape (3, 3)
        Rows; the given ones where the structure is periodic.
    """
    cell = np.where(atoms.pbc[:, None], atoms.cell.array, 0.0)
    box = np.array(Cell(cell).complete())
    for row in np.flatnonzero(~atoms.pbc):
        along = atoms.positions @ box[row]
        box[row] *= np.ptp(along) + cutoff + 1.0
    return box
