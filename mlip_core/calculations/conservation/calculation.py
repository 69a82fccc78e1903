"""Whether a model's forces are the gradient of an energy."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.calculations.conservation.closed_loops import (
    Loop,
    LoopWork,
    closed_loop_work,
    default_loop,
    random_loops,
)
from mlip_core.calculations.conservation.dynamics import ConstantEnergyRun, constant_energy_run
from mlip_core.errors import SettingsError
from mlip_core.models.model import Model, Prediction
from mlip_core.progress import Progress, Stages, silent
from mlip_core.records import record
from mlip_core.symmetry.corrections import count_beneath, refuse_random_frame
from mlip_core.symmetry.moving import moved, rattled
from mlip_core.symmetry.pair_potential import PairPotential

_BLOCK = 4
"""Number of atoms whose block of ∂F/∂x is computed a second time."""
_STEPS = {"float64": 1e-3, "float32": 1e-2}
"""Displacements at which rounding and anharmonicity are both small, by arithmetic, Å."""


@record("ConservationSettings")
@dataclass(frozen=True, kw_only=True)
class ConservationSettings:
    """What is measured; each part can be left out."""

    jacobian: bool = True
    """Measure λ of ∂F/∂x: 6 evaluations an atom, and 6 more for each of up to four atoms for its error."""
    displacement: float | None = None
    """Displacement for ∂F/∂x, Å; None takes 0.001 in float64 and 0.01 in float32."""
    loops: bool = True
    """Measure the work around a loop that can be chosen, and around random ones."""
    loop: Loop | None = None
    """The loop that is chosen; None takes the first atom along x and its nearest neighbour along y."""
    n_random_loops: int = 8
    """Number of random loops."""
    radius: float = 0.05
    """Radius of the random loops, and of the chosen one where none is given, Å."""
    n_points: int = 24
    """Evaluations around each of those loops, a multiple of 6, at least 12."""
    picoseconds: float = 0.5
    """Length of the run at constant energy, ps; 0 leaves it out."""
    timestep: float = 1.0
    """Time step of the run, fs."""
    temperature: float = 300.0
    """Temperature of the first velocities, K."""
    rattle: float = 0.0
    """Standard deviation, Å, of random displacements of the structure before anything is measured."""
    seed: int = 0
    """Seed of the displacements, the random loops and the velocities."""

    def __post_init__(self) -> None:
        if self.displacement is not None and not 0 < self.displacement <= 0.1:
            raise SettingsError(f"displacement must be above 0 and at most 0.1 Å, not {self.displacement}")
        if self.n_random_loops < 0:
            raise SettingsError(f"n_random_loops must not be negative, not {self.n_random_loops}")
        if not 0 <= self.picoseconds <= 1000:
            raise SettingsError(f"picoseconds must be between 0 and 1000, not {self.picoseconds}")
        if not (self.timestep > 0 and self.temperature > 0):
            raise SettingsError("timestep and temperature must be positive")
        if not (np.isfinite(self.rattle) and 0 <= self.rattle <= 1):
            raise SettingsError(f"rattle must be between 0 and 1 Å, not {self.rattle}")
        Loop(atom_a=0, atom_b=0, radius=self.radius, n_points=self.n_points)


@record("HeadDifference")
@dataclass(frozen=True)
class HeadDifference:
    """Forces of one checkpoint's two heads on the same structure."""

    other: str
    """Name of the model with the other head."""
    forces_kind: str
    """Which head was measured, "direct" or "conservative"."""
    forces: np.ndarray
    """(n_atoms, 3), forces of the model that was measured, eV/Å."""
    other_forces: np.ndarray
    """(n_atoms, 3), forces of the other head, eV/Å."""
    rms: float
    """Difference of the forces, root mean square over the 3N components, eV/Å."""
    largest: float
    """Largest difference of a force component, eV/Å."""


@record("Conservation")
@dataclass(frozen=True)
class Conservation:
    """Conservation of energy by one model on one structure. What was not computed is None."""

    model: str
    """Name of the model."""
    structure: Atoms
    """The structure that was measured, displacements included."""
    settings: ConservationSettings
    """The settings used."""
    jacobian_asymmetry: float | None
    """Asymmetry λ = ‖J − Jᵀ‖ / (2‖J‖) of the Jacobian J = ∂F/∂x: 0 for a gradient, at most 1."""
    jacobian_error: float | None
    """Error of λ: the change of its antisymmetric part when the displacement is doubled, on the first four atoms. Up
    to three times this, ripples of the energy finer than the displacement may look like a curl."""
    jacobian_floor: float | None
    """What rounding alone gives: λ of an exact pair potential in the same arithmetic with the same displacements."""
    loop: LoopWork | None
    """Work around the chosen loop."""
    random_loops: tuple[LoopWork, ...] | None
    """Work around each random loop."""
    heads: HeadDifference | None
    """Forces of the two heads of the checkpoint compared; None where no other head was given."""
    net_force: float
    """Net force |Σ F| / N of the forces as the model gave them, eV/Å."""
    net_torque: float | None
    """Net torque |Σ (r − r̄) × F| of the forces as the model gave them, eV; None with a periodic direction."""
    run: ConstantEnergyRun | None
    """The run at constant energy."""
    evaluations: int
    """Number of structures for which the model was asked."""
    seconds: float
    """Wall time inside the model, s."""

    @property
    def jacobian_resolved(self) -> bool | None:
        """Whether λ is more than three times its error; None without λ."""
        if self.jacobian_asymmetry is None or self.jacobian_error is None:
            return None
        return self.jacobian_asymmetry > 3 * self.jacobian_error

    @property
    def loop_work(self) -> float | None:
        """∮ F·dx around the chosen loop, eV/atom."""
        return None if self.loop is None else self.loop.work

    @property
    def random_loop_work(self) -> float | None:
        """Root mean square of ∮ F·dx over the random loops, eV/atom."""
        works = [loop.work for loop in self.random_loops or ()]
        return float(np.sqrt(np.mean(np.square(works)))) if works else None


def conservation(
    structure: Atoms,
    model: Model,
    settings: ConservationSettings | None = None,
    *,
    other_head: Model | None = None,
    progress: Progress = silent,
) -> Conservation:
    """Measure whether a model's forces conserve energy.

    Parameters
    ----------
    structure : Atoms
    model : Model
        Corrected or not.
    settings : ConservationSettings, optional
    other_head : Model, optional
        The same checkpoint with its other forces, to be compared.
    progress : callable, optional
        Counts evaluations; reports carry ``stage``, and during the run ``total_energy``
        and ``temperature``.

    Returns
    -------
    Conservation

    Raises
    ------
    SettingsError
        If the loop names an atom that is not there, or λ or loops are asked of a model in random frames.
    """
    settings = settings or ConservationSettings()
    structure = rattled(structure, settings.rattle, settings.seed)
    loops = _loops(structure, settings)
    model, count = count_beneath(model)
    stages = Stages(progress, _steps(structure, settings, loops))
    here = model.predict([structure], progress=stages.part("structure", 1))[0]
    asymmetry = error = floor = None
    if settings.jacobian or loops:
        refuse_random_frame(model, "λ or the work around a loop")
    if settings.jacobian:
        asymmetry, error = _asymmetry(structure, model, settings, stages)
        floor = _floor(structure, model.dtype, here, settings)
    works = None
    if loops:
        part = stages.part("loops", sum(loop.n_points for loop in loops))
        works = closed_loop_work(structure, model, loops, progress=part)
    return Conservation(
        model=model.name,
        structure=structure,
        settings=settings,
        jacobian_asymmetry=asymmetry,
        jacobian_error=error,
        jacobian_floor=floor,
        loop=works[0] if works else None,
        random_loops=tuple(works[1:]) if works else None,
        heads=None if other_head is None else _heads(structure, here, model, other_head),
        net_force=net_force(here.forces),
        net_torque=None if structure.pbc.any() else net_torque(structure.positions, here.forces),
        run=_run(structure, model, settings, stages),
        evaluations=count.evaluations,
        seconds=count.seconds,
    )


def jacobian_asymmetry(force_constants: np.ndarray) -> float:
    """λ = ‖J − Jᵀ‖_F / (2‖J‖_F) of a Jacobian of the forces, or of force constants.

    Force constants say something about a model only if every atom was displaced along
    every direction: displacements reduced by symmetry make them symmetric.

    Parameters
    ----------
    force_constants : (n, n, 3, 3) or (3n, 3n) array
        eV/Å², not symmetrised, of the whole cell.

    Returns
    -------
    float
        0 for a gradient, 1 for a pure curl.

    Raises
    ------
    SettingsError
        If it is not square: compact force constants must be made full first.
    """
    matrix = np.asarray(force_constants, dtype=np.float64)
    if matrix.ndim == 4:
        matrix = matrix.transpose(0, 2, 1, 3).reshape(3 * matrix.shape[0], 3 * matrix.shape[1])
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise SettingsError(
            f"λ needs the full square matrix (n, n, 3, 3), not {np.shape(force_constants)}; expand compact force constants"
        )
    size = np.linalg.norm(matrix)
    return float(np.linalg.norm(matrix - matrix.T) / (2 * size)) if size > 0 else 0.0


def force_jacobian(
    structure: Atoms, model: Model, displacement: float, *, n_atoms: int | None = None, progress: Progress = silent
) -> np.ndarray:
    """∂F/∂x by central differences, all displacements in one call.

    Parameters
    ----------
    structure : Atoms
    model : Model
    displacement : float
        Å.
    n_atoms : int, optional
        Only the block of so many first atoms; all by default.
    progress : callable, optional

    Returns
    -------
    (3n, 3n) array
        J[i, j] = ∂F_i / ∂x_j, eV/Å².
    """
    size = 3 * min(n_atoms or len(structure), len(structure))
    steps = np.zeros((2, size, 3 * len(structure)))
    steps[:, np.arange(size), np.arange(size)] = np.array([[displacement], [-displacement]])
    paths = [moved(structure, step.reshape(-1, 3)) for step in steps.reshape(2 * size, -1)]
    answers = model.predict(paths, progress=progress)
    forces = np.array([p.forces[: size // 3] for p in answers], dtype=np.float64).reshape(-1, size)
    return ((forces[:size] - forces[size:]) / (2 * displacement)).T


def net_force(forces: np.ndarray) -> float:
    """|Σ F| / N, eV/Å, of forces (n_atoms, 3)."""
    return float(np.linalg.norm(np.mean(forces, axis=0, dtype=np.float64)))


def net_torque(positions: np.ndarray, forces: np.ndarray) -> float:
    """|Σ (r − r̄) × F|, eV, of positions and forces (n_atoms, 3)."""
    return float(np.linalg.norm(np.cross(positions - positions.mean(axis=0), forces).sum(axis=0)))


def _steps(structure: Atoms, settings: ConservationSettings, loops: list[Loop]) -> int:
    run = round(1000 * settings.picoseconds / settings.timestep)
    jacobian = 6 * (len(structure) + min(_BLOCK, len(structure)))
    return 1 + settings.jacobian * jacobian + sum(loop.n_points for loop in loops) + run


def _loops(structure: Atoms, settings: ConservationSettings) -> list[Loop]:
    if not settings.loops:
        return []
    radius, n_points, number = settings.radius, settings.n_points, settings.n_random_loops
    chosen = settings.loop or default_loop(structure, radius=radius, n_points=n_points)
    chosen.check(len(structure))
    others = random_loops(len(structure), number, settings.seed, radius=radius, n_points=n_points)
    return [chosen, *others]


def _displacement(dtype: str, settings: ConservationSettings) -> float:
    return settings.displacement or _STEPS.get(dtype, _STEPS["float32"])


def _asymmetry(structure: Atoms, model: Model, settings: ConservationSettings, stages: Stages) -> tuple[float, float]:
    """λ, and how far its antisymmetric part depends on the displacement."""
    h, size = _displacement(model.dtype, settings), min(_BLOCK, len(structure))
    here = force_jacobian(structure, model, h, progress=stages.part("jacobian", 6 * len(structure)))
    part = stages.part("jacobian", 6 * size)
    change = force_jacobian(structure, model, 2 * h, n_atoms=size, progress=part) - here[: 3 * size, : 3 * size]
    scale = 2 * np.linalg.norm(here[: 3 * size, : 3 * size])
    return jacobian_asymmetry(here), float(np.linalg.norm(change - change.T) / scale) if scale > 0 else 0.0


def _floor(structure: Atoms, dtype: str, here: Prediction, settings: ConservationSettings) -> float:
    exact = PairPotential(structure, dtype=dtype, energy=here.energy)
    return jacobian_asymmetry(force_jacobian(structure, exact, _displacement(dtype, settings)))


def _heads(structure: Atoms, here: Prediction, model: Model, other_head: Model) -> HeadDifference:
    other = other_head.predict([structure])[0]
    difference = np.asarray(here.forces, dtype=np.float64) - other.forces
    return HeadDifference(
        other=other_head.name,
        forces_kind=model.forces,
        forces=np.array(here.forces),
        other_forces=np.array(other.forces),
        rms=float(np.sqrt(np.mean(difference**2))),
        largest=float(np.abs(difference).max()),
    )


def _run(structure: Atoms, model: Model, settings: ConservationSettings, stages: Stages) -> ConstantEnergyRun | None:
    if settings.picoseconds == 0:
        return None
    return constant_energy_run(
        structure,
        model,
        picoseconds=settings.picoseconds,
        timestep=settings.timestep,
        temperature=settings.temperature,
        seed=settings.seed,
        progress=stages.part("run", round(1000 * settings.picoseconds / settings.timestep)),
    )
