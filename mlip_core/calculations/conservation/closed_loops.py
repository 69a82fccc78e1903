"""Work of the forces around closed paths: zero for every conservative model."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.errors import SettingsError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.records import record
from mlip_core.symmetry.moving import moved

Vector = tuple[float, float, float]


@record("Loop")
@dataclass(frozen=True, kw_only=True)
class Loop:
    """A circle in the plane of two atoms' displacements: a moves by r cos φ, b by r sin φ, each along its direction."""

    atom_a: int
    """Index of the atom that moves by r cos φ."""
    atom_b: int
    """Index of the atom that moves by r sin φ; it may be the same atom, with another direction."""
    direction_a: Vector = (1.0, 0.0, 0.0)
    """Direction in which atom a moves, a vector of any length."""
    direction_b: Vector = (0.0, 1.0, 0.0)
    """Direction in which atom b moves, a vector of any length."""
    radius: float = 0.05
    """Radius r of the circle, Å."""
    n_points: int = 24
    """Evaluations around the circle, a multiple of 6, at least 12."""

    def __post_init__(self) -> None:
        if not 0 < self.radius <= 1:
            raise SettingsError(f"the radius of a loop must be above 0 and at most 1 Å, not {self.radius}")
        if self.n_points < 12 or self.n_points % 6:
            raise SettingsError(f"n_points must be a multiple of 6, at least 12, not {self.n_points}")
        if any(len(v) != 3 or not np.linalg.norm(v) > 0 for v in (self.direction_a, self.direction_b)):
            raise SettingsError("each direction of a loop must have three components that are not all zero")

    def check(self, n_atoms: int) -> None:
        """Raise a SettingsError unless both atoms exist."""
        for atom in (self.atom_a, self.atom_b):
            if not 0 <= atom < n_atoms:
                raise SettingsError(f"a loop moves atom {atom}, but the structure's atoms are 0 to {n_atoms - 1}")

    @property
    def angles(self) -> np.ndarray:
        """(n_points,), φ in radians."""
        return 2 * np.pi * np.arange(self.n_points) / self.n_points

    def displacements(self, n_atoms: int) -> np.ndarray:
        """(n_points, n_atoms, 3), Å: displacements along the lap."""
        a, b = self._units()
        displacements = np.zeros((self.n_points, n_atoms, 3))
        displacements[:, self.atom_a] += self.radius * np.outer(np.cos(self.angles), a)
        displacements[:, self.atom_b] += self.radius * np.outer(np.sin(self.angles), b)
        return displacements

    def power(self, forces: np.ndarray) -> np.ndarray:
        """F · dx/dφ along the lap, (n_points,), eV, of forces (n_points, n_atoms, 3)."""
        a, b = self._units()
        along_a, along_b = forces[:, self.atom_a] @ a, forces[:, self.atom_b] @ b
        return self.radius * (along_b * np.cos(self.angles) - along_a * np.sin(self.angles))

    def _units(self) -> tuple[np.ndarray, np.ndarray]:
        a, b = np.array(self.direction_a), np.array(self.direction_b)
        return a / np.linalg.norm(a), b / np.linalg.norm(b)


@record("LoopWork")
@dataclass(frozen=True)
class LoopWork:
    """Work around one loop."""

    loop: Loop
    """The loop."""
    accumulated: np.ndarray
    """(n_points + 1,), work ∫ F·dx from the start of the loop, eV/atom; the last is that of the whole loop."""
    work: float
    """Work of the forces around the loop, ∮ F·dx, eV/atom."""
    error: float
    """Error of the integration, eV/atom: the largest change when only every second or third point is used."""
    absolute: float
    """Work without regard to its sign, ∮ |F·dx|, eV/atom."""

    @property
    def relative(self) -> float | None:
        """∮ F·dx over ∮ |F·dx|; None where no work is done at all."""
        return self.work / self.absolute if self.absolute > 0 else None

    @property
    def resolved(self) -> bool:
        """Whether the work is larger than the error of its integration."""
        return abs(self.work) > self.error


def closed_loop_work(
    structure: Atoms, model: Model, loops: list[Loop], *, progress: Progress = silent
) -> list[LoopWork]:
    """Work of a model's forces around loops, all evaluated together.

    The integrand is periodic, so equal steps converge exponentially and the running
    integral follows from its Fourier series.

    Parameters
    ----------
    structure : Atoms
        Centre of the loops.
    model : Model
    loops : list of Loop
    progress : callable, optional

    Returns
    -------
    list of LoopWork

    Raises
    ------
    SettingsError
        If a loop names an atom that is not there.
    """
    for loop in loops:
        loop.check(len(structure))
    paths = [moved(structure, d) for loop in loops for d in loop.displacements(len(structure))]
    forces = np.array([p.forces for p in model.predict(paths, progress=progress)], dtype=np.float64)
    ends = np.cumsum([loop.n_points for loop in loops])[:-1]
    return [_work(loop, f) for loop, f in zip(loops, np.split(forces, ends), strict=True)]


def default_loop(structure: Atoms, *, radius: float = 0.05, n_points: int = 24) -> Loop:
    """Circle of the first atom along x and its nearest neighbour along y."""
    if len(structure) == 1:
        return Loop(atom_a=0, atom_b=0, radius=radius, n_points=n_points)
    distances = structure.get_distances(0, range(1, len(structure)), mic=bool(structure.pbc.any()))
    return Loop(atom_a=0, atom_b=1 + int(np.argmin(distances)), radius=radius, n_points=n_points)


def random_loops(n_atoms: int, number: int, seed: int, *, radius: float = 0.05, n_points: int = 24) -> list[Loop]:
    """Loops of random pairs of atoms along random directions.

    Parameters
    ----------
    n_atoms : int
    number : int
        How many loops.
    seed : int
    radius : float
        Å.
    n_points : int
        Evaluations around each.

    Returns
    -------
    list of Loop
    """
    rng = np.random.default_rng(seed)
    loops = []
    for _ in range(number):
        a, b = rng.choice(n_atoms, size=2, replace=n_atoms < 2)
        along_a, along_b = (tuple(v / np.linalg.norm(v)) for v in rng.normal(size=(2, 3)).tolist())
        loops.append(
            Loop(
                atom_a=int(a),
                atom_b=int(b),
                direction_a=along_a,
                direction_b=along_b,
                radius=radius,
                n_points=n_points,
            )
        )
    return loops


def _work(loop: Loop, forces: np.ndarray) -> LoopWork:
    atoms = forces.shape[1]
    power = loop.power(forces) / atoms
    work = 2 * np.pi * power.mean()
    coarser = [2 * np.pi * power[start::step].mean() for step in (2, 3) for start in range(step)]
    return LoopWork(
        loop=loop,
        accumulated=_running_integral(power),
        work=float(work),
        error=float(np.abs(np.array(coarser) - work).max()),
        absolute=float(2 * np.pi * np.abs(power).mean()),
    )


def _running_integral(power: np.ndarray) -> np.ndarray:
    """(n + 1,): integral from 0 to φ of a function given at n equal steps of a period of 2π."""
    n = len(power)
    series = np.fft.rfft(power)
    order = np.arange(len(series))
    mean = series[0].real / n
    series[1:] /= 1j * order[1:]
    series[0] = series[-1] = 0
    wave = np.fft.irfft(series, n)
    phi = 2 * np.pi * np.arange(n + 1) / n
    return mean * phi + np.append(wave, wave[0]) - wave[0]
