"""What single families do differently, against other codes and by hand."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.data import chemical_symbols

import mlip_core as mlip
from mlip_core.errors import ModelError, SettingsError
from mlip_core.models.catalogue import catalogue, entry
from mlip_core.models.loading import quiet, torch_as_it_was


@pytest.fixture
def other_calculator(tiny_pet):
    """metatomic's own calculator over the same file."""

    def make(**settings):
        with quiet():
            from metatomic_ase import MetatomicCalculator

            return MetatomicCalculator(tiny_pet / "tiny.pt", device="cpu", **settings)

    return make


def test_a_direct_head_keeps_its_net_force_which_metatomics_calculator_hides(tiny_pet, crystal, other_calculator):
    ours = mlip.load_model(tiny_pet / "tiny.pt", forces="direct", dtype="float64").predict([crystal])[0]
    crystal.calc = other_calculator(non_conservative=True)
    theirs = crystal.get_forces()
    assert np.abs(theirs.sum(axis=0)).max() < 1e-12
    assert np.abs(ours.forces.sum(axis=0)).max() > 1e-3
    np.testing.assert_allclose(ours.forces - ours.forces.mean(axis=0), theirs, atol=1e-10)
    np.testing.assert_allclose(ours.stress, crystal.get_stress(voigt=False), atol=1e-10)


def test_conservative_pet_equals_metatomics_calculator(tiny_pet, crystal, other_calculator):
    ours = mlip.load_model(tiny_pet / "tiny.pt", forces="conservative", dtype="float64").predict([crystal])[0]
    crystal.calc = other_calculator()
    assert ours.energy == pytest.approx(crystal.get_potential_energy(), rel=1e-10)
    np.testing.assert_allclose(ours.forces, crystal.get_forces(), atol=1e-10)
    np.testing.assert_allclose(ours.stress, crystal.get_stress(voigt=False), atol=1e-10)


@pytest.mark.parametrize("forces", ["direct", "conservative"])
def test_a_checkpoint_equals_its_export(tiny_pet, structures, forces):
    one, two = (
        mlip.load_model(tiny_pet / name, forces=forces, dtype="float64").predict(structures)
        for name in ("tiny.pt", "tiny.ckpt")
    )
    for here, there in zip(one, two, strict=True):
        assert here.energy == pytest.approx(there.energy, rel=1e-10)
        np.testing.assert_allclose(here.forces, there.forces, atol=1e-10)


@pytest.mark.parametrize("name", ["sevennet-0", "sevennet-mf-0-r2scan", "tiny.pt"])
def test_float64_computes_in_float64(tiny_pet, name, crystal):
    """A step of 1e-5 Å is far below what float32 resolves in the energy."""
    moved = crystal.copy()
    moved.positions[0] += 1e-5
    source = tiny_pet / name if name.endswith(".pt") else name
    errors = {}
    for dtype in ("float64", "float32"):
        model = mlip.load_model(source, forces="conservative", dtype=dtype)
        before, after = model.predict([crystal, moved])
        work = -(before.forces + after.forces)[0].sum() / 2 * 1e-5
        errors[dtype] = abs(after.energy - before.energy - work) / abs(work)
    assert errors["float64"] < 1e-3 < errors["float32"]


def test_loading_sevennet_leaves_torch_as_it_was():
    """torch_geometric puts Python functions in their place, after which no metatomic model can be compiled."""
    mlip.load_model("sevennet-0")
    assert "torch_geometric" in sys.modules
    assert not inspect.isfunction(torch.index_select)
    assert not inspect.isfunction(torch.select)


def test_chgnet_equals_its_own_calculator(crystal):
    with quiet():
        from chgnet.model.dynamics import CHGNetCalculator

        calculator = CHGNetCalculator(use_device="cpu")
    ours = mlip.load_model("chgnet").predict([crystal])[0]
    with quiet():
        calculator.calculate(crystal)
    assert ours.energy == pytest.approx(calculator.results["energy"], rel=1e-6)
    np.testing.assert_allclose(ours.forces, calculator.results["forces"], atol=1e-5)
    np.testing.assert_allclose(ours.stress, calculator.results["stress"], atol=1e-6)


@pytest.mark.parametrize("name", ["chgnet", "chgnet-0.2.0"])
def test_the_energy_jumps_at_the_bond_cutoff_only_where_the_catalogue_says_so(name):
    distances = np.arange(2.9, 3.3, 0.01)
    trimers = [Atoms("Si3", [[0, 0, 0], [2.3, 0, 0], [-0.6 * d, 0.8 * d, 0]]) for d in distances]
    model = mlip.load_model(name)
    steps = np.diff([answer.energy for answer in model.predict(trimers)])
    jump = np.abs(steps[1:-1] - (steps[:-2] + steps[2:]) / 2).max()
    assert (jump < 1e-3) == model.claims.smooth
    assert model.claims.smooth or jump > 0.1


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("sevennet-0", {"model": "7net-0"}),
        pytest.param("sevennet-0-may2024", {"model": "7net-0_22May2024"}, marks=pytest.mark.slow),
        ("sevennet-mf-0-pbe", {"model": "7net-mf-0", "modal": "PBE"}),
        pytest.param("sevennet-mf-0-r2scan", {"model": "7net-mf-0", "modal": "R2SCAN"}, marks=pytest.mark.slow),
    ],
)
def test_sevennet_equals_its_own_calculator(name, theirs, crystal):
    with quiet(), torch_as_it_was():
        from sevenn.calculator import SevenNetCalculator

        crystal.calc = SevenNetCalculator(**theirs, device="cpu")
    ours = mlip.load_model(name, dtype="float32").predict([crystal])[0]
    assert ours.energy == pytest.approx(crystal.get_potential_energy(), rel=1e-6)
    np.testing.assert_allclose(ours.forces, crystal.get_forces(), atol=1e-5)
    np.testing.assert_allclose(ours.stress, crystal.get_stress(voigt=False), atol=1e-6)


def test_two_functionals_of_one_network_differ_in_a_batch_and_in_their_keys(crystal, metal):
    names = ("sevennet-mf-0-pbe", "sevennet-mf-0-r2scan")
    one, other = (mlip.load_model(name).predict([crystal, metal]) for name in names)
    for pbe, r2scan in zip(one, other, strict=True):
        assert abs(pbe.energy - r2scan.energy) > 1
        assert np.abs(pbe.forces - r2scan.forces).max() > 1e-3
    first, second = (entry(name).identity() for name in names)
    assert first.pop("modal") == "PBE"
    assert second.pop("modal") == "R2SCAN"
    assert first == second


def test_a_molecule_in_chgnets_box_does_not_meet_its_images(molecule):
    model = mlip.load_model("chgnet")
    boxed = molecule.copy()
    boxed.set_cell([30, 30, 30])
    boxed.pbc = True
    here, there = model.predict([molecule, boxed])
    assert here.energy == pytest.approx(there.energy, abs=1e-5)
    np.testing.assert_allclose(here.forces, there.forces, atol=1e-5)


def test_a_slab_feels_no_images_across_its_open_direction():
    model = mlip.load_model("chgnet")
    slab = bulk("Al", cubic=True)
    slab.pbc = [True, True, False]
    wide = slab.copy()
    wide.set_cell(slab.cell.array * [[1], [1], [6]])
    wide.pbc = True
    here, there = model.predict([slab, wide])
    assert here.energy == pytest.approx(there.energy, abs=1e-5)
    assert here.stress is None


@pytest.fixture(scope="module")
def charged(tmp_path_factory):
    """File of a model whose energy is the structure's charge plus the sum of z (eV)."""
    path = tmp_path_factory.mktemp("toy") / "charged.pt"
    script = Path(__file__).parent / "export_charged_model.py"
    subprocess.run([sys.executable, script, path], check=True, capture_output=True)
    return path


def test_a_model_that_asks_for_the_charge_gets_it(charged, molecule):
    model = mlip.load_model(charged, dtype="float64")
    height = molecule.positions[:, 2].sum()
    ion = molecule.copy()
    ion.info["charge"] = -2
    neutral, charged = model.predict([molecule, ion])
    assert neutral.energy == pytest.approx(height)
    assert charged.energy == pytest.approx(height - 2)
    np.testing.assert_allclose(charged.forces, [[0, 0, -1]] * 3)


def test_a_file_without_a_head_for_forces_says_so(charged):
    with pytest.raises(SettingsError, match="conservative"):
        mlip.load_model(charged, forces="direct")


def test_catalogue_and_models_agree_on_elements():
    here = [item for item in catalogue() if item.weights == "bundled" and item.available()]
    for item in [entry("chgnet"), entry("sevennet-0"), *here]:
        assert {chemical_symbols[z] for z in mlip.load_model(item.name).elements} == set(item.elements), item.name


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "chgnet-0.2.0",
        "chgnet-r2scan",
        "sevennet-l3i5",
        "sevennet-0-may2024",
        "sevennet-mf-0-pbe",
        "sevennet-mf-0-r2scan",
    ],
)
def test_catalogue_and_further_models_agree_on_elements(name):
    assert {chemical_symbols[z] for z in mlip.load_model(name).elements} == set(entry(name).elements)


def test_an_ase_calculator_is_used_as_it_is(metal):
    calculator = EMT()
    model = mlip.from_ase(calculator, name="EMT")
    answer = model.predict([metal])[0]
    metal.calc = EMT()
    assert answer.energy == pytest.approx(metal.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(answer.forces, metal.get_forces(), atol=1e-12)
    np.testing.assert_allclose(answer.stress, metal.get_stress(voigt=False), atol=1e-12)
    assert calculator.atoms is not None


def test_an_ase_calculator_without_stress_gives_none(molecule):
    class NoStress(LennardJones):
        def get_property(self, name, atoms=None, allow_calculation=True):
            if name == "stress":
                raise NotImplementedError
            return super().get_property(name, atoms, allow_calculation)

    molecule.set_cell([20, 20, 20])
    molecule.pbc = True
    assert mlip.from_ase(NoStress(), name="LJ").predict([molecule])[0].stress is None


def test_what_an_ase_calculator_raises_becomes_a_model_error_with_its_cause():
    with pytest.raises(ModelError, match="EMT cannot answer for Rn") as caught:
        mlip.from_ase(EMT(), name="EMT").predict([bulk("Rn", "fcc", a=5.0)])
    assert isinstance(caught.value.__cause__, NotImplementedError)
