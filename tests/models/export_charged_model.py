"""Export a metatomic model whose energy is known by hand: the structure's charge plus the sum of z, eV."""

# TorchScript reads these annotations, and knows only the old names.
# ruff: noqa: UP006, UP035, UP045

import sys
from typing import Dict, List, Optional

import torch
from metatensor.torch import Labels, TensorBlock, TensorMap
from metatomic.torch import AtomisticModel, ModelCapabilities, ModelMetadata, ModelOutput, System


class Charged(torch.nn.Module):
    def requested_inputs(self) -> Dict[str, ModelOutput]:
        return {"charge": ModelOutput(unit="e", sample_kind="system")}

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels] = None,
    ) -> Dict[str, TensorMap]:
        energies: List[torch.Tensor] = []
        for system in systems:
            energies.append(system.get_data("charge").block().values.sum() + system.positions[:, 2].sum())
        samples = Labels(["system"], torch.arange(len(systems)).reshape(-1, 1))
        block = TensorBlock(torch.stack(energies).reshape(-1, 1), samples, [], Labels(["energy"], torch.tensor([[0]])))
        return {"energy": TensorMap(Labels(["_"], torch.tensor([[0]])), [block])}


CAPABILITIES = ModelCapabilities(
    outputs={"energy": ModelOutput(unit="eV", sample_kind="system")},
    atomic_types=[13, 29],
    interaction_range=0.0,
    length_unit="angstrom",
    supported_devices=["cpu"],
    dtype="float64",
)
AtomisticModel(Charged().eval(), ModelMetadata(), CAPABILITIES).save(sys.argv[1])
