"""A change of code that may change an answer changes the key; a change of words does not."""

import sys
from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

import mlip_core
from mlip_core.calculations import CALCULATIONS
from mlip_core.datasets.read import dataset_of
from mlip_core.keys import _imports, _tree, code_digest, file_digest, modules_behind
from mlip_core.models.ase import AseModel
from mlip_core.models.catalogue import FAMILIES

FILES = {
    "__init__.py": "from toy.work import answer\n",
    "work.py": '"""Work."""\n\nfrom toy.helper import half\n\n\ndef answer(x):\n    """Answer."""\n    return half(x)  # a comment\n',
    "helper.py": "def half(x):\n    return x / 2\n",
    "other.py": "UNUSED = 1\n",
}


@pytest.fixture
def package(tmp_path):
    root = tmp_path / "toy"
    root.mkdir()
    for name, text in FILES.items():
        (root / name).write_text(text)
    return root


def digest_of(root):
    for cached in (code_digest, _tree, _imports, file_digest):
        cached.cache_clear()
    return code_digest("toy.work", root)


def changed(root, name, old, new):
    path = root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return digest_of(root)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("work.py", "half(x)  #", "half(x) + 1  #"),
        ("helper.py", "x / 2", "x / 3"),
        ("helper.py", "def half", "def twice(x):\n    return 2 * x\n\n\ndef half"),
    ],
)
def test_code_that_is_run_counts_directly_or_not(package, name, old, new):
    before = digest_of(package)
    assert changed(package, name, old, new) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("work.py", "# a comment", "# another comment"),
        ("work.py", '"""Answer."""', '"""The answer, in other words."""'),
        ("work.py", "\n\n\ndef", "\n\n\n\n\ndef"),
        ("other.py", "1", "2"),
    ],
)
def test_words_layout_and_what_is_not_imported_do_not(package, name, old, new):
    before = digest_of(package)
    assert changed(package, name, old, new) == before


def test_what_only_a_type_checker_imports_does_not_count(package):
    changed(
        package,
        "work.py",
        "from toy.helper",
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import toy.other\nfrom toy.helper",
    )
    before = digest_of(package)
    assert "toy.other" not in modules_behind("toy.work", package)
    assert changed(package, "other.py", "1", "2") == before


def executed(function, *arguments, **keywords):
    """Modules of the package whose functions ran."""
    root, seen = Path(mlip_core.__file__).parent, set()

    def look(frame, event, _):
        if event == "call" and frame.f_code.co_name != "<module>":
            seen.add(frame.f_code.co_filename)

    sys.setprofile(look)
    try:
        function(*arguments, **keywords)
    finally:
        sys.setprofile(None)
    inside = [Path(name).relative_to(root) for name in seen if name.startswith(f"{root}/")]
    return {".".join(("mlip_core", *path.with_suffix("").parts)).removesuffix(".__init__") for path in inside}


SMALL = {
    "relaxation": {"steps": 2},
    "phonons": {"supercell_matrix": (1, 1, 1), "mesh": (2, 2, 2), "n_qpoints": 11},
    "rotational_variance": {"grid": "tetrahedral", "n_angles": 2},
    "correction_cost": {"grids": ("none", "tetrahedral"), "n_probes": 2},
    "conservation": {"picoseconds": 0.01},
    "passport": {"grid": "tetrahedral", "n_directions": 1},
    "force_errors": {},
    "error_split": {"grid": "tetrahedral"},
    "lambench": {"n_cells": 10, "picoseconds": 0.01},
    "speed": {"n_atoms": (8, 16), "repeats": 1, "batch": 2},
    "distillation": {"n_structures": 4, "epochs": 1},
}


@pytest.mark.parametrize("name", CALCULATIONS)
def test_every_module_that_runs_is_behind_the_key(name, tmp_path, home):
    """The model's own code is told by its identity, and reading a data set by the hash of what was read."""
    calculation = CALCULATIONS[name]
    copper = bulk("Cu", cubic=True)
    copper.rattle(0.05, seed=1)
    model = AseModel(EMT(), name="EMT")
    model.identity = "EMT"
    if calculation.subject == "structure":
        subject = copper
    else:
        copper.calc = SinglePointCalculator(copper, forces=copper.positions)
        subject = dataset_of([copper] * 5, "copper", folder=tmp_path)
    ran = executed(calculation.function, subject, model, calculation.settings(**SMALL.get(name, {})))
    outside = {module for module in ran if module.startswith("mlip_core.models.")}
    assert ran - outside <= set(modules_behind(calculation.function.__module__))
    assert calculation.function.__module__ in ran


def test_the_adapter_of_each_family_counts_with_the_contract_it_keeps():
    for family in FAMILIES.values():
        behind = modules_behind(family.adapter.partition(":")[0])
        assert "mlip_core.models.model" in behind
        assert family.adapter.partition(":")[0] in behind
