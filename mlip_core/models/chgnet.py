"""CHGNet: weights inside the package chgnet."""

import warnings
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.errors import ModelError
from mlip_core.models.catalogue import Entry
from mlip_core.models.loading import boxed_cell, check_device, quiet
from mlip_core.models.model import Forces, Model, Prediction
from mlip_core.units import EV_PER_A3_IN_GPA

NOT_IN_TRAINING = frozenset(range(84, 89))
"""Po, At, Rn, Fr, Ra: embedded, but in no structure of the training set."""

HARMLESS = ("Converting a tensor with requires_grad", "No Pauling electronegativity")
"""Warnings of torch about CHGNet's volumes and of pymatgen about noble gases."""


class ChgnetModel(Model):
    """CHGNet over batches of crystal graphs, float32.

    A graph of an atom costs about a megabyte while its gradient is taken, so batches are
    small and every graph is let go of before the next batch.
    """

    batch_atoms = 512

    def __init__(self, item: Entry, *, forces: Forces, dtype: str, device: str) -> None:
        check_device(device)
        path = item.path()
        if path is None:
            raise ModelError(item.missing())
        with quiet():
            from chgnet.model import CHGNet

            version = path.parent.name
            self._network = CHGNet.load(model_name=version, use_device=device, verbose=False)
            self._network.graph_converter.set_isolated_atom_response("ignore")
        self.name, self.forces, self.dtype, self.device = item.title, forces, dtype, device
        self.claims = item.claims(forces)
        self.elements = _elements(self._network)

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        with warnings.catch_warnings():
            for message in HARMLESS:
                warnings.filterwarnings("ignore", message=message)
            graphs = [self._graph(atoms) for atoms in structures]
            answers = self._network.predict_graph(graphs, task="efs", batch_size=len(graphs))
        answers = [answers] if isinstance(answers, dict) else answers
        return [_prediction(atoms, answer) for atoms, answer in zip(structures, answers, strict=True)]

    def _graph(self, atoms: Atoms) -> Any:
        from pymatgen.core import Lattice, Structure

        lattice = Lattice(boxed_cell(atoms, self._network.graph_converter.atom_graph_cutoff))
        structure = Structure(lattice, atoms.numbers, atoms.positions, coords_are_cartesian=True)
        return self._network.graph_converter(structure)


def _elements(network: Any) -> frozenset[int]:
    """Elements with a reference energy that was fitted to data."""
    references = network.composition_model.fc.weight.detach().cpu().numpy()[0]
    return frozenset(int(z) for z in np.flatnonzero(np.abs(references) > 1e-6) + 1) - NOT_IN_TRAINING


def _prediction(atoms: Atoms, answer: dict[str, np.ndarray]) -> Prediction:
    stress = np.asarray(answer["s"], dtype=float) / EV_PER_A3_IN_GPA if atoms.pbc.all() else None
    return Prediction(float(answer["e"]) * len(atoms), np.asarray(answer["f"], dtype=float), stress)
