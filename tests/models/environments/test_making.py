"""Environments that are really made, of a family that is one file, and what is said where they cannot be."""

import json
import subprocess
import sys
import zipfile

import pytest

from dashboard import server
from mlip_core.errors import ModelError, SettingsError
from mlip_core.models.catalogue import ELSEWHERE, FAMILIES, Family
from mlip_core.models.environments import making
from mlip_core.models.environments.__main__ import main
from mlip_core.models.environments.environment import Environment
from mlip_core.models.environments.recipes import RECIPES, Recipe


@pytest.fixture(autouse=True)
def _without_uv(home, monkeypatch):
    """What is installed where the tests run makes no difference."""
    real = making.shutil.which
    monkeypatch.setattr(making.shutil, "which", lambda name: None if name == "uv" else real(name))


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Put a version of a toy family into the recipes, as a wheel on disk."""

    def recipe(version="1.0", code="", requirement=None):
        wheel = tmp_path / f"toy_family-{version}-py3-none-any.whl"
        about = f"toy_family-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("toy_family/__init__.py", code)
            archive.writestr("toy_family/weights.bin", b"weights")
            archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: toy-family\nVersion: {version}\n")
            archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nTag: py3-none-any\n")
            archive.writestr(f"{about}/RECORD", "")
        made = Recipe("toy", "Toy", (requirement or str(wheel),), "toy_family", tmp_path / "serve.py")
        monkeypatch.setitem(RECIPES, "toy", made)
        monkeypatch.setitem(FAMILIES, "toy", Family(ELSEWHERE, ("toy-family",), "toy_family", "toy"))
        return made

    return recipe


def interpreter(folder, version):
    """A program that says it is a Python of some version."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.slow
def test_an_environment_is_made_looked_into_made_anew_and_removed(toy, capfd):
    toy()
    assert not Environment(RECIPES["toy"]).here
    assert main(["add", "toy"]) == 0
    first = Environment(RECIPES["toy"])
    assert first.here
    assert first.version("toy-family") == "1.0"
    assert first.version("torch") == ""
    assert (first.module("toy_family") / "weights.bin").read_bytes() == b"weights"
    assert str(first.python) != sys.executable
    toy("2.0")
    making.add("toy")
    second = Environment(RECIPES["toy"])
    assert second.version("toy-family") == "2.0"
    assert not first.python.exists()
    capfd.readouterr()
    assert main(["list"]) == 0
    assert "here: toy-family 2.0." in capfd.readouterr().out

    toy("3.0", code="import no_such_module")
    with pytest.raises(ModelError, match=r"nothing was changed: ModuleNotFoundError: .*no_such_module"):
        making.add("toy")
    assert Environment(RECIPES["toy"]).version("toy-family") == "2.0"
    assert len(list(second.folder.glob("venv-*"))) == 1

    assert main(["remove", "toy"]) == 0
    assert not Environment(RECIPES["toy"]).here
    assert not second.folder.exists()
    assert main(["remove", "toy"]) == 1
    assert "no environment of Toy here" in capfd.readouterr().err


def test_what_cannot_be_installed_is_told_and_leaves_nothing(toy, monkeypatch, capfd):
    toy()
    monkeypatch.setattr(making, "_run", lambda command: subprocess.run(["false"], check=True))
    assert main(["add", "toy"]) == 1
    said = capfd.readouterr().err
    assert "Toy could not be made, and nothing was changed: what the installer said stands above." in said
    assert list(Environment(RECIPES["toy"]).folder.iterdir()) == []


def test_only_one_makes_an_environment_at_a_time(toy, monkeypatch):
    toy()
    monkeypatch.setattr(making, "_run", lambda command: making.add("toy"))
    with pytest.raises(ModelError, match="Another process is making or removing the environment of Toy right now"):
        making.add("toy")
    Environment(RECIPES["toy"]).folder.rmdir()  # nothing is left in it
    monkeypatch.setattr(making, "_run", lambda command: subprocess.run(["false"], check=True))
    with pytest.raises(ModelError, match="Toy could not be made"):  # and it can be tried again
        making.add("toy")


def test_a_python_that_is_too_old_is_told_with_how_to_give_another(tmp_path, capfd):
    assert main(["add", "orb", "--python", interpreter(tmp_path, "3 11")]) == 1
    said = capfd.readouterr().err
    assert "Orb v3 needs Python 3.12 or newer" in said
    assert "mlip-dashboard models add orb --python /path/to/python3.12" in said
    assert not Environment(RECIPES["orb"]).folder.exists()
    with pytest.raises(SettingsError, match="not a Python that can be started"):
        making.add("orb", python=str(tmp_path / "no-such-python"))


def test_uv_is_taken_where_it_is_there(toy, monkeypatch):
    toy()
    monkeypatch.setattr(making.shutil, "which", lambda name: f"/bin/{name}" if name == "uv" else name)
    ran = []
    monkeypatch.setattr(making, "_run", ran.append)
    monkeypatch.setattr(making, "_told", lambda python, code: "[]" if code == making.PLACES else "3 11")
    making.add("toy", python="python3.11")
    venv, install = ran
    assert venv[:2] == ["/bin/uv", "venv"]
    assert venv[-2] == "python3.11"
    assert install[:3] == ["/bin/uv", "pip", "install"]
    assert install[-1] == RECIPES["toy"].requirements[0]
    assert (
        json.loads(Environment(RECIPES["toy"]).manifest.read_text())["python"] == install[install.index("--python") + 1]
    )
    monkeypatch.setitem(RECIPES, "toy", RECIPES["toy"]._replace(python=(3, 99)))
    making.add("toy")
    assert ran[2][-2] == "3.99"  # which uv looks for, or fetches


def test_the_program_hands_models_on(monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", ["mlip-dashboard", "models", "list"])
    with pytest.raises(SystemExit) as ended:
        server.main()
    assert ended.value.code == 0
    said = capfd.readouterr().out
    assert [line.split()[0] for line in said.splitlines()] == list(RECIPES)
    assert "Python 3.12 or newer" in said
