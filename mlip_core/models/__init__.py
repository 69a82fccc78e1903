"""Models: one contract, a catalogue that is data, one adapter a family."""

from importlib import import_module
from pathlib import Path
from typing import Any

from mlip_core.models.catalogue import FAMILIES, Entry, catalogue, entry
from mlip_core.models.download import bring
from mlip_core.models.model import Claims, Forces, Model, Prediction

__all__ = ["Claims", "Entry", "Model", "Prediction", "catalogue", "entry", "from_ase", "load_model"]


def load_model(
    name_or_path: str | Path, *, forces: Forces | None = None, dtype: str | None = None, device: str = "cpu"
) -> Model:
    """Load a model of the catalogue, of the models folder, or of a path; one of the hub is downloaded first.

    Loading ``.pt`` and ``.ckpt`` files runs code that is stored in them: give only files
    whose origin is trusted. Nothing that was uploaded is ever loaded.

    Parameters
    ----------
    name_or_path : str or path
        Name as :func:`catalogue` gives it, or path of a ``.pt`` (metatomic) or ``.ckpt`` (UPET) file.
    forces : "conservative" or "direct", optional
        None takes the model's own default.
    dtype : "float32" or "float64", optional
        Arithmetic inside the model; None takes the model's own default.
    device : str
        As torch names it: "cpu", "cuda", …

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If nothing has that name, or it cannot be loaded; says what to put where.
    SettingsError
        If the model does not offer these forces or this precision.
    """
    item = entry(name_or_path)
    forces, dtype = item.settings(forces, dtype)
    if item.weights == "hub":
        bring(item)
    module, name = FAMILIES[item.family].adapter.split(":")
    adapter = getattr(import_module(module), name)
    return adapter(item, forces=forces, dtype=dtype, device=device)


def from_ase(calculator: Any, *, name: str) -> Model:
    """Make a model of any ASE calculator.

    Parameters
    ----------
    calculator : ase.calculators.calculator.Calculator
        Used as it is, one structure after the other; nothing is copied.
    name : str
        Name shown to people.

    Returns
    -------
    Model
        Claims nothing: what an arbitrary calculator obeys is for its owner to know.
    """
    from mlip_core.models.ase import AseModel

    return AseModel(calculator, name=name)
