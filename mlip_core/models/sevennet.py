"""SevenNet: weights inside the package sevenn."""

from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import voigt_6_to_full_3x3_stress

from mlip_core.errors import ModelError
from mlip_core.models.catalogue import Entry
from mlip_core.models.loading import check_device, quiet, torch_as_it_was
from mlip_core.models.model import Forces, Model, Prediction

VOIGT = [0, 1, 2, 4, 5, 3]
"""SevenNet's order xx yy zz xy yz zx, taken to ASE's xx yy zz yz xz xy."""


class SevennetModel(Model):
    """SevenNet over batches of atom graphs; float64 computes in float64 throughout.

    64 atoms take about a gigabyte in float64, and larger batches are no faster on a CPU.
    """

    batch_atoms = 128

    def __init__(self, item: Entry, *, forces: Forces, dtype: str, device: str) -> None:
        check_device(device)
        path = item.path()
        if path is None:
            raise ModelError(item.missing())
        with quiet(), torch_as_it_was():
            import torch
            from sevenn.train import dataload  # noqa: F401  warns where it is first imported
            from sevenn.util import load_checkpoint

            network = load_checkpoint(str(path)).build_model()
            network.set_is_batch_data(True)
            network.onehot_idx_to_onehot.register_forward_hook(_cast_floats(getattr(torch, dtype)))
            self._network = network.to(device=device, dtype=getattr(torch, dtype)).eval()
        self.name, self.forces, self.dtype, self.device = item.title, forces, dtype, device
        self.claims = item.claims(forces)
        self.elements = frozenset(int(z) for z in network.type_map)
        self.cutoff = float(network.cutoff)
        self._modal = item.modal

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        from torch_geometric.data import Batch

        batch = Batch.from_data_list([self._graph(atoms) for atoms in structures]).to(self.device)
        answer = self._network(batch)
        energies = _array(answer["inferred_total_energy"]).reshape(-1)
        forces = np.split(_array(answer["inferred_force"]), np.cumsum([len(atoms) for atoms in structures])[:-1])
        stresses = -_array(answer["inferred_stress"])[:, VOIGT]
        return [
            Prediction(float(energy), force, voigt_6_to_full_3x3_stress(stress) if atoms.pbc.all() else None)
            for atoms, energy, force, stress in zip(structures, energies, forces, stresses, strict=True)
        ]

    def _graph(self, atoms: Atoms) -> Any:
        import torch
        from sevenn.atom_graph_data import AtomGraphData
        from sevenn.train.dataload import unlabeled_atoms_to_graph
        from sevenn.util import dtype_correct

        data = unlabeled_atoms_to_graph(atoms, self._network.cutoff)
        dtype = getattr(torch, self.dtype)
        graph = AtomGraphData(**{key: dtype_correct(value, float_dtype=dtype) for key, value in data.items()})
        if self._modal:
            graph["data_modality"] = self._modal
        return graph


def _cast_floats(dtype: Any) -> Any:
    """Hook for the one layer whose output is float32 whatever its input is."""

    def hook(_module: Any, _inputs: Any, data: Any) -> None:
        for key, value in data.items():
            if hasattr(value, "is_floating_point") and value.is_floating_point():
                data[key] = value.to(dtype)

    return hook


def _array(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().cpu().numpy(), dtype=float)
