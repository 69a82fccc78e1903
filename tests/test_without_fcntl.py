"""Windows has no ``fcntl``: the core works without it."""

import subprocess
import sys

SCRIPT = """
import sys, warnings
sys.modules["fcntl"] = None
warnings.simplefilter("ignore")
from pathlib import Path
import mlip_core as mlip
from ase.build import bulk
from ase.calculators.emt import EMT
from mlip_core.jobs.locks import drop_abandoned, is_held, taken
from mlip_core.calculations.force_errors import predictions
from mlip_core.jobs import queue

copper = bulk("Cu", cubic=True)
copper.positions[0, 0] += 0.1
result = mlip.relax(copper, mlip.from_ase(EMT(), name="EMT"), mlip.RelaxationSettings(fmax=0.01))
assert result.converged, result.reason
folder = Path(sys.argv[1])
lock = taken(folder / "a", patience=0)
assert is_held(folder / "a") and drop_abandoned(folder) == 1
lock.release()
assert not is_held(folder / "a") and drop_abandoned(folder) == 0
print("relaxed in", result.n_steps)
"""


def test_the_core_imports_and_relaxes_without_fcntl(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "relaxed in" in run.stdout
