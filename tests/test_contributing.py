"""The walk-throughs of CONTRIBUTING.md, followed to the letter in a copy of the project."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^(?:`([\w/.-]+)`\n\n)?```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COPIED = ("mlip_core", "dashboard", "tests", "assets", "pyproject.toml")


def follow(root):
    """Write every file that the guide names; insert its + lines below the line above them, or above the one below."""
    path = None
    for name, language, body in BLOCK.findall(GUIDE):
        path = root / name if name else path
        if language == "diff":
            old = "".join(f"{line[1:]}\n" for line in body.splitlines() if line.startswith(" "))
            new = "".join(f"{line[1:]}\n" for line in body.splitlines())
            text = path.read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{path.relative_to(root)} has another place than {old!r}"
            path.write_text(text.replace(old, new), encoding="utf-8")
        elif name:
            assert not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, encoding="utf-8")


def run(root, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=root, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    follow(root)
    return root


def test_what_the_guide_adds_works(project):
    run(project, "ruff", "check", ".")
    run(project, "ruff", "format", "--check", ".")
    quick = ("tests/models/test_lennard_jones.py", "tests/models/environments/test_morse.py")
    run(project, "pytest", "-q", *quick, "tests/calculations/bond_lengths")


@pytest.mark.slow
@pytest.mark.parametrize("command", re.findall(r"^\.venv/bin/(pytest tests/.*)$", GUIDE, re.MULTILINE))
def test_the_commands_of_the_guide_pass(project, command):
    run(project, *(part.strip('"') for part in re.findall(r'"[^"]*"|\S+', command)))


def test_every_place_that_the_guide_names_is_there():
    places = set(re.findall(r"`((?:mlip_core|dashboard|assets|tests|\.ci)/[\w/.-]*)`", GUIDE))
    added = {name for name, _, _ in BLOCK.findall(GUIDE) if name}
    assert {place for place in places - added if "<" not in place and not (ROOT / place).exists()} == set()
