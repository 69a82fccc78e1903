"""How the speed of a model is measured."""

from dataclasses import dataclass, field

from mlip_core.calculations.speed.machine import processor_name
from mlip_core.errors import SettingsError
from mlip_core.records import record

MOST_ATOMS = 20_000
MOST_REPEATS, LARGEST_BATCH = 100, 64
MOST_THREADS = 1024
LONGEST_WAIT = 600  # s


@record("SpeedSettings")
@dataclass(frozen=True, kw_only=True)
class SpeedSettings:
    """How the speed of a model is measured. Processor and threads belong to the question, as other ones have other answers.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    n_atoms: tuple[int, ...] = (8, 64, 216, 512, 1000)
    """Numbers of atoms that are wished for, rising, 1 to 20,000; the crystal is repeated to about as many."""
    repeats: int = 5
    """Calls that are timed at each size, 1 to 100; fewer where the time does not suffice."""
    batch: int = 8
    """Structures of one call where many are asked at once, 2 to 64; fewer where they would fill more than one batch."""
    seconds: float = 60.0
    """Time for all sizes together, s; what would take longer is left out."""
    rattle: float = 0.02
    """Standard deviation of the displacements by which one structure differs from the next, Å."""
    patience: float = 5.0
    """Longest wait for other processes to come to rest before the first call, s."""
    threads: int = 1
    """Threads that torch computes with."""
    processor: str = field(default_factory=processor_name)
    """Name of the processor; a note says so where another one computed."""

    def __post_init__(self) -> None:
        sizes = tuple(self.n_atoms)
        if not sizes or not all(isinstance(n, int) and 1 <= n <= MOST_ATOMS for n in sizes):
            raise SettingsError(f"n_atoms must be whole numbers from 1 to {MOST_ATOMS:,}, not {self.n_atoms!r}.")
        if list(sizes) != sorted(set(sizes)):
            raise SettingsError(f"n_atoms must rise from each number to the next, unlike {self.n_atoms!r}.")
        _check("repeats", self.repeats, 1, MOST_REPEATS)
        _check("batch", self.batch, 2, LARGEST_BATCH)
        _check("threads", self.threads, 1, MOST_THREADS)
        if not self.seconds > 0:
            raise SettingsError(f"seconds must be a positive time in s, not {self.seconds!r}.")
        if not 0 <= self.patience <= LONGEST_WAIT:
            raise SettingsError(f"patience must be a time from 0 to {LONGEST_WAIT} s, not {self.patience!r}.")
        if not 0 < self.rattle <= 0.5:
            raise SettingsError(
                f"rattle must be a length up to 0.5 Å and not zero, or each structure is the same; it is {self.rattle!r}."
            )


def _check(name: str, value: int, least: int, most: int) -> None:
    if not isinstance(value, int) or not least <= value <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not {value!r}.")
