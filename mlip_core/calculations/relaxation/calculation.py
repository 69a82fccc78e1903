"""Relaxation: ASE's optimizers over any model, with everything worth seeing recorded on the way.

Energy need not fall where forces come from a head of their own: the work
−Σ F·dx done along the path is recorded beside it, never enforced.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from ase import Atoms

from mlip_core.calculations.relaxation.checks import StartComparison, blow_up, compare_with_start, space_group
from mlip_core.errors import ModelError, SettingsError
from mlip_core.models.model import Counted, Model
from mlip_core.progress import Progress, silent
from mlip_core.records import record
from mlip_core.symmetry.corrections import refuse_random_frame
from mlip_core.units import EV_PER_A3_IN_GPA

Optimizer = Literal["FIRE", "LBFGS", "BFGS"]
Cell = Literal["none", "isotropic", "full"]

TIGHT, LOOSE = 1e-5, 1e-2
"""The two tolerances (Å) at which the space group is followed."""

MAX_FRAMES = 200
"""More frames than this are thinned evenly; the first and the last always stay."""


@record("RelaxationSettings")
@dataclass(frozen=True, kw_only=True)
class RelaxationSettings:
    """How a structure is relaxed.

    Raises
    ------
    SettingsError
        If a value is out of range, or pressure is given with a fixed cell.
    """

    fmax: float = 1e-3
    """Stop when the longest generalised force is below this, eV/Å (see :func:`relax`)."""
    steps: int = 500
    """The most steps taken."""
    optimizer: Optimizer = "FIRE"
    """ASE's "FIRE", "LBFGS" or "BFGS"."""
    cell: Cell = "none"
    """"none" keeps the cell, "isotropic" scales it, "full" frees lengths and angles."""
    pressure: float = 0.0
    """External pressure, GPa."""
    fix_symmetry: bool = False
    """Keep the space group of the start; this locks saddle points (cubic BaTiO3 stays cubic)."""
    symprec: float = 1e-5
    """Tolerance of the symmetry that is kept, Å."""

    def __post_init__(self) -> None:
        if not 0 < self.fmax < np.inf:
            raise SettingsError(f"fmax must be a positive force in eV/Å, not {self.fmax}.")
        if not isinstance(self.steps, int) or isinstance(self.steps, bool) or self.steps < 0:
            raise SettingsError(f"steps must be a whole number, zero or more, not {self.steps!r}.")
        if self.optimizer not in get_args(Optimizer):
            raise SettingsError(f"optimizer must be one of {', '.join(get_args(Optimizer))}, not {self.optimizer!r}.")
        if self.cell not in get_args(Cell):
            raise SettingsError(f"cell must be one of {', '.join(get_args(Cell))}, not {self.cell!r}.")
        if not np.isfinite(self.pressure):
            raise SettingsError(f"pressure must be a finite number of GPa, not {self.pressure}.")
        if self.pressure and self.cell == "none":
            raise SettingsError("pressure acts only on a cell that may change: choose cell='isotropic' or 'full'.")
        if not 0 < self.symprec < 1:
            raise SettingsError(f"symprec must be between 0 and 1 Å, not {self.symprec}.")


@record("RelaxationResult")
@dataclass(frozen=True, kw_only=True)
class RelaxationResult:
    """The relaxed structure and the way there; entry 0 of every array is the start."""

    structure: Atoms
    """The last structure, atoms in the order given."""
    frames: list[Atoms]
    """Structures along the way: every step, or evenly thinned to at most 200."""
    frame_steps: np.ndarray
    """(n_frames,), the step each frame belongs to."""
    energies: np.ndarray
    """(n_steps + 1,), potential energy without the pressure term, eV."""
    fmax: np.ndarray
    """(n_steps + 1,), longest force on an atom, eV/Å; constraints applied, stress left out."""
    generalized_fmax: np.ndarray
    """(n_steps + 1,), what is compared with `settings.fmax`: atoms' and cell's forces together, eV/Å."""
    volumes: np.ndarray | None
    """(n_steps + 1,), Å³; None without a 3D cell."""
    stresses: np.ndarray | None
    """(n_steps + 1, 3, 3), eV/Å³, positive under tension; None where the model gives none."""
    pressures: np.ndarray | None
    """(n_steps + 1,), −tr σ/3, eV/Å³."""
    work: np.ndarray
    """(n_steps + 1,), eV: −Σ F·dx + Σ V σ:dε from the start; equals energies − energies[0] for a conservative model."""
    space_groups: tuple[str | None, ...]
    """(n_steps + 1,), at 1e-5 Å, as "Fm-3m (225)"; None where not periodic in three directions."""
    space_groups_loose: tuple[str | None, ...]
    """(n_steps + 1,), the same at 1e-2 Å."""
    n_steps: int
    """Steps taken."""
    converged: bool
    """Whether the criterion was reached."""
    reason: str
    """Why it ended, in a sentence."""
    start: StartComparison
    """The end beside the start."""
    n_evaluations: int
    """Structures the model was asked for."""
    seconds: float
    """Wall time, s."""
    model_seconds: float
    """Of that, inside the model, s."""
    settings: RelaxationSettings
    """The settings used."""


def relax(
    structure: Atoms,
    model: Model,
    settings: RelaxationSettings | None = None,
    *,
    progress: Progress = silent,
) -> RelaxationResult:
    """Move atoms, and the cell where wished, until the forces vanish.

    With a free cell ASE's `FrechetCellFilter` adds three rows to the forces,
    −V(σ + P)/n_atoms in eV taken as eV/Å, and `settings.fmax` bounds the
    longest of *all* rows: at convergence |V(σ + P)| ≤ n_atoms·fmax row by
    row. The atoms' own fmax and the stress are recorded separately.

    Parameters
    ----------
    structure : Atoms
        The start; it is not changed. Its constraints are kept.
    model : Model
        Gives energy, forces and, for a free cell, stress.
    settings : RelaxationSettings, optional
        Criterion, optimizer, cell, pressure, symmetry.
    progress : callable, optional
        Called every step, the start included, as ``progress(step, steps,
        energy=, fmax=, generalized_fmax=, volume=, pressure=, stress=,
        space_group=, space_group_loose=)`` in eV, eV/Å, Å³ and eV/Å³.

    Returns
    -------
    RelaxationResult
        What there is, also when the relaxation blew up or ran out of steps:
        `converged` and `reason` say so.

    Raises
    ------
    SettingsError
        If a free cell or a kept symmetry is asked of a structure that is not
        periodic in three directions, the model gives no stress, or an
        optimizer that compares forces is asked of a model in random frames.
    ModelError
        If the model cannot answer for the start.
    """
    settings = settings or RelaxationSettings()
    if settings.optimizer != "FIRE":
        refuse_random_frame(model, f"the optimizer {settings.optimizer}")
    _check_periodicity(structure, settings)
    begin = perf_counter()
    counted = Counted(model)
    atoms = structure.copy()
    atoms.calc = counted.calculator()
    trace = _Trace(atoms)
    for converged, generalized in _steps(atoms, trace, settings):
        trace.record(converged, generalized)
        progress(trace.n_steps, settings.steps, **trace.latest())
        trace.failure = blow_up(trace.frames[0], atoms, trace.energies)
        if trace.failure:
            break
    end = atoms.copy()
    end.set_constraint(structure.constraints)
    return RelaxationResult(
        structure=end,
        **trace.fields(),
        converged=trace.converged and not trace.failure,
        reason=trace.failure or _reason(trace, settings),
        start=compare_with_start(structure, end, TIGHT, LOOSE),
        n_evaluations=counted.evaluations,
        seconds=perf_counter() - begin,
        model_seconds=counted.seconds,
        settings=settings,
    )


def _check_periodicity(structure: Atoms, settings: RelaxationSettings) -> None:
    if structure.pbc.all() and structure.cell.rank == 3:
        return
    kind = "a molecule" if not structure.pbc.any() else "a structure not periodic in all three directions"
    if settings.cell != "none":
        raise SettingsError(f"cell='{settings.cell}' needs a crystal, and this is {kind}: choose cell='none'.")
    if settings.fix_symmetry:
        raise SettingsError(f"fix_symmetry needs a crystal, and this is {kind}: choose fix_symmetry=False.")


def _steps(atoms: Atoms, trace: "_Trace", settings: RelaxationSettings) -> Iterator[tuple[bool, float]]:
    """Yield (converged, longest generalised force) at the start and after every step."""
    import ase.optimize
    from ase.calculators.calculator import PropertyNotImplementedError
    from ase.constraints import FixSymmetry
    from ase.filters import FrechetCellFilter

    if settings.fix_symmetry:
        atoms.set_constraint([*atoms.constraints, FixSymmetry(atoms, symprec=settings.symprec)])
    target: Any = atoms
    if settings.cell != "none":
        target = FrechetCellFilter(
            atoms,
            hydrostatic_strain=settings.cell == "isotropic",
            scalar_pressure=settings.pressure / EV_PER_A3_IN_GPA,
        )
    optimizer = getattr(ase.optimize, settings.optimizer)(target, logfile=None)
    try:
        for converged in optimizer.irun(fmax=settings.fmax, steps=settings.steps):
            yield bool(converged), float(np.linalg.norm(target.get_forces(), axis=1).max())
    except PropertyNotImplementedError as error:
        raise SettingsError(
            f"{atoms.calc.model.name} gives no stress, which cell='{settings.cell}' needs: choose cell='none'."
        ) from error
    except (ModelError, ValueError, np.linalg.LinAlgError) as error:
        if not trace.energies:
            raise
        trace.failure = f"stopped after {trace.n_steps} steps: {error}"


def _reason(trace: "_Trace", settings: RelaxationSettings) -> str:
    left = trace.generalized[-1]
    what = "force" if settings.cell == "none" else "force on atoms and cell"
    if trace.converged:
        return f"converged: the largest {what} is {left:.2g} eV/Å after {trace.n_steps} steps"
    return (
        f"stopped at the limit of {settings.steps} steps with a largest {what} of {left:.2g} eV/Å "
        f"(asked for {settings.fmax:.2g}): allow more steps or a larger fmax"
    )


class State(NamedTuple):
    """A structure and what the model says about it."""

    atoms: Atoms
    """Positions are not wrapped."""
    forces: np.ndarray
    """(n_atoms, 3), eV/Å."""
    stress: np.ndarray | None
    """(3, 3), eV/Å³, positive under tension."""


class _Trace:
    """What happened so far."""

    def __init__(self, atoms: Atoms) -> None:
        self.atoms = atoms
        self.converged = False
        self.failure = ""
        self.frames: list[Atoms] = []
        self.frame_steps: list[int] = []
        self.energies: list[float] = []
        self.fmax: list[float] = []
        self.generalized: list[float] = []
        self.stresses: list[np.ndarray] = []
        self.volumes: list[float] = []
        self.work: list[float] = [0.0]
        self.groups: list[tuple[str | None, str | None]] = []
        self._stride = 1
        self._previous: State | None = None

    @property
    def n_steps(self) -> int:
        return len(self.energies) - 1

    def record(self, converged: bool, generalized: float) -> None:
        """Add the structure as it is now."""
        self.converged = converged
        atoms = self.atoms
        results = atoms.calc.results
        frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, tags=atoms.get_tags())
        self.energies.append(float(atoms.get_potential_energy()))
        self.fmax.append(float(np.linalg.norm(atoms.get_forces(), axis=1).max()))
        self.generalized.append(generalized)
        stress = atoms.get_stress(voigt=False, apply_constraint=False) if "stress" in results else None
        if stress is not None:
            self.stresses.append(stress)
        if atoms.cell.rank == 3 and atoms.pbc.all():
            self.volumes.append(atoms.get_volume())
        self.groups.append((space_group(frame, TIGHT), space_group(frame, LOOSE)))
        now = State(frame, atoms.get_forces(apply_constraint=False), stress)
        if self._previous is not None:
            self.work.append(self.work[-1] + work_of_step(self._previous, now))
        self._previous = now
        self._keep(frame)

    def _keep(self, frame: Atoms) -> None:
        if self.n_steps % self._stride == 0:
            self.frames.append(frame)
            self.frame_steps.append(self.n_steps)
        if len(self.frames) >= MAX_FRAMES:
            self.frames, self.frame_steps = self.frames[::2], self.frame_steps[::2]
            self._stride *= 2

    def latest(self) -> dict[str, object]:
        """Return what the progress callable is told."""
        stress = self.stresses[-1] if self.stresses else None
        return {
            "energy": self.energies[-1],
            "fmax": self.fmax[-1],
            "generalized_fmax": self.generalized[-1],
            "volume": self.volumes[-1] if self.volumes else None,
            "pressure": None if stress is None else float(-np.trace(stress) / 3),
            "stress": None if stress is None else stress.tolist(),
            "space_group": self.groups[-1][0],
            "space_group_loose": self.groups[-1][1],
        }

    def fields(self) -> dict[str, Any]:
        """Return the arrays of the result."""
        if self._previous is not None and self.frame_steps[-1] != self.n_steps:
            self.frames.append(self._previous.atoms)
            self.frame_steps.append(self.n_steps)
        stresses = np.array(self.stresses) if self.stresses else None
        return {
            "frames": self.frames,
            "frame_steps": np.array(self.frame_steps),
            "energies": np.array(self.energies),
            "fmax": np.array(self.fmax),
            "generalized_fmax": np.array(self.generalized),
            "volumes": np.array(self.volumes) if self.volumes else None,
            "stresses": stresses,
            "pressures": None if stresses is None else -np.trace(stresses, axis1=1, axis2=2) / 3,
            "work": np.array(self.work),
            "space_groups": tuple(tight for tight, _ in self.groups),
            "space_groups_loose": tuple(loose for _, loose in self.groups),
            "n_steps": self.n_steps,
        }


def work_of_step(before: State, after: State) -> float:
    """−F·dx + V σ:dε of one step by the trapezoidal rule, eV.

    Parameters
    ----------
    before, after : State
        The two ends; stress is used where the cell changed.

    Returns
    -------
    float
        Second order in the step: the change of energy if forces and stress are its gradients.
    """
    forces = (before.forces + after.forces) / 2
    start, end = before.atoms, after.atoms
    if before.stress is None or after.stress is None or np.array_equal(start.cell, end.cell):
        return -float(np.sum(forces * (end.positions - start.positions)))
    cell = (start.cell.array + end.cell.array) / 2
    strain = np.linalg.solve(cell, end.cell.array - start.cell.array)
    moved = end.positions - start.positions - (start.positions + end.positions) / 2 @ strain
    virial = (start.get_volume() * before.stress + end.get_volume() * after.stress) / 2
    return float(-np.sum(forces * moved) + np.sum(virial * (strain + strain.T) / 2))
