"""Families that were really installed, against other codes and what their makers say."""

import subprocess
import time

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

import mlip_core as mlip
from mlip_core.errors import ModelError
from mlip_core.models.environments import process
from mlip_core.models.environments.recipes import SERVED
from mlip_core.structures import library_structure

pytestmark = pytest.mark.slow
COUNT = SERVED.parents[3] / "tests" / "models" / "environments" / "count_passes.py"


@pytest.fixture(autouse=True)
def _fresh():
    yield
    process.stop_all()


def run(python, *words):
    done = subprocess.run([python, "-I", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize(("family", "name", "file"), [("mace", "small.model", "small.model"), ("diep", "diep", "")])
def test_a_list_goes_through_the_network_at_once(installed, load_installed, family, name, file):
    load_installed(name)  # trains and keeps the small one
    folder, python = installed(family)
    told = run(python, COUNT, str(SERVED), f"{family}.py", name, file and str(folder / file))
    assert told.splitlines()[-1] == "3 1"


def test_mace_equals_its_own_calculator(installed, load_installed):
    """On a rattled slab: its periodicity, and the order of the stress."""
    model = load_installed("small.model")
    folder, python = installed("mace")
    slab = bulk("Al", cubic=True)
    slab.rattle(0.1, seed=3)
    code = f"""
import numpy as np
from mace.calculators import MACECalculator
from ase import Atoms
atoms = Atoms("Al4", {slab.positions.tolist()}, cell={slab.cell.array.tolist()}, pbc=True)
atoms.calc = MACECalculator({str(folder / "small.model")!r}, default_dtype="float64")
print(repr([atoms.get_potential_energy(), atoms.get_forces().tolist(), atoms.get_stress(voigt=False).tolist()]))
"""
    energy, forces, stress = eval(run(python, "-c", code).splitlines()[-1])
    answer = model.predict([slab])[0]
    assert answer.energy == pytest.approx(energy, rel=1e-12)
    np.testing.assert_allclose(answer.forces, forces, atol=1e-12)
    np.testing.assert_allclose(answer.stress, stress, atol=1e-12)


def test_a_small_mace_relaxes_copper_and_has_its_phonons(load_installed):
    """It learned EMT for a minute: its crystal is near EMT's, by every step of the way through the process."""
    found = {}
    for name, model in (("mace", load_installed("small.model")), ("emt", mlip.from_ase(EMT(), name="EMT"))):
        settings = mlip.RelaxationSettings(fmax=1e-4, cell="full")
        relaxed = mlip.relax(bulk("Cu", a=3.65), model, settings)
        assert relaxed.converged
        settings = mlip.PhononSettings(supercell_matrix=(3, 3, 3), mesh=(4, 4, 4), n_qpoints=40)
        phonons = mlip.phonons(relaxed.structure, model, settings)
        found[name] = relaxed.structure.get_volume() ** (1 / 3), phonons.band_structure.frequencies.max()
    assert found["mace"][0] == pytest.approx(found["emt"][0], rel=0.02)
    assert found["mace"][1] == pytest.approx(found["emt"][1], rel=0.15)


def test_the_names_are_those_of_mace_and_its_cache(installed):
    """Each foundation model is one of mace_mp's, and lies where the catalogue looks for it once it was downloaded."""
    _, python = installed("mace")
    code = "from mace.calculators.foundations_models import mace_mp_urls; print(repr(mace_mp_urls))"
    urls = eval(run(python, "-c", code).splitlines()[-1])
    source = (SERVED / "mace.py").read_text()
    names = eval(source[source.index("NAMES = {") + 8 : source.index("}\n") + 1])
    listed = {item.name: item.file for item in mlip.catalogue() if item.family == "mace" and item.weights == "cache"}
    assert set(names) == set(listed)
    for name, theirs in names.items():
        cached = "".join(letter for letter in urls[theirs].rsplit("/", 1)[-1] if letter.isalnum() or letter in "_")
        assert listed[name] == f"mace/{cached}"


def test_without_a_network_a_foundation_model_says_so_within_seconds(load_installed, monkeypatch):
    load_installed("small.model")  # the process is warm
    process.stop_all()
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # where nobody listens
    load_installed("small.model")
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"mace-mp-0-small is to be downloaded from .*, which does not answer\."):
        load_installed("mace-mp-0-small")
    assert time.monotonic() - began < 20


def test_the_passport_finds_that_diep_is_not_smooth(load_installed):
    """As its makers say. Everything else it keeps."""
    found = mlip.passport(library_structure("si"), load_installed("diep", dtype="float64"))
    assert found.law("smooth").kept is False
    assert found.law("smooth").claimed is False
    for name in ("rotation", "inversion", "translation", "conservative"):
        assert found.law(name).kept is True
