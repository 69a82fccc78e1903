"""The machine that measures: its processor, the threads of torch, what else ran, the packages of the model."""

import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter, process_time, sleep

import psutil

from mlip_core.models.catalogue import FAMILIES
from mlip_core.models.model import Model
from mlip_core.symmetry.corrections import CorrectedModel

_BUSY = ("user", "nice", "system", "irq", "softirq", "steal")
"""psutil's names of the times in which a core does something, or another machine on the same hardware has it."""
QUIET = 0.15
"""Of the machine's cores; where other processes keep more busy, they disturb: a step of PET on two
cores was 0 ± 4 % slower beside one that kept 0.3 of a core busy. A page that watches the measurement keeps less."""
_LOOK = 0.4
"""Seconds over which it is told whether the machine is quiet: processor time is counted in hundredths."""


@cache
def processor_name() -> str:
    """Return the name of this machine's processor and its number of cores: "AMD EPYC 7763, 16 cores"."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    found = re.search(r"^model name\s*:\s*(.+)$", told, flags=re.MULTILINE)
    name = found[1].strip() if found else platform.processor() or platform.machine() or "a processor without a name"
    cores = n_cores()
    return f"{name}, {cores} core{'s' * (cores > 1)}"


def n_cores() -> int:
    """Return the number of logical cores of this machine."""
    return os.cpu_count() or 1


@contextmanager
def computing_with(threads: int) -> Iterator[int | None]:
    """Let torch compute with so many threads for a while.

    Parameters
    ----------
    threads : int
        As many as wished for.

    Yields
    ------
    int or None
        As many as torch says it has; None where no model has loaded torch.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield None
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


class Load:
    """What else the machine does from the moment at which this is made."""

    def __init__(self) -> None:
        self._start = _clocks()

    def others(self) -> float:
        """Return how many cores other processes have kept busy since, on average."""
        everything, mine, wall = (now - then for now, then in zip(_clocks(), self._start, strict=True))
        return max(0.0, everything - mine) / max(wall, 1e-9)


def disturbing(others: float) -> bool:
    """Whether so many cores, kept busy by other processes, are more than a measurement should have beside it."""
    return others > QUIET * n_cores()


def wait_until_quiet(patience: float) -> None:
    """Wait until other processes leave the machine alone: the page that was just asked is still being drawn, say.

    Parameters
    ----------
    patience : float
        Longest wait, s.
    """
    end = perf_counter() + patience
    while perf_counter() < end:
        load = Load()
        sleep(min(_LOOK, patience))
        if not disturbing(load.others()):
            return


def _clocks() -> tuple[float, float, float]:
    """Processor time of the whole machine and of this process with those it started, and wall time, s."""
    times = psutil.cpu_times()
    everything = sum(getattr(times, name, 0.0) for name in _BUSY)
    return everything, process_time() + sum(map(_spent, psutil.Process().children())), perf_counter()


def _spent(process: psutil.Process) -> float:
    """Processor time of a process, s; none of one that is gone."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system


def packages_of(model: Model) -> dict[str, str]:
    """Return the versions of Python and of the distributions that a model's predictions come from.

    Parameters
    ----------
    model : Model
        Corrected or not.

    Returns
    -------
    dict of str to str
        Those that are not installed are left out.
    """
    while isinstance(model, CorrectedModel):
        model = model.model
    adapters = {family.adapter.partition(":")[0]: family.packages for family in FAMILIES.values()}
    if model.versions is not None:
        return dict(model.versions)
    found = {"python": platform.python_version()}
    for package in adapters.get(type(model).__module__, ("ase", "numpy")):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
