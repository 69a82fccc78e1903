"""What a reader of a speed must know, in sentences."""

from collections.abc import Mapping, Sequence

from mlip_core.calculations.speed.machine import disturbing, n_cores
from mlip_core.calculations.speed.record import Timing
from mlip_core.calculations.speed.settings import SpeedSettings

_WORKING = 0.9
"""Processor time over wall time; a model that computes alone, with one thread or more, has at least this."""


def notes_on_load(others: float, timings: Sequence[Timing], device: str) -> list[str]:
    """Say what disturbed the measurement; nothing where it was quiet.

    Parameters
    ----------
    others : float
        Cores that other processes kept busy.
    timings : sequence of Timing
        What was measured.
    device : str
        Where the model computed; on "cpu" a call should be working all the time.

    Returns
    -------
    list of str
    """
    notes, cores = [], n_cores()
    if disturbing(others):
        notes.append(
            f"Other processes kept {others:.1f} of {cores} cores busy meanwhile: the times are longer than on a quiet "
            "machine. Processor time suffers less from that than wall time."
        )
    share = sum(timing.processor for timing in timings) / max(sum(timing.wall for timing in timings), 1e-12)
    if device == "cpu" and share < _WORKING:
        notes.append(
            f"Calls had the processor for {share:.0%} of their time and waited for the rest of it: for other processes, "
            "or for something that is no computation."
        )
    return notes


def notes_on_sizes(left_out: Mapping[str, int], settings: SpeedSettings) -> list[str]:
    """Say which sizes are missing."""
    if not left_out:
        return []
    which = ", ".join(f"{way} from {n_atoms:,} atoms on" for way, n_atoms in left_out.items())
    return [f"Left out, because it would have taken longer than the {settings.seconds:g} s allowed (seconds): {which}."]


def notes_on_machine(processor: str, threads: int | None, settings: SpeedSettings) -> list[str]:
    """Say where the machine is not the one that was asked for."""
    notes = []
    if processor != settings.processor:
        notes.append(f"Measured on another processor than asked for: {processor}, not {settings.processor}.")
    if threads is not None and threads != settings.threads:
        notes.append(f"Measured with {threads} threads, not with the {settings.threads} asked for.")
    return notes
