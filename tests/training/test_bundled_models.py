"""What ships under assets/models: every file loads, and does what its card says."""

import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.build import bulk

from mlip_core.assets import asset
from mlip_core.errors import ModelError
from mlip_core.models import load_model
from mlip_core.training.accuracy import accuracy, heads_difference
from mlip_core.training.archive import read_archive
from mlip_core.training.card import domain, file_hash
from mlip_core.training.evaluate import handful
from mlip_core.training.export import LARGEST

MODELS = ("pet-demo", "soap-demo")
MODES = [("pet-demo", "direct"), ("pet-demo", "conservative"), ("soap-demo", "conservative")]


def card(name):
    return yaml.safe_load(asset("models", f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def labelled():
    return read_archive(asset("models", "labels.extxyz.xz"))


def test_the_archive_holds_what_the_cards_count_and_splits_share_no_parent(labelled):
    homes = {}
    for atoms in labelled:
        homes.setdefault(atoms.info["parent"], set()).add(atoms.info["split"])
    assert all(len(splits) == 1 for splits in homes.values())
    for name in MODELS:
        found = card(name)
        assert sum(found["data"]["structures"].values()) == len(labelled)
        assert found["domain"]["elements"] == domain(labelled)["elements"]


@pytest.mark.parametrize("name", MODELS)
def test_the_card_is_of_this_file_and_small_enough(name):
    path = asset("models", f"{name}.pt")
    assert card(name)["sha256"] == file_hash(path)
    assert path.stat().st_size <= LARGEST


@pytest.mark.parametrize(("name", "forces"), MODES)
def test_bundled_models_cover_their_elements_and_refuse_others(name, forces):
    model = load_model(name, forces=forces)
    symbols = card(name)["domain"]["elements"]
    atoms = bulk("NaCl", "rocksalt", a=5.7) * (1, 1, 2)
    assert np.isfinite(model.predict([atoms])[0].forces).all()
    assert model.elements == frozenset(Atoms(symbols).numbers)
    with pytest.raises(ModelError, match="does not cover Fe"):
        model.predict([bulk("Fe")])


def test_the_heads_differ_by_what_the_card_says(labelled):
    stated = card("pet-demo")["heads"]
    chosen = handful([atoms for atoms in labelled if atoms.info["split"] == "test"])
    assert [atoms.info["id"] for atoms in chosen] == stated["ids"]
    direct, conservative = (load_model("pet-demo", forces=mode) for mode in ("direct", "conservative"))
    found = 1e3 * heads_difference(chosen, direct, conservative)
    assert found == pytest.approx(stated["force_difference_rms"], rel=2e-3)
    assert found > 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "forces"), MODES)
def test_the_errors_on_the_test_split_are_the_cards(labelled, name, forces):
    test = [atoms for atoms in labelled if atoms.info["split"] == "test"]
    found = accuracy(test, load_model(name, forces=forces, dtype="float32").predict(test))
    stated = card(name)["forces"][forces]["test"]
    for key in ("energy_mae", "force_mae", "force_rmse", "stress_mae"):
        assert found[key] == pytest.approx(stated[key], rel=5e-3)
    for crystal, entry in stated["by_crystal"].items():
        assert found["by_crystal"][crystal]["relative_mae"] == pytest.approx(entry["relative_mae"], rel=5e-3)
