import ast
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from ase.build import bulk
from ase.data import chemical_symbols

import mlip_core as mlip
from mlip_core.configuration import Configuration
from mlip_core.errors import ModelError, SettingsError
from mlip_core.home import models_folder
from mlip_core.models.catalogue import FAMILIES, catalogue, entry
from mlip_core.models.checkpoint import contents
from mlip_core.models.loading import quiet
from mlip_core.symmetry.corrections import Corrections

HEAVY = {"torch", "chgnet", "sevenn", "metatomic", "metatensor", "metatrain", "upet", "pymatgen", "phonopy"}


@pytest.fixture(autouse=True)
def _own_home(home):
    """No test reads or writes the data folder of the person who runs it."""


def test_the_names_that_were_promised_are_there():
    names = [item.name for item in catalogue()]
    assert {"chgnet", "chgnet-0.2.0", "chgnet-r2scan", "sevennet-0", "sevennet-l3i5", "pet-demo", "soap-demo"} <= set(
        names
    )
    assert len(names) == len(set(names))
    assert {item.family for item in catalogue()} == set(FAMILIES)


def test_every_upet_name_is_as_upet_spells_it():
    source = Path(find_spec("upet").submodule_search_locations[0], "_version.py").read_text()
    assigned = next(
        node
        for node in ast.walk(ast.parse(source))
        if getattr(getattr(node, "target", None), "id", "") == "UPET_AVAILABLE_MODELS"
        or "UPET_AVAILABLE_MODELS" in [getattr(name, "id", "") for name in getattr(node, "targets", [])]
    )
    assert {item.name for item in catalogue() if item.family == "upet"} == set(ast.literal_eval(assigned.value))


def test_listing_and_identifying_models_imports_none_of_them():
    code = f"""
import sys
from mlip_core.configuration import Configuration
from mlip_core.models.catalogue import catalogue
for item in catalogue():
    item.available(), item.missing(), Configuration(model=item.name).identity()
print(*sorted(set(sys.modules) & {HEAVY!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == ""


def test_what_lies_in_the_models_folder_is_in_the_catalogue():
    (models_folder() / "mine.pt").write_bytes(b"1")
    (models_folder() / "mine.txt").write_bytes(b"1")
    (models_folder() / "pet-mad-s-v1.0.2.ckpt").write_bytes(b"1")
    items = {item.name: item for item in catalogue() if item.weights == "folder"}
    assert set(items) == {"mine.pt", "pet-mad-s-v1.0.2.ckpt"}
    assert items["mine.pt"].family == "metatomic"
    assert items["mine.pt"].claims() == replace_all_unknown()
    assert items["pet-mad-s-v1.0.2.ckpt"].title == "PET-MAD S v1.0.2"
    assert items["pet-mad-s-v1.0.2.ckpt"].claims("direct").rotation is False


def test_a_checkpoint_of_any_name_appears_with_the_heads_and_elements_it_has(tiny_pet):
    shutil.copy(tiny_pet / "tiny.ckpt", models_folder() / "PET-MPtrj.ckpt")
    without_force_heads(tiny_pet / "tiny.ckpt", models_folder() / "energies-only.ckpt")
    (models_folder() / "broken.ckpt").write_bytes(b"no archive")
    items = {item.name: item for item in catalogue()}
    assert items["PET-MPtrj.ckpt"].title == "PET-MPtrj"
    assert items["PET-MPtrj.ckpt"].forces == ("conservative", "direct")
    assert items["PET-MPtrj.ckpt"].elements == ("Al", "Cu")
    assert items["energies-only.ckpt"].forces == ("conservative",)
    assert items["broken.ckpt"].forces == ("conservative", "direct")
    for forces in items["PET-MPtrj.ckpt"].forces:
        model = mlip.load_model("PET-MPtrj.ckpt", forces=forces)
        assert {chemical_symbols[z] for z in model.elements} == {"Al", "Cu"}
        assert np.abs(model.predict([bulk("Al", cubic=True)])[0].forces).max() < 100
    with pytest.raises(SettingsError, match="no 'direct' forces"):
        mlip.load_model("energies-only.ckpt", forces="direct")


def without_force_heads(path, target):
    """Forget in a checkpoint that forces were trained directly."""
    with quiet():
        import metatomic.torch  # noqa: F401  its classes are in the file

        checkpoint = torch.load(path, weights_only=False)
    targets = checkpoint["model_data"]["dataset_info"].targets
    for name in [name for name in targets if name.startswith("non_conservative")]:
        del targets[name]
    torch.save(checkpoint, target)


def test_looking_at_a_checkpoint_runs_nothing_of_it(tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    trap = {"model_data": Trap(), "more": [Trap()]}
    with zipfile.ZipFile(tmp_path / "trap.ckpt", "w") as archive:
        archive.writestr("trap/data.pkl", pickle.dumps(trap))
    assert contents(tmp_path / "trap.ckpt") is None
    assert not (tmp_path / "sprung").exists()
    pickle.loads(pickle.dumps(trap["model_data"]))
    assert (tmp_path / "sprung").exists()


def replace_all_unknown():
    return mlip.models.Claims(None, None, None, True)


def test_the_newest_checkpoint_in_the_models_folder_is_what_the_hub_name_means():
    assert entry("pet-mad-s").path() is None
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        (models_folder() / f"pet-mad-s-v{version}.ckpt").write_bytes(version.encode())
    assert entry("pet-mad-s").path() == models_folder() / "pet-mad-s-v1.10.0.ckpt"
    assert entry("pet-mad-s").available()
    assert entry("pet-mad-s").identity()["weights"] == hashlib.sha256(b"1.10.0").hexdigest()


def test_a_model_that_is_not_here_says_which_file_to_put_where():
    item = entry("pet-oam-xl")
    assert not item.available()
    assert str(models_folder()) in item.missing()
    assert "pet-oam-xl-v<version>.ckpt" in item.missing()
    bundled = replace(entry("pet-demo"), file="gone.pt")
    assert not bundled.available()
    assert "gone.pt" in bundled.missing()


def test_packaged_models_are_here():
    packaged = [item.name for item in catalogue() if item.weights == "package" and item.environment is None]
    assert {"sevennet-0-may2024", "sevennet-mf-0-pbe", "sevennet-mf-0-r2scan"} < set(packaged)
    for name in packaged:
        assert entry(name).available()
        assert entry(name).missing() == ""


def test_identity_changes_with_the_content_not_with_the_name(tmp_path):
    one, two = tmp_path / "one.pt", tmp_path / "two.pt"
    one.write_bytes(b"weights")
    two.write_bytes(b"weights")
    first = entry(one).identity()
    assert first == entry(two).identity()
    assert json.loads(json.dumps(first)) == first
    one.write_bytes(b"Weights")
    os.utime(one, ns=(1, 1))
    assert entry(one).identity()["weights"] == hashlib.sha256(b"Weights").hexdigest() != first["weights"]


def test_two_entries_over_one_file_differ_in_the_functional_alone():
    pbe, r2scan = entry("sevennet-mf-0-pbe"), entry("sevennet-mf-0-r2scan")
    assert (pbe.functional, r2scan.functional) == ("PBE(+U), Materials Project", "r2SCAN, Materials Project")
    said = {name: getattr(r2scan, name) for name in ("name", "title", "modal", "functional", "note")}
    assert replace(pbe, **said) == r2scan


def test_identity_names_the_versions_of_what_computes():
    packages = entry("chgnet").identity()["packages"]
    assert set(packages) == {"chgnet", "pymatgen", "torch"}
    assert all(packages.values())


def test_an_unknown_name_suggests_those_that_are_near():
    with pytest.raises(ModelError, match="sevennet-0"):
        entry("sevenet-0")
    with pytest.raises(ModelError, match="no such file"):
        mlip.load_model("models/none.ckpt")


def test_a_file_that_is_no_model_is_refused(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("x")
    with pytest.raises(ModelError, match=r"\.pt"):
        entry(text)
    broken = tmp_path / "broken.pt"
    broken.write_text("x")
    with pytest.raises(ModelError, match=r"broken\.pt cannot be loaded"):
        mlip.load_model(broken)
    broken = tmp_path / "broken.ckpt"
    broken.write_text("x")
    with pytest.raises(ModelError, match=r"broken\.ckpt cannot be loaded"):
        mlip.load_model(broken)


@pytest.mark.parametrize(
    ("settings", "match"),
    [({"forces": "direct"}, "conservative"), ({"dtype": "float64"}, "float32"), ({"device": "abacus"}, "device='cpu'")],
)
def test_what_a_model_does_not_offer_is_said_with_what_it_does(settings, match):
    with pytest.raises((SettingsError, ModelError), match=match):
        mlip.load_model("chgnet", **settings)


def test_a_configuration_is_the_same_whether_its_defaults_are_written_out_or_not():
    plain = Configuration(model="chgnet").identity()
    assert plain == Configuration(model="chgnet", forces="conservative", dtype="float32").identity()
    assert plain != Configuration(model="chgnet-r2scan").identity()
    assert plain != Configuration(model="chgnet", corrections=Corrections(net_force=True)).identity()
    assert Configuration(model="sevennet-0").identity() != Configuration(model="sevennet-0", dtype="float64").identity()
    assert json.loads(json.dumps(plain)) == plain


def test_elements_read_as_written():
    assert entry("pet-spice-s").elements == (
        "H",
        "Li",
        "B",
        "C",
        "N",
        "O",
        "F",
        "Na",
        "Mg",
        "Si",
        "P",
        "S",
        "Cl",
        "K",
        "Ca",
        "Br",
        "I",
    )
    assert len(entry("chgnet").elements) == 89
    assert len(entry("pet-omad-s").elements) == 85
    assert len(entry("pet-mad-s").elements) == 102


def test_a_file_with_a_card_is_called_and_described_by_it(home):
    path = models_folder() / "twin-NaCl-12ab.pt"
    path.write_bytes(b"")
    card = path.with_suffix(".yaml")
    card.write_text(
        "entry: {title: NaCl twin 12ab, elements: [Na, Cl], forces: [direct, conservative], rotation: false}\n"
    )
    item = entry("twin-NaCl-12ab")
    assert item in catalogue()
    assert (item.title, item.elements, item.default_forces) == ("NaCl twin 12ab", ("Na", "Cl"), "direct")
    assert item.claims().rotation is False
    assert item.path() == path
    assert entry(path).name == str(path), "a path keeps its name"


@pytest.mark.parametrize("text", ["entry: {colour: blue}", "entry: 3", ": :", "- 1"])
def test_a_card_that_says_nothing_usable_leaves_a_file_of_ones_own(home, text):
    path = models_folder() / "mine.pt"
    path.write_bytes(b"")
    path.with_suffix(".yaml").write_text(text)
    assert entry("mine.pt").note == "A file of your own."
