"""Train a MACE of a few thousand weights on EMT's copper and aluminium for about a minute; run in MACE's environment."""

import sys

import numpy as np
import torch
from ase.build import bulk
from ase.calculators.emt import EMT
from e3nn import o3
from mace import data, modules
from mace.tools import AtomicNumberTable, torch_geometric

CUTOFF, STEPS = 4.5, int(sys.argv[2]) if len(sys.argv) > 2 else 300
TABLE = AtomicNumberTable([13, 29])


def labelled(seed):
    """A strained, rattled cell of Cu, Al or both, with EMT's energy and forces."""
    rng = np.random.default_rng(seed)
    atoms = [
        bulk("Cu", a=3.59, cubic=True),
        bulk("Al", a=3.99, cubic=True),
        bulk("AlCu", "cesiumchloride", a=3.0) * (2, 1, 1),
    ][seed % 3]
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.02 * rng.normal(size=(3, 3))), scale_atoms=True)
    atoms.rattle(rng.choice([0.01, 0.05, 0.1]), seed=seed)
    atoms.calc = EMT()
    keys = data.KeySpecification(info_keys={"energy": "E"}, arrays_keys={"forces": "F"})
    atoms.info["E"], atoms.arrays["F"] = atoms.get_potential_energy(), atoms.get_forces()
    return data.AtomicData.from_config(data.config_from_atoms(atoms, keys), z_table=TABLE, cutoff=CUTOFF)


def network():
    return modules.ScaleShiftMACE(
        r_max=CUTOFF,
        num_bessel=6,
        num_polynomial_cutoff=5,
        max_ell=2,
        interaction_cls=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
        interaction_cls_first=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
        num_interactions=2,
        num_elements=2,
        hidden_irreps=o3.Irreps("8x0e + 8x1o"),
        MLP_irreps=o3.Irreps("8x0e"),
        gate=torch.nn.functional.silu,
        atomic_energies=np.zeros(2),
        avg_num_neighbors=30.0,
        atomic_numbers=TABLE.zs,
        correlation=2,
        atomic_inter_scale=1.0,
        atomic_inter_shift=0.0,
    )


def main():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    model = network()
    loader = torch_geometric.dataloader.DataLoader([labelled(seed) for seed in range(60)], batch_size=6, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    step = 0
    while step < STEPS:
        for batch in loader:
            answer = model(batch.to_dict(), training=True)
            per_atom = (answer["energy"] - batch.energy) / (batch.ptr[1:] - batch.ptr[:-1])
            loss = (per_atom**2).mean() * 10 + ((answer["forces"] - batch.forces) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if step % 50 == 0:
                print(step, float(loss), file=sys.stderr)
    torch.save(model, sys.argv[1])


main()
