"""One case for each adapter: what the contract is tested on."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from filelock import FileLock

import mlip_core as mlip
from mlip_core.keys import digest
from mlip_core.models.catalogue import FAMILIES, entry
from mlip_core.models.environments import environment
from mlip_core.models.environments.making import add
from mlip_core.models.environments.process import Process
from mlip_core.models.environments.recipes import RECIPES

HERE = Path(__file__).parent / "environments"


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


@pytest.fixture(scope="session")
def installed(request):
    """Make an environment for real, once for each recipe and kept in pytest's cache; return its folder and Python."""

    def made(name):
        key = digest(list(RECIPES[name].requirements))[:12]
        folder = Path(request.config.cache.mkdir(f"environments-{key}"))
        with pytest.MonkeyPatch.context() as patch, FileLock(folder / "making"):
            patch.setattr(environment, "environments_folder", lambda: folder)
            here = environment.Environment(RECIPES[name])
            return folder, (here if here.here else add(name)).python

    return made


@pytest.fixture(scope="session")
def load_installed(installed, tmp_path_factory):
    """Load a model of a really made environment, with a models folder of its own."""
    home = tmp_path_factory.mktemp("home")

    def load(name, **settings):
        with pytest.MonkeyPatch.context() as patch:
            family = entry(name).family if not name.endswith(".model") else "mace"
            folder, python = installed(FAMILIES[family].environment)
            patch.setattr(environment, "environments_folder", lambda: folder)
            patch.setenv("MLIP_DASHBOARD_HOME", str(home))
            if name.endswith(".model"):
                (home / "models").mkdir(exist_ok=True)
                with FileLock(folder / "training"):
                    if not (folder / name).is_file():
                        train_mace(python, folder / name)
                shutil.copy(folder / name, home / "models")
            return mlip.load_model(name, **settings)

    return load


def train_mace(python, path):
    environment = {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run([python, "-I", HERE / "train_small_mace.py", path], env=environment, check=True, capture_output=True)


def questions(model):
    """What has one question to the process for each of its forward calls: serve_own.py fails if a question takes more."""

    def register_forward_hook(hook):
        patch = pytest.MonkeyPatch()
        ask = Process.ask
        patch.setattr(Process, "ask", lambda *given: (hook(), ask(*given))[1])
        return SimpleNamespace(remove=patch.undo)

    return SimpleNamespace(register_forward_hook=register_forward_hook)


network, embedding = attrgetter("_network"), attrgetter("_network.atom_embedding")
"""What runs once a forward call: most networks as a whole, CHGNet's at the embedding of its atoms."""

CASES = {
    "emt": (lambda folder: mlip.from_ase(EMT(), name="EMT"), None),
    "chgnet": (lambda folder: mlip.load_model("chgnet"), embedding),
    "sevennet-0": (lambda folder: mlip.load_model("sevennet-0", dtype="float64"), network),
    "sevennet-0-float32": (lambda folder: mlip.load_model("sevennet-0", dtype="float32"), network),
    "pt-conservative": (
        lambda folder: mlip.load_model(folder / "tiny.pt", forces="conservative", dtype="float64"),
        network,
    ),
    "pt-direct": (lambda folder: mlip.load_model(folder / "tiny.pt", forces="direct", dtype="float64"), network),
    "ckpt-conservative": (
        lambda folder: mlip.load_model(folder / "tiny.ckpt", forces="conservative", dtype="float64"),
        network,
    ),
    "ckpt-direct": (lambda folder: mlip.load_model(folder / "tiny.ckpt", forces="direct", dtype="float64"), network),
    "pet-demo-direct": (lambda folder: mlip.load_model("pet-demo", forces="direct", dtype="float64"), network),
    "pet-demo-conservative": (
        lambda folder: mlip.load_model("pet-demo", forces="conservative", dtype="float64"),
        network,
    ),
    "soap-demo": (lambda folder: mlip.load_model("soap-demo", dtype="float64"), network),
    "pet-demo-float32": (lambda folder: mlip.load_model("pet-demo", forces="conservative", dtype="float32"), network),
    "soap-demo-float32": (lambda folder: mlip.load_model("soap-demo", dtype="float32"), network),
    "chgnet-0.2.0": (lambda folder: mlip.load_model("chgnet-0.2.0"), embedding),
    "chgnet-r2scan": (lambda folder: mlip.load_model("chgnet-r2scan"), embedding),
    "sevennet-l3i5": (lambda folder: mlip.load_model("sevennet-l3i5"), network),
    "sevennet-0-may2024": (lambda folder: mlip.load_model("sevennet-0-may2024"), network),
    "sevennet-mf-0-pbe": (lambda folder: mlip.load_model("sevennet-mf-0-pbe"), network),
    "sevennet-mf-0-r2scan": (lambda folder: mlip.load_model("sevennet-mf-0-r2scan", dtype="float64"), network),
    "elsewhere-emt": (lambda own: own.load("emt", serves="serve_emt.py"), None),
    "elsewhere-pet-demo": (lambda own: own.load("pet-demo", serves="serve_own.py", forces="direct"), questions),
    "installed-mace": (lambda load: load("small.model"), questions),
    "installed-mace-float32": (lambda load: load("small.model", dtype="float32"), questions),
    "installed-diep": (lambda load: load("diep", dtype="float64"), questions),
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
SLOW |= {name for name in CASES if name.startswith("installed-")}
GIVEN = {
    "pt-": "tiny_pet",
    "ckpt-": "tiny_pet",
    "elsewhere-": "own_families",
    "installed-": "load_installed",
}
"""Fixtures that the loading of a case is given, by how its name begins."""


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in CASES]
)
def case(request):
    load, counted = CASES[request.param]
    wanted = next((fixture for start, fixture in GIVEN.items() if request.param.startswith(start)), None)
    given = None if wanted is None else request.getfixturevalue(wanted)
    return Case(lambda: load(given), counted, "Mg" if "-demo" in request.param else "Cu")


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
