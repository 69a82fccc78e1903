"""Train a PET of a few hundred weights for one epoch and export it into the folder given."""

import sys
from pathlib import Path

import ase.io
import numpy as np
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.stress import voigt_6_to_full_3x3_stress
from metatrain.cli.train import train_model
from omegaconf import OmegaConf

FOLDER = Path(sys.argv[1])
SIZES = {
    "d_pet": 8,
    "d_head": 8,
    "d_node": 8,
    "d_feedforward": 8,
    "num_heads": 2,
    "num_attention_layers": 1,
    "num_gnn_layers": 2,
}


def labelled(seed):
    rng = np.random.default_rng(seed)
    atoms = bulk("AlCu", "cesiumchloride", a=3.0) * (2, 1, 1) if seed % 2 else bulk("Al", cubic=True)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.03 * rng.normal(size=(3, 3))), scale_atoms=True)
    atoms.rattle(0.1, seed=seed)
    atoms.calc = EMT()
    plain = atoms.copy()
    plain.info["E"] = atoms.get_potential_energy()
    plain.info["S"] = voigt_6_to_full_3x3_stress(atoms.get_stress())
    plain.arrays["F"] = atoms.get_forces()
    return plain


def main():
    data = FOLDER / "data.extxyz"
    ase.io.write(data, [labelled(seed) for seed in range(8)])
    targets = {
        "energy": {"quantity": "energy", "unit": "eV", "key": "E", "forces": {"key": "F"}, "stress": {"key": "S"}},
        "non_conservative_force": {
            "unit": "eV/A",
            "key": "F",
            "sample_kind": "atom",
            "type": {"cartesian": {"rank": 1}},
        },
        "non_conservative_stress": {
            "unit": "eV/A^3",
            "key": "S",
            "sample_kind": "system",
            "type": {"cartesian": {"rank": 2}},
        },
    }
    options = {
        "seed": 1,
        "base_precision": 64,
        "device": "cpu",
        "architecture": {
            "name": "pet",
            "model": {"cutoff": 4.0, "num_neighbors_adaptive": None, **SIZES},
            "training": {"num_epochs": 1, "batch_size": 2, "num_workers": 0, "learning_rate": 1e-2},
        },
        "training_set": {"systems": {"read_from": str(data), "length_unit": "angstrom"}, "targets": targets},
        "validation_set": 0.25,
        "test_set": 0.0,
    }
    train_model(
        OmegaConf.create(options), output=FOLDER / "tiny.pt", checkpoint_dir=FOLDER, extensions=FOLDER / "extensions"
    )


main()
