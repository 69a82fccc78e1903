"""Models exported as metatomic ``.pt`` files, evaluated without the clean-up of metatomic's ASE calculator.

That calculator removes the net force of direct heads; here ``predict`` returns what the head gave.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.errors import ModelError, SettingsError
from mlip_core.models.catalogue import Entry
from mlip_core.models.loading import check_device, quiet
from mlip_core.models.model import Forces, Model, Prediction

ENERGY, FORCE, STRESS = "energy", "non_conservative_force", "non_conservative_stress"
INPUTS = {"charge": 0.0, "spin_multiplicity": 1.0}
"""What a model may ask about a structure, with the value where ``atoms.info`` says nothing."""


class MetatomicModel(Model):
    """One forward call for a list of systems; forces from a head or from the energy's gradient.

    Loading runs code from the file.
    """

    batch_atoms = 1024

    def __init__(self, item: Entry, *, forces: Forces, dtype: str, device: str) -> None:
        check_device(device)
        with quiet():
            import torch
            from vesin.metatomic import neighbor_lists_for_model

            network = self._load(item)
            self._check(item, network, forces)
            network._capabilities.dtype = dtype
            self._network = network.to(device=device, dtype=getattr(torch, dtype)).eval()
            self._neighbors = neighbor_lists_for_model("angstrom", network, skin=0.0)
        self.name, self.forces, self.dtype, self.device = item.title, forces, dtype, device
        self.claims = item.claims(forces)
        self.elements = frozenset(network.capabilities().atomic_types)
        self.cutoff = max((float(asked.cutoff) for asked in network.requested_neighbor_lists()), default=None)

    def _load(self, item: Entry) -> Any:
        from metatomic.torch import load_atomistic_model

        return open_model(item, item.path(), load_atomistic_model)

    @staticmethod
    def _check(item: Entry, network: Any, forces: Forces) -> None:
        outputs = network.capabilities().outputs
        if ENERGY not in outputs:
            raise ModelError(
                f"{item.title} predicts no energy (it predicts {', '.join(outputs)}): it is not a potential."
            )
        if forces == "direct" and FORCE not in outputs:
            raise SettingsError(f"{item.title} has no head for forces; choose forces='conservative'.")
        unknown = set(network.requested_inputs(use_new_names=True)) - set(INPUTS)
        if unknown:
            raise ModelError(f"{item.title} asks for {', '.join(sorted(unknown))}, which no structure here carries.")

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        direct = self.forces == "direct"
        systems, leaves = self._systems(structures, gradients=not direct)
        answer = self._evaluate(systems, direct=direct)
        energies = _values(answer[ENERGY]).reshape(-1)
        if direct:
            forces = np.split(_values(answer[FORCE]), np.cumsum([len(atoms) for atoms in structures])[:-1])
            stresses: Sequence[np.ndarray | None] = (
                list(_values(answer[STRESS])) if STRESS in answer else [None] * len(structures)
            )
        else:
            forces, stresses = _gradients(answer[ENERGY], leaves, structures)
        return [
            Prediction(float(energy), force, stress if atoms.pbc.all() else None)
            for atoms, energy, force, stress in zip(structures, energies, forces, stresses, strict=True)
        ]

    def _evaluate(self, systems: list[Any], *, direct: bool) -> dict[str, Any]:
        import torch
        from metatomic.torch import ModelEvaluationOptions, ModelOutput

        outputs = {ENERGY: ModelOutput(unit="eV", sample_kind="system")}
        if direct:
            outputs[FORCE] = ModelOutput(unit="eV/A", sample_kind="atom")
            if STRESS in self._network.capabilities().outputs:
                outputs[STRESS] = ModelOutput(unit="eV/A^3", sample_kind="system")
        for neighbors in self._neighbors:
            neighbors.add_neighbor_list(systems)
        options = ModelEvaluationOptions(length_unit="angstrom", outputs=outputs)
        with torch.jit.optimized_execution(self.device != "cpu"):  # on a CPU it costs seconds first and gains nothing
            return self._network(systems, options, check_consistency=False)

    def _systems(self, structures: list[Atoms], *, gradients: bool) -> tuple[list[Any], list[Any]]:
        """Return the systems, and with them what positions and strain are derived against."""
        import torch
        from metatomic.torch import System

        real = {"dtype": getattr(torch, self.dtype), "device": self.device}
        systems, leaves = [], []
        for atoms in structures:
            positions = torch.tensor(atoms.positions, **real).requires_grad_(gradients)
            strain = torch.eye(3, **real).requires_grad_(gradients)
            cell = torch.tensor(np.where(atoms.pbc[:, None], atoms.cell.array, 0.0), **real)
            types = torch.tensor(atoms.numbers, dtype=torch.int32, device=self.device)
            pbc = torch.tensor(atoms.pbc, device=self.device)
            system = System(types, positions @ strain, cell @ strain, pbc)
            self._add_inputs(system, atoms)
            systems.append(system)
            leaves += [positions, strain]
        return systems, leaves

    def _add_inputs(self, system: Any, atoms: Atoms) -> None:
        import torch
        from metatensor.torch import Labels, TensorBlock, TensorMap

        for name in self._network.requested_inputs(use_new_names=True):
            value = torch.full((1, 1), float(atoms.info.get(name, INPUTS[name])), dtype=system.positions.dtype)
            block = TensorBlock(
                value, Labels(["system"], torch.zeros((1, 1), dtype=torch.int32)), [], Labels.range(name, 1)
            )
            system.add_data(name, TensorMap(Labels.single(), [block]).to(device=self.device))


def open_model(item: Entry, path: Path | None, load: Any) -> Any:
    """Open a file with ``load``, with the extensions that metatrain's architectures use.

    Raises
    ------
    ModelError
        If the file is missing or is no such model.
    """
    if path is None:
        raise ModelError(item.missing())
    with suppress(ImportError):
        import sphericart.torch  # noqa: F401  SOAP-BPNN's TorchScript needs it registered
    try:
        return load(path)
    except Exception as error:
        raise ModelError(f"{path} cannot be loaded as a {item.family} model: {error}") from error


def _gradients(energy: Any, leaves: list[Any], structures: list[Atoms]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Forces and stresses; the stress is against symmetric strain, since a model may also resist rotation."""
    import torch

    gradients = torch.autograd.grad(energy.block().values.sum(), leaves, materialize_grads=True)
    arrays = [np.asarray(gradient.cpu().numpy(), dtype=float) for gradient in gradients]
    volumes = [atoms.cell.volume or 1.0 for atoms in structures]
    virials = [(virial + virial.T) / 2 for virial in arrays[1::2]]
    return [-force for force in arrays[::2]], [virial / volume for virial, volume in zip(virials, volumes, strict=True)]


def _values(tensor: Any) -> np.ndarray:
    """Return the values of the only block, in the order of structures and atoms."""
    block = tensor.block()
    order = np.lexsort(block.samples.values.cpu().numpy().T[::-1])
    return np.asarray(block.values.detach().cpu().numpy(), dtype=float)[order, ..., 0]
