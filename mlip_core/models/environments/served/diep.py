"""DIEP: one universal model inside its package. Many structures in one forward call."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from ase.units import GPa

from .potential import Asked, Potential, check_device
from .wire import Answer


def load(asked: Asked) -> Potential:
    """Load the weights that travel with the package."""
    check_device(asked.device)
    from diep.pretrained import load_potential

    with computing_in(asked.dtype):
        network = load_potential(device=asked.device).to(_torch_dtype(asked.dtype)).requires_grad_(False)
    return Potential(
        predict=Batches(network, asked.dtype, asked.device),
        elements=[atomic_numbers[symbol] for symbol in network.model.element_types],
        cutoff=float(network.model.cutoff),
        batch_structures=32,
        batch_atoms=128,
    )


class Batches:
    """DIEP over batches of crystal graphs; forces and stress from the gradient of the energy."""

    def __init__(self, network: Any, dtype: str, device: str) -> None:
        from diep.ext.ase import Atoms2Graph

        self.network = network
        self._dtype, self._device = dtype, device
        self._converter = Atoms2Graph(network.model.element_types, network.model.cutoff)

    def __call__(self, structures: list[Atoms]) -> list[Answer]:
        """Evaluate all structures in one forward call."""
        import torch
        from torch_geometric.data import Batch

        with computing_in(self._dtype):
            graphs, lattices = zip(*(self._graph(atoms) for atoms in structures), strict=True)
            batch = Batch.from_data_list(list(graphs)).to(self._device)
            told = self.network(batch, torch.stack(lattices).to(self._device))
        energies, forces, stresses = (np.asarray(part.detach().cpu().numpy(), dtype=float) for part in told[:3])
        parts = zip(
            structures,
            energies.reshape(-1),
            np.split(forces, np.cumsum([len(atoms) for atoms in structures])[:-1]),
            stresses.reshape(-1, 3, 3) * GPa,
            strict=True,
        )
        return [(float(energy), force, stress if atoms.pbc.all() else None) for atoms, energy, force, stress in parts]

    def _graph(self, atoms: Atoms) -> tuple[Any, Any]:
        """Graph and lattice (3, 3) of a structure with its atoms inside the cell, where neighbours are found quickly."""
        inside = atoms.copy()
        inside.wrap()
        graph, lattice, _ = self._converter.get_graph(inside)
        return graph, lattice.reshape(3, 3)


@contextmanager
def computing_in(dtype: str) -> Iterator[None]:
    """Set the precision that the whole package has in common, for as long as it computes."""
    from diep import config

    config.set_default_dtype("float", int(dtype.removeprefix("float")))
    try:
        yield
    finally:
        config.set_default_dtype("float", 32)


def _torch_dtype(dtype: str) -> Any:
    import torch

    return getattr(torch, dtype)
