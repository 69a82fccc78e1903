"""A worker takes the priority of work in the background."""

import os
import subprocess
import sys

import pytest

from mlip_core.jobs.yielding import NICENESS

ASK = "import os; from mlip_core.jobs.yielding import lower_priority; lower_priority(); print(os.nice(0))"


@pytest.mark.parametrize("lower", [0, NICENESS + 5])
def test_a_worker_yields_and_never_asks_for_more_than_it_was_given(lower):
    told = subprocess.run(
        [sys.executable, "-c", ASK], check=True, preexec_fn=lambda: os.nice(lower), capture_output=True, text=True
    )
    assert told.stdout.strip() == str(max(NICENESS, os.nice(0) + lower))
