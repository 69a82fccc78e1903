"""CHGNet: weights inside the package chgnet."""

import warnings
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.errors import ModelError
from mlip_core.models.catalogue import Entry
from mlip_core.models.loading import boxed_cell, check_device, quiet
from mlip_core.models.model import Forces, Model, Prediction

NOT_IN_TRAINING = frozenset(range(84, 89))
"""Po, At, Rn, Fr, Ra: embedded, but in no structure of the training set."""

HARMLESS = ("Converting a tensor with requires_grad", "No Pauling electronegativity")
"""Warnings of torch about CHGNet's volumes and of pymatgen about noble gases."""


class ChgnetModel(Model):
    """CHGNet over batches of crystal graphs, float32.

    ``CHGNet.predict_graph`` keeps the graph of the gradient, as training needs it: 2 GB for 64
    atoms of MgO. Here the energy is derived once, and everything is let go of with the batch.
    """

    batch_atoms = 128

    def __init__(self, item: Entry, *, forces: Forces, dtype: str, device: str) -> None:
        check_device(device)
        path = item.path()
        if path is None:
            raise ModelError(item.missing())
        with quiet():
            from chgnet.model import CHGNet

            version = path.parent.name
            self._network = CHGNet.load(model_name=version, use_device=device, verbose=False).eval()
            self._network.graph_converter.set_isolated_atom_response("ignore")
            self._network.requires_grad_(False)
        self.name, self.forces, self.dtype, self.device = item.title, forces, dtype, device
        self.claims = item.claims(forces)
        self.elements = _elements(self._network)
        self.cutoff = float(self._network.graph_converter.atom_graph_cutoff)

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        with warnings.catch_warnings():
            for message in HARMLESS:
                warnings.filterwarnings("ignore", message=message)
            energies, forces, virials = self._evaluate([self._graph(atoms) for atoms in structures])
        return [
            Prediction(float(energy) * len(atoms), force, virial / atoms.cell.volume if atoms.pbc.all() else None)
            for atoms, energy, force, virial in zip(structures, energies, forces, virials, strict=True)
        ]

    def _graph(self, atoms: Atoms) -> Any:
        from pymatgen.core import Lattice, Structure

        lattice = Lattice(boxed_cell(atoms, self._network.graph_converter.atom_graph_cutoff))
        structure = Structure(lattice, atoms.numbers, atoms.positions, coords_are_cartesian=True)
        return self._network.graph_converter(structure).to(self.device)

    def _evaluate(self, graphs: list[Any]) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
        """Energies per atom (eV), forces (eV/Å) and ∂E/∂strain (eV)."""
        import torch
        from chgnet.model.model import BatchedGraph

        network = self._network
        batch = BatchedGraph.from_graphs(
            graphs, network.bond_basis_expansion, network.angle_basis_expansion, compute_stress=True
        )
        energy = network._compute(batch)["e"]
        counts = torch.tensor([len(positions) for positions in batch.atom_positions], device=energy.device)
        leaves = [*batch.atom_positions, *batch.strains]
        gradients = torch.autograd.grad((energy * counts).sum(), leaves, materialize_grads=True)
        arrays = [np.asarray(gradient.cpu().numpy(), dtype=float) for gradient in gradients]
        energies = (energy + network.composition_model(graphs)).detach().cpu().numpy()
        return energies, [-array for array in arrays[: len(graphs)]], arrays[len(graphs) :]


def _elements(network: Any) -> frozenset[int]:
    """Elements with a reference energy that was fitted to data."""
    references = network.composition_model.fc.weight.detach().cpu().numpy()[0]
    return frozenset(int(z) for z in np.flatnonzero(np.abs(references) > 1e-6) + 1) - NOT_IN_TRAINING
