"""The speed of one model on one structure."""

from collections.abc import Mapping
from dataclasses import dataclass

from ase import Atoms

from mlip_core.calculations.speed.settings import SpeedSettings
from mlip_core.records import record

MICROSECONDS = 1e6
"""μs in a second."""


@record("Timing")
@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one step costs at one size: energy, forces and, in a crystal, stress of one structure."""

    n_atoms: int
    """Number of atoms of the structure."""
    n_structures: int
    """Structures in one call: 1 as dynamics and relaxations ask, more as phonons do."""
    n_calls: int
    """Calls that were timed, after those that warmed up."""
    wall: float
    """Median wall time a structure, s."""
    wall_range: tuple[float, float]
    """Shortest and longest wall time a structure, s."""
    processor: float
    """Median processor time a structure, of all threads together, s."""

    @property
    def us_per_atom(self) -> float:
        """Median wall time an atom, μs."""
        return MICROSECONDS * self.wall / self.n_atoms

    @property
    def processor_us_per_atom(self) -> float:
        """Median processor time an atom, of all threads together, μs."""
        return MICROSECONDS * self.processor / self.n_atoms


@record("Speed")
@dataclass(frozen=True, kw_only=True)
class Speed:
    """What a step of one model costs against the number of atoms, and on what it was measured."""

    model: str
    """Name of the model."""
    structure: Atoms
    """The structure as it was given."""
    settings: SpeedSettings
    """The settings used."""
    timings: tuple[Timing, ...]
    """Rising in size; at each size one structure a call, then many."""
    processor: str
    """Name of the processor that computed, with its number of cores."""
    device: str
    """Where the model computed, as torch names it: "cpu", "cuda", …"""
    dtype: str
    """Arithmetic inside the model: "float32" or "float64"."""
    threads: int | None
    """Threads of torch while it was measured; None where the model does not use torch."""
    omp_num_threads: str
    """The environment variable OMP_NUM_THREADS; "" where it was not set."""
    packages: Mapping[str, str]
    """Versions of Python and of the packages that the model computes with."""
    others: float
    """Cores that other processes kept busy meanwhile, on average."""
    disturbed: bool
    """Whether other processes took so much of the machine, or the model waited so long, that the times cannot be trusted."""
    notes: tuple[str, ...]
    """What a reader must know, in sentences: what else ran, sizes that were left out, another processor than asked."""
    seconds: float
    """Wall time of the whole measurement, s."""

    @property
    def one_by_one(self) -> tuple[Timing, ...]:
        """Timings of one structure a call, rising in size."""
        return tuple(timing for timing in self.timings if timing.n_structures == 1)

    @property
    def batched(self) -> tuple[Timing, ...]:
        """Timings of many structures a call, rising in size."""
        return tuple(timing for timing in self.timings if timing.n_structures > 1)
