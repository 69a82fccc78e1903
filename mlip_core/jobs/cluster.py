"""The Dask cluster that executes: processes of this machine, or an outside scheduler."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlip_core.errors import CalculationError, SettingsError

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

LARGEST_LINE_UP = 6
_HEARTBEAT = 10.0
"""Seconds between two reports of a worker that has nothing to say."""
_CONFIG = {
    "distributed.scheduler.allowed-failures": 0,  # else a task that kills its worker goes on to kill the others
    "distributed.deploy.lost-worker-timeout": "1 day",  # else a worker slow to come back on a busy machine is given up
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.9,
    "distributed.worker.memory.monitor-interval": "5s",
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "10s",  # these and the next: bookkeeping that would keep an idle machine busy
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.client.scheduler-info-interval": "1 minute",
    "distributed.client.heartbeat": "1 minute",
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.idle-timeout": None,
    "distributed.scheduler.work-stealing": False,
}


def n_workers(cores: int) -> int:
    """How many calculations run at a time: ``MLIP_DASHBOARD_WORKERS``, or one a core up to a whole line-up.

    Parameters
    ----------
    cores : int
        Cores of this machine: the most there can be.

    Raises
    ------
    SettingsError
        If the variable is not a positive whole number.
    """
    asked = os.environ.get("MLIP_DASHBOARD_WORKERS") or str(LARGEST_LINE_UP)
    if not asked.isdecimal() or int(asked) < 1:
        raise SettingsError(f"MLIP_DASHBOARD_WORKERS is {asked!r}; a positive whole number was expected.")
    return min(cores, int(asked))


@contextmanager
def connected(*, workers: int | None = None, warm: bool = True) -> "Iterator[Client]":
    """Client of the scheduler at ``DASK_SCHEDULER_ADDRESS``, or of an embedded cluster.

    Workers elsewhere read tasks from and write results to the folder of
    ``MLIP_DASHBOARD_HOME``: it must be shared, under the same path.

    Parameters
    ----------
    workers : int, optional
        Size of the embedded cluster; :func:`n_workers` by default.
    warm : bool
        Whether embedded workers import torch and its like while idle.

    Raises
    ------
    CalculationError
        If the outside scheduler does not answer.
    """
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    with _outside(address) if address else _embedded(workers, warm) as client:
        yield client


@contextmanager
def _embedded(workers: int | None, warm: bool) -> "Iterator[Client]":
    """Processes of one Dask thread and low priority, the cores divided among them for the threads of torch and BLAS.

    Each may take nine tenths of the whole memory before it is ended: how much
    one calculation needs is seldom the same as the next.
    """
    import dask
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster
    from distributed.system import MEMORY_LIMIT

    count = workers or n_workers(CPU_COUNT)
    threads = str(max(1, CPU_COUNT // count))
    environment = {f"{library}_NUM_THREADS": threads for library in ("OMP", "MKL", "OPENBLAS")}
    with (
        dask.config.set({**_CONFIG, "distributed.nanny.pre-spawn-environ": environment}),
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # None listens on every interface
            memory_limit=MEMORY_LIMIT,
            preload=["mlip_core.jobs.yielding"] + ["mlip_core.jobs.warm"] * warm,
        ) as cluster,
        Client(cluster) as client,
    ):
        _calm(cluster)
        yield client


def _calm(cluster: "LocalCluster") -> None:
    """Let workers report seldom, and nobody look for timeouts that are not set: no setting of Dask does either.

    A worker that dies is noticed when its connection breaks, not by what it no longer reports.
    """
    scheduler = cluster.scheduler
    answer = scheduler.handlers["heartbeat_worker"]

    def answer_calmly(**report: Any) -> dict[str, Any]:
        return answer(**report) | {"heartbeat-interval": _HEARTBEAT}

    scheduler.handlers["heartbeat_worker"] = answer_calmly
    for name in ("idle-timeout", "no-workers-timeout"):
        cluster.loop.add_callback(scheduler.periodic_callbacks[name].stop)


@contextmanager
def _outside(address: str) -> "Iterator[Client]":
    from distributed import Client

    try:
        client = Client(address, timeout=20)
    except (OSError, ValueError) as error:
        raise CalculationError(
            f"No Dask scheduler answers at {address}: start it, or unset DASK_SCHEDULER_ADDRESS to compute on this machine."
        ) from error
    with client:
        yield client
