import hashlib
import io
import json
import os
import subprocess
import sys
import sysconfig
from functools import cache
from importlib.metadata import version
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch comes: two that both use all cores wait for one another
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from filelock import FileLock

hypothesis.settings.register_profile("guard", derandomize=True, database=None)
if os.environ.get("CI"):  # main is guarded by the same cases every time; new ones are looked for elsewhere
    hypothesis.settings.load_profile("guard")


def pytest_terminal_summary(terminalreporter):
    """Where nobody watches, a test that did not run is a failure."""
    skipped = terminalreporter.stats.get("skipped", [])
    if os.environ.get("CI") and skipped:
        terminalreporter.write_line(f"{len(skipped)} tests were skipped where none may be", red=True)
        terminalreporter._session.exitstatus = 1


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty data folder of its own."""
    monkeypatch.setenv("MLIP_DASHBOARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def toy_hub(tmp_path, monkeypatch):
    """Put a hub of this machine with the files given in the place of the real one, and an empty cache in that of the user's."""
    from huggingface_hub import constants

    from tests.toy_hub import Hub

    opened = []

    def open_hub(files):
        hub = Hub(files)
        opened.append(hub)
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        return hub

    yield open_hub
    for hub in opened:
        hub.stop()


QUICK = {
    "phonons": {"supercell_matrix": (2, 2, 2), "mesh": (3, 3, 3), "n_qpoints": 20},
    "correction_cost": {"grids": ("none", "tetrahedral"), "n_probes": 2},
    "conservation": {"picoseconds": 0.02},
    "passport": {"n_directions": 1},
    "lambench": {"picoseconds": 0.02},
    "speed": {"n_atoms": (4, 32), "repeats": 2, "batch": 2},
    "distillation": {"n_structures": 4, "epochs": 1},
}
"""Settings of those calculations that take long with their own."""


@pytest.fixture(scope="session")
def labelled_file():
    """Extended XYZ of rattled Al and Cu with EMT's energies and stresses, and forces that are a tenth too large."""
    frames = [bulk(symbol, cubic=True) for symbol in ("Al", "Cu", "Al", "Cu")]
    for seed, atoms in enumerate(frames):
        atoms.rattle(0.05, seed=seed)
        atoms.info["half"] = ("first", "second")[seed // 2]
        atoms.calc = EMT()
        forces = 1.1 * atoms.get_forces()
        labels = {"energy": atoms.get_potential_energy(), "forces": forces, "stress": atoms.get_stress()}
        atoms.calc = SinglePointCalculator(atoms, **labels)
    text = io.StringIO()
    write(text, frames, format="extxyz")
    return text.getvalue().encode()


@pytest.fixture(scope="session")
def labelled(labelled_file, tmp_path_factory):
    """The labelled structures as a data set."""
    from mlip_core.datasets.shelf import Shelf

    shelf = Shelf(tmp_path_factory.mktemp("labelled"))
    return shelf.open(shelf.bring(labelled_file, "labelled.extxyz"))


@pytest.fixture(scope="session")
def answer(labelled, tmp_path_factory):
    """Answer a calculation, as it declares itself, with EMT: of a small crystal or a small data set. Each once."""
    import mlip_core as mlip
    from mlip_core.calculations import CALCULATIONS
    from mlip_core.progress import silent

    model = mlip.from_ase(EMT(), name="EMT")
    model.identity = "EMT"
    crystal = bulk("Al", a=4.0, cubic=True)

    @cache
    def answered(name):
        calculation = CALCULATIONS[name]
        subject = labelled if calculation.subject == "data set" else crystal
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLIP_DASHBOARD_HOME", str(tmp_path_factory.mktemp("answered")))
            return calculation.function(subject, model, calculation.settings(**QUICK.get(name, {})), progress=silent)

    return answered


@pytest.fixture(scope="session")
def tiny_pet(request, tmp_path_factory):
    """Folder with ``tiny.pt`` and ``tiny.ckpt``: a real PET for Al and Cu with both heads, hardly trained.

    Trained once for each version of metatrain and of the script, and kept in pytest's cache.
    """
    script = Path(__file__).parent / "models" / "train_tiny_pet.py"
    key = hashlib.sha256(script.read_bytes() + version("metatrain").encode()).hexdigest()[:12]
    kept = Path(request.config.cache.mkdir(f"tiny-pet-{key}"))
    with FileLock(kept / "lock"):
        if not (kept / "tiny.pt").is_file():
            folder = tmp_path_factory.mktemp("tiny-pet")
            subprocess.run([sys.executable, script, folder], check=True, capture_output=True, cwd=folder)
            for name in ("tiny.ckpt", "tiny.pt"):
                (folder / name).rename(kept / name)
    return kept


class OwnFamilies:
    """Families that this interpreter itself serves, in a process of its own, as if they needed an environment."""

    def __init__(self, folder):
        self.folder = folder

    def load(self, name, *, serves, forces="conservative", dtype="float64", **fields):
        from mlip_core.models.catalogue import Entry
        from mlip_core.models.environments.client import EnvironmentModel

        item = Entry(**{"name": name, "title": name, "family": "own", "weights": "cache", **fields})
        with pytest.MonkeyPatch.context() as patch:
            self.enter(patch, serves)
            return EnvironmentModel(item, forces=forces, dtype=dtype, device="cpu")

    def enter(self, patch, serves):
        """For the time of a patch: the family "own", and its environment made of what is installed here."""
        from mlip_core.models.catalogue import ELSEWHERE, FAMILIES, Family
        from mlip_core.models.environments import environment
        from mlip_core.models.environments.recipes import RECIPES, Recipe

        path = Path(__file__).parent / "models" / "environments" / serves
        patch.setattr(environment, "environments_folder", lambda: self.folder)
        patch.setitem(RECIPES, "own", Recipe("own", "Own", (), "ase", path))
        patch.setitem(FAMILIES, "own", Family(ELSEWHERE, ("ase",), "ase", "own"))
        here = environment.Environment(RECIPES["own"])
        here.folder.mkdir(parents=True, exist_ok=True)
        here.manifest.write_text(json.dumps({"python": sys.executable, "places": [sysconfig.get_path("purelib")]}))


@pytest.fixture(scope="session")
def own_families(tmp_path_factory):
    return OwnFamilies(tmp_path_factory.mktemp("environments"))
