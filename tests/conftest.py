import hashlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("guard", derandomize=True, database=None)
if os.environ.get("CI"):  # main is guarded by the same cases every time; new ones are looked for elsewhere
    hypothesis.settings.load_profile("guard")


def pytest_terminal_summary(terminalreporter):
    """Where nobody watches, a test that did not run is a failure."""
    skipped = terminalreporter.stats.get("skipped", [])
    if os.environ.get("CI") and skipped:
        terminalreporter.write_line(f"{len(skipped)} tests were skipped where none may be", red=True)
        terminalreporter._session.exitstatus = 1


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty data folder of its own."""
    monkeypatch.setenv("MLIP_DASHBOARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def tiny_pet(request, tmp_path_factory):
    """Folder with ``tiny.pt`` and ``tiny.ckpt``: a real PET for Al and Cu with both heads, hardly trained.

    Trained once for each version of metatrain and of the script, and kept in pytest's cache.
    """
    script = Path(__file__).parent / "models" / "train_tiny_pet.py"
    key = hashlib.sha256(script.read_bytes() + version("metatrain").encode()).hexdigest()[:12]
    kept = Path(request.config.cache.mkdir(f"tiny-pet-{key}"))
    if not (kept / "tiny.pt").is_file():
        folder = tmp_path_factory.mktemp("tiny-pet")
        subprocess.run([sys.executable, script, folder], check=True, capture_output=True, cwd=folder)
        for name in ("tiny.ckpt", "tiny.pt"):
            (folder / name).rename(kept / name)
    return kept
