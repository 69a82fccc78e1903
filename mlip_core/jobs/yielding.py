"""Dask preload (``dask worker --preload mlip_core.jobs.yielding``): a worker leaves the processor to whoever waits for a page."""

import psutil

NICENESS = 10
"""Of a worker, as ``nice`` counts: 0 is everybody's, 19 yields to everything else."""


def dask_setup(_worker: object) -> None:
    """Let the scheduler of the system prefer the web server and the browser (called by Dask).

    Threads that start later inherit it. On an otherwise idle machine nothing is slower.
    """
    lower_priority()


def lower_priority() -> None:
    """Give this process, and what it starts, the priority of work in the background; who has less already keeps it."""
    process = psutil.Process()
    if psutil.WINDOWS:
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(max(NICENESS, process.nice()))
