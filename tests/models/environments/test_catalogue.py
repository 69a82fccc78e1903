"""What the catalogue says of models that live in environments of their own, made or not."""

import os

import pytest

import mlip_core as mlip
from mlip_core.configuration import Configuration
from mlip_core.errors import ModelError
from mlip_core.home import models_folder
from mlip_core.models.catalogue import Entry, catalogue, entry
from mlip_core.models.environments.recipes import RECIPES, SERVED

ELSEWHERE = ("mace-mp-0-small", "mace-mpa-0-medium", "diep", "orb-v3-direct-inf-omat", "mattersim-v1-1m")


@pytest.fixture(autouse=True)
def _own_home(home):
    """No test reads or writes the data folder of the person who runs it."""


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_not_installed_says_which_command_does_it(name):
    item = entry(name)
    command = f"needs `mlip-dashboard models add {item.family}"
    assert not item.available()
    assert item.needs() == "to be installed"
    assert command in item.missing()
    assert item.claims().conservative is ("direct" not in name)
    with pytest.raises(ModelError, match=f"models add {item.family}"):
        mlip.load_model(name)
    assert Configuration(model=name).identity() == Configuration(model=name).identity()


def test_a_mace_file_in_the_models_folder_is_in_the_catalogue():
    (models_folder() / "mine.model").write_bytes(b"1")
    item = entry("mine.model")
    assert (item.family, item.weights, item.forces) == ("mace", "folder", ("conservative",))
    assert item.claims().rotation is item.claims().inversion is True
    assert item in catalogue()
    assert item.missing().startswith("mine needs `mlip-dashboard models add mace`")


def test_each_recipe_has_a_family_that_answers_and_models():
    environments = {item.environment.recipe.name for item in catalogue() if item.environment is not None}
    assert environments == set(RECIPES)
    for recipe in RECIPES.values():
        assert recipe.serves.parent == SERVED
        assert "def load(asked: Asked) -> Potential:" in recipe.serves.read_text()


def own(**fields):
    return Entry(name="emt", title="EMT", family="own", weights="cache", **fields)


def test_the_identity_names_the_versions_in_that_environment(own_families, monkeypatch, tmp_path):
    own_families.enter(monkeypatch, "serve_emt.py")
    here = own().environment
    about = tmp_path / "ase-99.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ase\nVersion: 99.1\n")
    first = own().identity()
    here.manifest.write_text(here.manifest.read_text().replace('"places": ["', f'"places": ["{tmp_path}", "'))
    assert own().identity()["packages"] == {"ase": "99.1"} != first["packages"]
    here.manifest.unlink()
    assert own().identity()["packages"] == {"ase": ""}


def test_the_identity_changes_with_the_code_that_runs_there(own_families, monkeypatch, tmp_path):
    own_families.enter(monkeypatch, "serve_emt.py")
    served = own().identity()["served"]
    assert {"serve_emt.py", "server.py", "wire.py", "potential.py"} <= set(served)
    assert "mace.py" not in served
    changed = tmp_path / "serve_emt.py"
    changed.write_text(RECIPES["own"].serves.read_text().replace("EMT()", "EMT(asap_cutoff=True)"))
    monkeypatch.setitem(RECIPES, "own", RECIPES["own"]._replace(serves=changed))
    assert own().identity()["served"]["serve_emt.py"] != served["serve_emt.py"]


def test_weights_in_the_cache_of_the_familys_own_package_are_found(own_families, monkeypatch, tmp_path):
    own_families.enter(monkeypatch, "serve_emt.py")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    item, elsewhere = own(file="emt/weights"), own(file="~/.local/weights")
    assert item.needs() == elsewhere.needs() == "to be downloaded"
    assert "its own package downloads it" in item.missing()
    for path in (tmp_path / "emt" / "weights", tmp_path / "person" / ".local" / "weights"):
        os.makedirs(path.parent)
        path.write_bytes(b"1")
    assert item.path() == tmp_path / "emt" / "weights"
    assert item.available()
    assert elsewhere.available()
    assert own(file="").path() is None
