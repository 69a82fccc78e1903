"""The student: metatrain's PET, begun from the weights of an exported model, for elements that that one need not know.

An export is no checkpoint and metatrain adds no elements to one. But three tables of a PET alone depend on the
elements, so that a new element begins with the row of the known one that is most like it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlip_core.assets import asset
from mlip_core.calculations.distillation.settings import START
from mlip_core.errors import ModelError
from mlip_core.models.loading import quiet
from mlip_core.training.settings import read_settings
from mlip_core.training.transplant import similar_element

ENERGY, FORCE, STRESS = "energy", "non_conservative_force", "non_conservative_stress"
NEW_ROW_NOISE = 0.02
"""Random part of a new element's row, relative to the spread of the table, so that two that begin alike can part."""


@dataclass
class Student:
    """A PET while it learns: raw outputs times fixed scales, and an energy of its own for each element."""

    pet: Any
    """``metatrain.pet.PET``; its scaler and its composition model stay untouched until the export."""
    scales: dict[str, Any]
    """By output: tensor of what its raw values are multiplied by, one number, or for forces one for each element."""
    elements: tuple[int, ...]
    """Atomic numbers in the order of the tables."""
    origins: dict[int, int]
    """Atomic number → atomic number of the known element it began as."""
    offsets: np.ndarray
    """(n_elements,), energy of a lone atom of each element, eV."""

    @property
    def backend(self) -> Any:
        """The part that learns: tensors in, tensors out."""
        return self.pet.backend


def begin(elements: Sequence[int], *, seed: int, start: str = START) -> Student:
    """Make a student for some elements from the weights of a bundled model.

    Parameters
    ----------
    elements : sequence of int
        Atomic numbers that it shall know.
    seed : int
        Of the small random part of a new element's rows.
    start : str
        Name of a bundled PET: its settings give the architecture, its export the weights.

    Returns
    -------
    Student

    Raises
    ------
    ModelError
        If the export does not have the shapes that its settings say.
    """
    path = asset("models", f"{start}.pt")
    pet = _fresh(architecture(start), tuple(sorted(elements)))
    state, known = _exported(path)
    origins = {number: similar_element(number, known) for number in pet.atomic_types}
    rows = [known.index(origins[number]) for number in pet.atomic_types]
    _fill(pet, state, rows, origins, seed)
    return Student(pet, _scales(state, rows), tuple(pet.atomic_types), origins, np.zeros(len(pet.atomic_types)))


def architecture(start: str = START) -> dict[str, Any]:
    """Hyperparameters of a bundled PET that are not metatrain's defaults."""
    return read_settings(asset("models", f"{start}.settings.yaml")).stages[-1].options["architecture"]["model"]


def _fresh(hypers: dict[str, Any], elements: tuple[int, ...]) -> Any:
    with quiet():
        from metatrain.pet import PET
        from metatrain.utils.architectures import get_default_hypers
        from metatrain.utils.data import DatasetInfo

        return PET(
            {**get_default_hypers("pet")["model"], **hypers}, DatasetInfo("angstrom", list(elements), _targets())
        )


def _targets() -> dict[str, Any]:
    from metatrain.utils.data.target_info import get_energy_target_info, get_generic_target_info

    force = {"quantity": "force", "unit": "eV/A", "sample_kind": "atom", "type": {"cartesian": {"rank": 1}}}
    stress = {"quantity": "pressure", "unit": "eV/A^3", "sample_kind": "system", "type": {"cartesian": {"rank": 2}}}
    common = {"num_subtargets": 1, "description": ""}
    return {
        ENERGY: get_energy_target_info(ENERGY, {"quantity": "energy", "unit": "eV"}),
        FORCE: get_generic_target_info(FORCE, force | common),
        STRESS: get_generic_target_info(STRESS, stress | common),
    }


def _exported(path: Path) -> tuple[dict[str, Any], list[int]]:
    """Weights of an export by their names in a PET, and the atomic numbers in the order of its tables."""
    with quiet():
        import metatomic.torch  # noqa: F401  registers the classes inside the file
        import torch

        state = torch.jit.load(str(path), map_location="cpu").state_dict()
    state = {name.removeprefix("module."): value for name, value in state.items()}
    index = state["backend.species_to_species_index"].tolist()
    return state, sorted((number for number, row in enumerate(index) if row >= 0), key=lambda number: index[number])


def _scales(state: dict[str, Any], rows: list[int]) -> dict[str, Any]:
    """By output: the factors behind the raw output, those of forces in the order of the new tables."""
    import metatensor.torch as mts

    scales = {
        name: mts.load_buffer(state[f"scaler.{name}_scaler_buffer"]).block().values[:, 0].float()
        for name in (ENERGY, FORCE, STRESS)
    }
    return scales | {FORCE: scales[FORCE][rows]}


def _fill(pet: Any, state: dict[str, Any], rows: list[int], origins: dict[int, int], seed: int) -> None:
    """Copy weights into a fresh PET; ``rows`` says which row of the old tables each element takes."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    tables = {f"{name}.weight" for name, part in pet.backend.named_modules() if isinstance(part, torch.nn.Embedding)}
    new = torch.tensor([number != origin for number, origin in origins.items()])
    with torch.no_grad():
        for name, value in pet.backend.named_parameters():
            source = state.get(f"backend.{name}")
            if source is not None and name in tables:
                source = source[rows]
                noise = torch.randn(source.shape, generator=generator) * NEW_ROW_NOISE * source.std()
                source = torch.where(new[:, None], source + noise, source)
            if source is None or source.shape != value.shape:
                raise ModelError(f"the start of a student has no {name} of the shape {tuple(value.shape)}")
            value.copy_(source)


def exported(student: Student) -> bytes:
    """Return a student as the file of a metatomic model that stands by itself.

    Parameters
    ----------
    student : Student
        Not changed.

    Returns
    -------
    bytes
        Of a ``.pt`` file.
    """
    import tempfile
    from copy import deepcopy

    import torch

    pet = deepcopy(student.pet)
    with quiet(), torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        for name, scale in student.scales.items():
            for stored in (pet.scaler.model.scales, pet.scaler.model.per_target_scales):
                stored[name].block().values[:] = scale[:, None]
        composition = pet.additive_models[0]
        composition.model.weights[ENERGY].block().values[:] = torch.tensor(student.offsets)[:, None]
        path = Path(folder, "student.pt")
        pet.export().save(str(path))
        return path.read_bytes()
