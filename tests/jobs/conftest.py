import sys
import time
from pathlib import Path

import pytest
from ase.build import bulk

from mlip_core.calculations import CALCULATIONS
from mlip_core.configuration import Configuration
from mlip_core.jobs.queue import Jobs
from mlip_core.jobs.task import Task

sys.path.insert(0, str(Path(__file__).parent))
PATIENCE = 240


@pytest.fixture
def jobs(home):
    """A queue that knows the toys beside the real calculations, and nobody who computes."""
    from toy_tasks import TOYS

    jobs = Jobs(home, calculations={**CALCULATIONS, **TOYS}, dispatcher=None)
    yield jobs
    jobs.close()


@pytest.fixture(scope="session")
def copper():
    return bulk("Cu", cubic=True)


@pytest.fixture(scope="session")
def until():
    """Wait for something to become true."""

    def wait(condition, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"still not true after {patience} s")

    return wait


@pytest.fixture
def counting(copper, tmp_path):
    """Make tasks that count, and leave a line for each time they are computed."""

    def make(steps=1, pause=0.0, log="log", **others):
        settings = {"steps": steps, "pause": pause, "log": str(tmp_path / log)}
        return Task(
            kind="count", subject=copper, configuration=Configuration(model="chgnet"), settings=settings, **others
        )

    return make
