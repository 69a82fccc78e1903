import ast
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

import mlip_core as mlip
from mlip_core.configuration import Configuration
from mlip_core.errors import ModelError, SettingsError
from mlip_core.home import models_folder
from mlip_core.models.catalogue import FAMILIES, catalogue, entry
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
    for name in ("chgnet", "chgnet-0.2.0", "chgnet-r2scan", "sevennet-0", "sevennet-l3i5"):
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


def test_a_hub_that_cannot_be_reached_is_told_with_the_way_round(monkeypatch):
    import upet

    def offline(**_):
        raise ConnectionError("no route")

    monkeypatch.setattr(upet, "get_upet", offline)
    with pytest.raises(
        ModelError, match=r"pet-oam-xl-v<version>\.ckpt into .*could not be reached.*no route"
    ) as caught:
        mlip.load_model("pet-oam-xl")
    assert isinstance(caught.value.__cause__, ConnectionError)


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
