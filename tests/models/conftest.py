"""One case for each adapter: what the contract is tested on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

import mlip_core as mlip


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@dataclass(frozen=True)
class Case:
    load: Callable[[], mlip.Model]
    counted: Callable[[mlip.Model], Any] | None = None
    """The layer of the network that every forward pass goes through once."""
    partner: str = "Cu"
    """The element beside Al that it covers."""


CASES = {
    "emt": (lambda folder: mlip.from_ase(EMT(), name="EMT"), None),
    "chgnet": (lambda folder: mlip.load_model("chgnet"), lambda model: model._network.atom_embedding),
    "sevennet-0": (lambda folder: mlip.load_model("sevennet-0", dtype="float64"), lambda model: model._network),
    "sevennet-0-float32": (lambda folder: mlip.load_model("sevennet-0", dtype="float32"), lambda model: model._network),
    "pt-conservative": (
        lambda folder: mlip.load_model(folder / "tiny.pt", forces="conservative", dtype="float64"),
        lambda model: model._network,
    ),
    "pt-direct": (
        lambda folder: mlip.load_model(folder / "tiny.pt", forces="direct", dtype="float64"),
        lambda model: model._network,
    ),
    "ckpt-conservative": (
        lambda folder: mlip.load_model(folder / "tiny.ckpt", forces="conservative", dtype="float64"),
        lambda model: model._network,
    ),
    "ckpt-direct": (
        lambda folder: mlip.load_model(folder / "tiny.ckpt", forces="direct", dtype="float64"),
        lambda model: model._network,
    ),
    "pet-demo-direct": (
        lambda folder: mlip.load_model("pet-demo", forces="direct", dtype="float64"),
        lambda model: model._network,
    ),
    "pet-demo-conservative": (
        lambda folder: mlip.load_model("pet-demo", forces="conservative", dtype="float64"),
        lambda model: model._network,
    ),
    "soap-demo": (lambda folder: mlip.load_model("soap-demo", dtype="float64"), lambda model: model._network),
    "pet-demo-float32": (
        lambda folder: mlip.load_model("pet-demo", forces="conservative", dtype="float32"),
        lambda model: model._network,
    ),
    "soap-demo-float32": (lambda folder: mlip.load_model("soap-demo", dtype="float32"), lambda model: model._network),
    "chgnet-0.2.0": (lambda folder: mlip.load_model("chgnet-0.2.0"), lambda model: model._network.atom_embedding),
    "chgnet-r2scan": (lambda folder: mlip.load_model("chgnet-r2scan"), lambda model: model._network.atom_embedding),
    "sevennet-l3i5": (lambda folder: mlip.load_model("sevennet-l3i5"), lambda model: model._network),
    "sevennet-0-may2024": (lambda folder: mlip.load_model("sevennet-0-may2024"), lambda model: model._network),
    "sevennet-mf-0-pbe": (lambda folder: mlip.load_model("sevennet-mf-0-pbe"), lambda model: model._network),
    "sevennet-mf-0-r2scan": (
        lambda folder: mlip.load_model("sevennet-mf-0-r2scan", dtype="float64"),
        lambda model: model._network,
    ),
}
SLOW = {
    "chgnet-0.2.0",
    "chgnet-r2scan",
    "sevennet-l3i5",
    "sevennet-0-float32",
    "sevennet-0-may2024",
    "sevennet-mf-0-pbe",
    "sevennet-mf-0-r2scan",
}


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in CASES]
)
def case(request):
    load, counted = CASES[request.param]
    folder = request.getfixturevalue("tiny_pet") if request.param.startswith(("pt-", "ckpt-")) else None
    return Case(lambda: load(folder), counted, "Mg" if "-demo" in request.param else "Cu")


@pytest.fixture(scope="session")
def model(case):
    return case.load()


@pytest.fixture
def partner(request):
    """The element beside Al in the structures."""
    return request.getfixturevalue("case").partner if "case" in request.fixturenames else "Cu"


@pytest.fixture
def crystal(partner):
    """Two atoms, strained and rattled: every force and stress component is there."""
    atoms = bulk(f"Al{partner}", "cesiumchloride", a=3.0)
    strain = np.array([[0.02, 0.01, 0.0], [0.0, 0.0, 0.03], [-0.01, 0.0, 0.0]])
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    atoms.rattle(0.08, seed=1)
    return atoms


@pytest.fixture
def metal():
    atoms = bulk("Al", cubic=True)
    atoms.rattle(0.1, seed=2)
    return atoms


@pytest.fixture
def molecule(partner):
    return Atoms(f"Al2{partner}", [[0.0, 0.0, 0.0], [2.4, 0.0, 0.0], [1.2, 2.0, 0.3]])


@pytest.fixture
def structures(crystal, metal, molecule):
    return [crystal, metal, molecule]
