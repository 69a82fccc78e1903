"""Start a training from the weights of an exported model, also with elements that it does not know.

metatrain starts from checkpoints only, and a checkpoint's elements are fixed. Few numbers of a PET depend on the
elements, though: the rows of its embeddings, the energies of the single atoms and the scales of the direct forces.
So a checkpoint is written here in which an element that the export knows keeps its numbers, and a new one begins
with those of the most similar known element.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii

from mlip_core.errors import ModelError, SettingsError
from mlip_core.models import load_model
from mlip_core.models.loading import quiet

if TYPE_CHECKING:
    import torch

ELECTRONEGATIVITY_STEP = 0.5
"""Difference of Pauling electronegativities that counts as much as :data:`RADIUS_STEP`."""
RADIUS_STEP = 0.3
"""Difference of covalent radii that counts as much as :data:`ELECTRONEGATIVITY_STEP`, Å."""
OTHER_GROUP = 5.0
"""What another group of the periodic table counts, in squares of those steps."""
ROWS = "backend.species_to_species_index"
"""Name of the buffer that holds each element's row in the tables of a PET, −1 for one that it does not know."""
ENERGIES = "additive_models.0.energy_composition_buffer"
"""Name of the buffer that holds the energies of single atoms."""
SCALES = "_per_target_scaler_buffer"
"""End of the names of the buffers that hold the units of the outputs."""
BY_ELEMENT = ("node_embedders.", "neighbor_embedder.", "backend.edge_embedder.")
"""Parts of the names of PET's tables that have a row for each element."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What an exported PET holds."""

    state: dict[str, "torch.Tensor"]
    """Weights and buffers by their names in metatrain's PET."""
    elements: tuple[int, ...]
    """Atomic numbers that it knows, in the order of the rows of its tables."""
    energies: dict[int, float]
    """Energy of a single atom by atomic number, eV: the part of the energy that only counts atoms."""
    scales: dict[str, float | dict[int, float]]
    """Unit of each target's output, in the target's own unit; by atomic number where the target is one of atoms."""


def similar_element(number: int, known: Collection[int]) -> int:
    """Return the known element that is most alike in group, Pauling electronegativity and covalent radius.

    Parameters
    ----------
    number : int
        Atomic number.
    known : collection of int
        Atomic numbers to choose from.

    Returns
    -------
    int
        ``number`` itself where it is known. An element without an electronegativity counts as 0.
    """
    return number if number in known else min(sorted(known), key=lambda other: _distance(number, other))


def _distance(one: int, other: int) -> float:
    from pymatgen.core import Element

    first, second = Element.from_Z(one), Element.from_Z(other)
    polarity = (first.data.get("X") or 0.0) - (second.data.get("X") or 0.0)
    size = covalent_radii[one] - covalent_radii[other]
    steps = (polarity / ELECTRONEGATIVITY_STEP) ** 2 + (size / RADIUS_STEP) ** 2
    return float(steps) + (OTHER_GROUP if first.group != second.group else 0.0)


@quiet()
def read_export(path: Path) -> Export:
    """Read weights, elements, single-atom energies and scales of an exported PET.

    Parameters
    ----------
    path : path
        ``.pt`` file that metatrain exported. It runs code when it is loaded: never one that a stranger gave.

    Raises
    ------
    ModelError
        If it is not the export of a PET.
    """
    import metatensor.torch as metatensor
    import metatomic.torch  # noqa: F401  (registers what the file is made of)
    import torch

    try:
        found = torch.jit.load(str(path), map_location="cpu").state_dict()
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"{path} is not a PET that metatrain exported: {reason}") from error
    state = {name.removeprefix("module."): value for name, value in found.items()}
    if not {ROWS, ENERGIES} <= set(state):
        raise ModelError(f"{path} is not a PET that metatrain exported; a training can start from such a file only.")
    index = state[ROWS].tolist()
    elements = tuple(sorted((z for z, row in enumerate(index) if row >= 0), key=lambda z: index[z]))

    scales = {}
    for name in (key for key in state if key.endswith(SCALES)):
        block = metatensor.load_buffer(state[name]).block()
        values, whole = block.values.ravel().tolist(), block.samples.values.ravel().tolist() == [-1]
        target = name.removeprefix("scaler.").removesuffix(SCALES)
        scales[target] = values[0] if whole else dict(zip(elements, values, strict=True))
    single = metatensor.load_buffer(state[ENERGIES]).block().values.ravel().tolist()
    energies = dict(zip(elements, single, strict=True))
    return Export(state=state, elements=elements, energies=energies, scales=scales)


def atom_energies(
    structures: Sequence[Atoms], predicted: Sequence[float], energies: dict[int, float], origin: dict[int, int]
) -> dict[int, float]:
    """Energies of single atoms with which a transplanted model is closest to the labels.

    Parameters
    ----------
    structures : sequence of Atoms
        With ``info["REF_energy"]`` in eV.
    predicted : sequence of float
        Energies of the same structures, in eV, before the transplant, each new
        element replaced by its origin.
    energies : dict
        Single-atom energies of the known elements by atomic number, eV; they stay as they are.
    origin : dict
        Known element from which each element begins, by atomic number.

    Returns
    -------
    dict
        By atomic number, eV: new elements by least squares (of the shortest
        vector where the structures do not tell two elements apart).

    Raises
    ------
    SettingsError
        If no structure holds one of the new elements.
    """
    new = [z for z in origin if z not in energies]
    counts = np.array([[np.count_nonzero(atoms.numbers == z) for z in new] for atoms in structures], dtype=float)
    absent = [
        chemical_symbols[z] for z, column in zip(new, counts.reshape(-1, len(new)).T, strict=True) if not column.any()
    ]
    if absent:
        raise SettingsError(f"no labelled structure holds {', '.join(absent)}: label some, or leave the element out")
    kept = {z: energies[z] for z in origin if z in energies}
    if not new:
        return kept
    # The new atoms' share of the prediction is their origins'; what is missing beyond it is their own.
    base = np.array([energies[origin[z]] for z in new])
    missing = np.array([atoms.info["REF_energy"] for atoms in structures]) - np.asarray(predicted)
    sizes = np.array([len(atoms) for atoms in structures], dtype=float)
    extra = np.linalg.lstsq(counts / sizes[:, None], missing / sizes, rcond=None)[0]
    return kept | dict(zip(new, (base + extra).tolist(), strict=True))


def stand_in(atoms: Atoms, origin: dict[int, int]) -> Atoms:
    """Copy of a structure in which each element is replaced by its origin."""
    copy = Atoms(atoms)
    copy.numbers = [origin[z] for z in atoms.numbers.tolist()]
    return copy


@quiet()
def transplant(
    exported: Path,
    options: dict[str, Any],
    structures: Sequence[Atoms],
    target: Path,
    *,
    elements: Collection[int] | None = None,
) -> dict[int, int]:
    """Write the checkpoint from which metatrain fine-tunes an exported PET.

    Parameters
    ----------
    exported : path
        ``.pt`` file that metatrain exported.
    options : dict
        metatrain's options of the training to come, as
        :func:`mlip_core.training.train.metatrain_options` makes them.
    structures : sequence of Atoms
        Labelled structures, with ``info["REF_energy"]`` in eV; every new element occurs in one.
    target : path
        ``.ckpt`` file to write, in one step.
    elements : collection of int, optional
        Atomic numbers that the model shall know: by default all that the export
        knows and all of the structures.

    Returns
    -------
    dict
        Known element from which each element began, by atomic number.

    Raises
    ------
    ModelError
        If the file is not an exported PET.
    SettingsError
        If the architecture in the options is not the export's, or an element occurs in no structure.
    """
    export = read_export(exported)
    wanted = sorted(elements if elements is not None else _all_elements(export, structures))
    origin = {z: similar_element(z, export.elements) for z in wanted}
    old = load_model(exported, forces="conservative", dtype="float32")
    told = [atoms for atoms in structures if not set(atoms.numbers.tolist()) <= set(export.elements)]
    predicted = [answer.energy for answer in old.predict([stand_in(atoms, origin) for atoms in told])] if told else []
    energies = atom_energies(told, predicted, export.energies, origin)
    _write_checkpoint(_filled(export, options, origin, energies), target)
    return origin


def _all_elements(export: Export, structures: Sequence[Atoms]) -> set[int]:
    return set(export.elements).union(*(atoms.numbers.tolist() for atoms in structures))


def _filled(export: Export, options: dict[str, Any], origin: dict[int, int], energies: dict[int, float]) -> Any:
    """Fresh PET with the weights of an export."""
    import torch
    from metatrain.pet import PET
    from metatrain.utils.architectures import get_default_hypers
    from metatrain.utils.data import DatasetInfo
    from omegaconf import OmegaConf

    chosen = OmegaConf.create(options["architecture"].get("model", {}))
    hypers = OmegaConf.to_container(OmegaConf.merge(get_default_hypers("pet")["model"], chosen))
    info = DatasetInfo(length_unit="angstrom", atomic_types=list(origin), targets=_targets(options))
    model = PET(hypers, info)
    rows = [export.elements.index(origin[z]) for z in origin]
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if not name.startswith("backend.") or name == ROWS:
                continue
            source = export.state.get(name)
            if source is not None and any(part in name for part in BY_ELEMENT):
                source = source[rows]
            if source is None or source.shape != value.shape:
                raise SettingsError(f"the model to start from has another architecture: {name} does not fit")
            value.copy_(source)
    _set_units(model, export, origin, energies)
    return model


def _targets(options: dict[str, Any]) -> dict[str, Any]:
    from metatrain.utils.data.target_info import get_energy_target_info, get_generic_target_info
    from metatrain.utils.omegaconf import expand_dataset_config
    from omegaconf import OmegaConf

    found = {}
    for name, target in expand_dataset_config(OmegaConf.create(options["training_set"]))[0]["targets"].items():
        if target["quantity"] == "energy" and target["type"] == "scalar":
            found[name] = get_energy_target_info(name, target, bool(target["forces"]), bool(target["stress"]))
        else:
            found[name] = get_generic_target_info(name, target)
    return found


def _set_units(model: Any, export: Export, origin: dict[int, int], energies: dict[int, float]) -> None:
    """Give a PET the single-atom energies, and the scales of the elements from which its own begin."""
    import torch
    from metatrain.composition import train_or_load_composition_model
    from metatrain.scaler import train_or_load_scaler

    scales = {
        target: {z: scale[origin[z]] for z in origin} if isinstance(scale, dict) else scale
        for target, scale in export.scales.items()
        if target in model.dataset_info.targets
    }
    model.additive_models[0].to(dtype=torch.float64)
    model.scaler.to(dtype=torch.float64)
    # Every number is given, so that metatrain asks no data for any.
    train_or_load_composition_model(
        composition_model=model.additive_models[0],
        atomic_baseline={"energy": energies},
        train_datasets=[],
        other_additive_models=[],
        batch_size=1,
        is_distributed=False,
    )
    train_or_load_scaler(
        scaler=model.scaler,
        train_datasets=[],
        additive_models=model.additive_models,
        batch_size=1,
        is_distributed=False,
        fixed_weights=scales,
    )


def _write_checkpoint(model: Any, target: Path) -> None:
    import torch

    part = target.with_name(target.name + ".part")
    torch.save(model.get_checkpoint(), part)
    part.replace(target)
