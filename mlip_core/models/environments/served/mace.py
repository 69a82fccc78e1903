"""MACE: foundation models by name, and any ``.model`` file. Many structures in one forward call."""

from typing import Any

import numpy as np
from ase import Atoms

from .potential import Asked, Potential, Refused, check_device, need_network
from .wire import Answer

NAMES = {
    "mace-mp-0-small": "small",
    "mace-mp-0-medium": "medium",
    "mace-mp-0-large": "large",
    "mace-mp-0b3-medium": "medium-0b3",
    "mace-mpa-0-medium": "medium-mpa-0",
    "mace-omat-0-small": "small-omat-0",
    "mace-omat-0-medium": "medium-omat-0",
    "mace-matpes-pbe-0": "mace-matpes-pbe-0",
    "mace-matpes-r2scan-0": "mace-matpes-r2scan-0",
}
"""Names in the catalogue, and what ``mace_mp`` calls the same models."""


def load(asked: Asked) -> Potential:
    """Load weights, downloaded by MACE where they are asked for by name and not here.

    The file is a pickled module: loading it runs code from it.
    """
    check_device(asked.device)
    network = _network(_file(asked), asked)
    return Potential(
        predict=Batches(network, asked.dtype, asked.device),
        elements=[int(number) for number in network.atomic_numbers],
        cutoff=float(network.r_max),
        batch_structures=32,
        batch_atoms=256,
    )


def _file(asked: Asked) -> str:
    if asked.file is not None:
        return asked.file
    from mace.calculators.foundations_models import download_mace_mp_checkpoint, mace_mp_urls

    url = mace_mp_urls[NAMES[asked.name]]
    file = url.rsplit("/", 1)[-1]
    need_network(asked.name, url, f"put {file} into the models folder and choose it by its file name")
    return download_mace_mp_checkpoint(NAMES[asked.name])


def _network(file: str, asked: Asked) -> Any:
    import mace.calculators  # noqa: F401  registers what the file is made of
    import torch

    try:
        network = torch.load(file, map_location=asked.device, weights_only=False)
        network.atomic_numbers, network.r_max  # noqa: B018  what every MACE has
    except Exception as error:
        raise Refused(f"{file} cannot be loaded as a MACE model: {type(error).__name__}: {error}") from error
    return network.to(asked.device, getattr(torch, asked.dtype)).eval().requires_grad_(False)


class Batches:
    """A MACE over batches of atom graphs; forces and stress from the gradient of the energy."""

    def __init__(self, network: Any, dtype: str, device: str) -> None:
        from mace.tools.utils import AtomicNumberTable

        self.network = network
        self._dtype, self._device = dtype, device
        self._table = AtomicNumberTable([int(number) for number in network.atomic_numbers])
        self._heads = list(getattr(network, "heads", None) or ["Default"])
        self._head = _head(self._heads)

    def __call__(self, structures: list[Atoms]) -> list[Answer]:
        """Evaluate all structures in one forward call."""
        from mace.tools import torch_geometric, torch_tools

        with torch_tools.default_dtype(self._dtype):
            graphs = [self._graph(atoms) for atoms in structures]
            batch = torch_geometric.Batch.from_data_list(graphs).to(self._device)
            answer = self.network(batch.to_dict(), compute_stress=True)
        energies, stresses = _array(answer["energy"]), _array(answer["stress"])
        forces = np.split(_array(answer["forces"]), np.cumsum([len(atoms) for atoms in structures])[:-1])
        return [
            (float(energy), force, stress if atoms.pbc.all() else None)
            for atoms, energy, force, stress in zip(structures, energies, forces, stresses, strict=True)
        ]

    def _graph(self, atoms: Atoms) -> Any:
        from mace.data import AtomicData, KeySpecification, config_from_atoms

        keys = KeySpecification(info_keys={"total_charge": "charge", "total_spin": "spin_multiplicity"}, arrays_keys={})
        configuration = config_from_atoms(atoms, key_specification=keys, head_name=self._head)
        return AtomicData.from_config(
            configuration, z_table=self._table, cutoff=float(self.network.r_max), heads=self._heads
        )


def _head(heads: list[str]) -> str:
    """Return the only head, or the one called default, as MACE's own calculator does."""
    chosen = heads if len(heads) == 1 else [head for head in heads if head.lower() == "default"]
    if not chosen:
        raise Refused(f"This model has several heads ({', '.join(heads)}), none of them called default.")
    return chosen[0]


def _array(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().cpu().numpy(), dtype=float)
