import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_numbers as z

from mlip_core.assets import asset
from mlip_core.errors import ModelError, SettingsError
from mlip_core.models import load_model
from mlip_core.models.loading import quiet
from mlip_core.training.settings import read_settings
from mlip_core.training.train import metatrain_options
from mlip_core.training.transplant import atom_energies, read_export, similar_element, stand_in, transplant

START = asset("models", "pet-demo.pt")
KNOWN = [z[symbol] for symbol in ("C", "O", "Na", "Mg", "Al", "Si", "Cl")]


@pytest.mark.parametrize(
    ("new", "origin"),
    [
        ("Ge", "Si"),
        ("H", "C"),
        ("Ga", "Al"),
        ("K", "Na"),
        ("Ca", "Mg"),
        ("Ba", "Mg"),
        ("F", "Cl"),
        ("Br", "Cl"),
        ("N", "O"),
        ("Si", "Si"),
    ],
)
def test_a_new_element_begins_as_its_neighbour_in_the_periodic_table(new, origin):
    assert similar_element(z[new], KNOWN) == z[origin]


def test_an_element_without_an_electronegativity_begins_somewhere_too():
    assert similar_element(z["Ar"], KNOWN) in KNOWN


def labelled(symbols, energy):
    atoms = Atoms(symbols, positions=2.0 * np.arange(len(Atoms(symbols)))[:, None] * np.eye(3)[0])
    atoms.info["REF_energy"] = energy
    return atoms


def test_energies_of_new_atoms_are_what_the_transplanted_model_lacks():
    """A model that says −1 eV beyond its single atoms for every structure; Ga and As begin as Al and Si."""
    old = {z["Al"]: -3.0, z["Si"]: -5.0, z["O"]: -7.0}
    origin = {z["Al"]: z["Al"], z["O"]: z["O"], z["Ga"]: z["Al"], z["As"]: z["Si"]}
    sound = {"Ga": -2.5, "As": -4.5, "O": -7.0}
    structures, predicted = [], []
    for symbols in ("GaAs", "Ga2O3", "As2O3"):
        atoms = Atoms(symbols).get_chemical_symbols()
        structures.append(labelled(symbols, -1.0 + sum(sound[symbol] for symbol in atoms)))
        predicted.append(-1.0 + sum(old[origin[z[symbol]]] for symbol in atoms))
    found = atom_energies(structures, predicted, old, origin)
    assert found == pytest.approx({z["Al"]: -3.0, z["O"]: -7.0, z["Ga"]: -2.5, z["As"]: -4.5})


def test_an_element_without_a_label_is_named():
    origin = {z["Ga"]: z["Al"], z["Fe"]: z["Al"]}
    with pytest.raises(SettingsError, match="no labelled structure holds Fe"):
        atom_energies([labelled("Ga", -1.0)], [-1.0], {z["Al"]: -3.0}, origin)


def test_what_is_no_exported_pet_is_refused(tmp_path):
    with pytest.raises(ModelError, match="is not a PET that metatrain exported"):
        read_export(asset("models", "soap-demo.pt"))
    (tmp_path / "words.pt").write_text("not a model")
    with pytest.raises(ModelError, match="is not a PET that metatrain exported"):
        read_export(tmp_path / "words.pt")


def options(**changes):
    stage = read_settings(asset("models", "pet-demo.settings.yaml")).stages[-1]
    found = metatrain_options(stage, START.parent, None)
    found["architecture"]["model"] |= changes
    return found


def gallium_arsenide():
    atoms = bulk("GaAs", "zincblende", a=5.7) * (2, 1, 1)
    atoms.rattle(0.05, seed=0)
    atoms.info["REF_energy"] = -17.0
    return atoms


def test_another_architecture_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="another architecture"):
        transplant(START, options(d_pet=32), [gallium_arsenide()], tmp_path / "start.ckpt")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """The checkpoint that knows Ga and As too, exported as metatrain would after a training of no steps."""
    from metatrain.utils.io import model_from_checkpoint

    folder = tmp_path_factory.mktemp("grown")
    origin = transplant(START, options(), [gallium_arsenide()], folder / "start.ckpt")
    with quiet():
        import torch

        checkpoint = torch.load(folder / "start.ckpt", weights_only=False)
        model_from_checkpoint(checkpoint, context="finetune").export().save(folder / "grown.pt")
    return folder / "grown.pt", origin


@pytest.mark.parametrize("forces", ["direct", "conservative"])
def test_known_elements_are_answered_as_before(grown, forces):
    atoms = bulk("SiC", "zincblende", a=4.4) * (2, 1, 1)
    atoms.rattle(0.1, seed=1)
    before, after = (load_model(path, forces=forces).predict([atoms])[0] for path in (START, grown[0]))
    assert after.energy == pytest.approx(before.energy, abs=1e-5)
    np.testing.assert_allclose(after.forces, before.forces, atol=1e-5)
    np.testing.assert_allclose(after.stress, before.stress, atol=1e-6)


@pytest.mark.parametrize("forces", ["direct", "conservative"])
def test_new_elements_are_answered_as_those_they_begin_from_with_an_energy_of_their_own(grown, forces):
    path, origin = grown
    assert {origin[z["Ga"]], origin[z["As"]]} <= set(KNOWN)
    atoms = gallium_arsenide()
    after = load_model(path, forces=forces).predict([atoms])[0]
    before = load_model(START, forces=forces).predict([stand_in(atoms, origin)])[0]
    np.testing.assert_allclose(after.forces, before.forces, atol=1e-5)
    assert after.energy == pytest.approx(-17.0, abs=1e-4)
    assert before.energy != pytest.approx(-17.0, abs=0.1)
