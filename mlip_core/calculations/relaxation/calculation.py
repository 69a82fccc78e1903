"""Relaxation by ASE's optimizers with any model; energies, forces, volumes and space groups are recorded at every step.

Energy need not fall where forces come from a head of their own: the work
−Σ F·dx done along the path is recorded beside it, never enforced.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, get_args

import numpy as np
from ase import Atoms

from mlip_core.calculations.relaxation.checks import (
    UNUSUAL_VOLUME_CHANGE,
    StartComparison,
    blow_up,
    compare_with_start,
)
from mlip_core.calculations.relaxation.trace import LOOSE, TIGHT, Trace
from mlip_core.errors import ModelError, SettingsError
from mlip_core.models.model import Counted, Model
from mlip_core.progress import Progress, silent
from mlip_core.records import record
from mlip_core.symmetry.corrections import refuse_random_frame
from mlip_core.units import EV_PER_A3_IN_GPA

Optimizer = Literal["FIRE", "LBFGS", "BFGS"]
Cell = Literal["none", "isotropic", "full"]


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
    """Number of steps after which the relaxation stops in any case."""
    optimizer: Optimizer = "FIRE"
    """Which of ASE's optimizers moves the atoms: "FIRE", "LBFGS" or "BFGS"."""
    cell: Cell = "none"
    """What the cell may do: "none" keeps it, "isotropic" scales it, "full" frees lengths and angles."""
    pressure: float = 0.0
    """External pressure on a cell that may change, GPa."""
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
    """The relaxed structure, atoms in the order given: the last one for which the model answered, or the start again where
    the relaxation blew up."""
    frames: list[Atoms]
    """Structures along the way, every step or evenly thinned to at most 200; the first is the start."""
    frame_steps: np.ndarray
    """(n_frames,), number of the step to which each frame belongs."""
    energies: np.ndarray
    """(n_steps + 1,), potential energy without the pressure term, eV."""
    fmax: np.ndarray
    """(n_steps + 1,), longest force on an atom, eV/Å; constraints applied, stress left out."""
    generalized_fmax: np.ndarray
    """(n_steps + 1,), what is compared with `settings.fmax`: atoms' and cell's forces together, eV/Å."""
    volumes: np.ndarray | None
    """(n_steps + 1,), volume of the cell, Å³; None without a 3D cell."""
    stresses: np.ndarray | None
    """(n_steps + 1, 3, 3), stress, eV/Å³, positive under tension; None where the model gives none."""
    pressures: np.ndarray | None
    """(n_steps + 1,), pressure −tr σ/3, eV/Å³; None where the model gives no stress."""
    work: np.ndarray
    """(n_steps + 1,), work −Σ F·dx + Σ V σ:dε from the start, eV; equals energies − energies[0] for a conservative model."""
    space_groups: tuple[str | None, ...]
    """(n_steps + 1,), space group at a tolerance of 1e-5 Å, as "Fm-3m (225)"; None where not periodic in three directions."""
    space_groups_loose: tuple[str | None, ...]
    """(n_steps + 1,), space group at a tolerance of 1e-2 Å; None where not periodic in three directions."""
    n_steps: int
    """Number of steps taken."""
    converged: bool
    """Whether the forces fell below ``settings.fmax``."""
    reason: str
    """Why the relaxation ended, in a sentence."""
    start: StartComparison
    """The last structure of the way beside the start."""
    n_evaluations: int
    """Number of structures for which the model was asked."""
    seconds: float
    """Wall time of the relaxation, s."""
    model_seconds: float
    """Part of the wall time that was spent inside the model, s."""
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
        Also where the relaxation ran out of steps or was stopped because it blew up:
        `converged` and `reason` say so. After a blow-up the way there is in the frames,
        and `structure` is the start.

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
    trace, blown = Trace(atoms), ""
    for converged, generalized in _steps(atoms, trace, settings):
        trace.record(converged, generalized)
        progress(trace.n_steps, settings.steps, **trace.latest())
        blown = blow_up(trace.frames[0], atoms, trace.energies)
        if blown:
            trace.failure = f"{blown} The structure is given back as it was."
            break
    last = _with_positions(structure, trace.last)
    return RelaxationResult(
        structure=structure.copy() if blown else last,
        **trace.fields(),
        converged=trace.converged and not trace.failure,
        reason=trace.failure or _reason(trace, settings),
        start=compare_with_start(structure, last, TIGHT, LOOSE),
        n_evaluations=counted.evaluations,
        seconds=perf_counter() - begin,
        model_seconds=counted.seconds,
        settings=settings,
    )


def _with_positions(structure: Atoms, frame: Atoms) -> Atoms:
    """Copy of a structure with the cell and the positions of another one; constraints stay, but move nothing."""
    copy = structure.copy()
    copy.set_cell(frame.cell)
    copy.set_positions(frame.positions, apply_constraint=False)
    return copy


def _check_periodicity(structure: Atoms, settings: RelaxationSettings) -> None:
    if structure.pbc.all() and structure.cell.rank == 3:
        return
    kind = "a molecule" if not structure.pbc.any() else "a structure not periodic in all three directions"
    if settings.cell != "none":
        raise SettingsError(f"cell='{settings.cell}' needs a crystal, and this is {kind}: choose cell='none'.")
    if settings.fix_symmetry:
        raise SettingsError(f"fix_symmetry needs a crystal, and this is {kind}: choose fix_symmetry=False.")


def _steps(atoms: Atoms, trace: Trace, settings: RelaxationSettings) -> Iterator[tuple[bool, float]]:
    """Yield (converged, longest generalised force) at the start and after every step."""
    import ase.optimize
    from ase.calculators.calculator import PropertyNotImplementedError
    from ase.constraints import FixSymmetry

    from mlip_core.calculations.relaxation.cell_filter import CellFilter

    if settings.fix_symmetry:
        atoms.set_constraint([*atoms.constraints, FixSymmetry(atoms, symprec=settings.symprec)])
    target: Any = atoms
    if settings.cell != "none":
        target = CellFilter(
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


def _reason(trace: Trace, settings: RelaxationSettings) -> str:
    left = trace.generalized[-1]
    what = "force" if settings.cell == "none" else "force on atoms and cell"
    if trace.converged:
        return f"converged: the largest {what} is {left:.2g} eV/Å after {trace.n_steps} steps{_volume_change(trace)}"
    return (
        f"stopped at the limit of {settings.steps} steps with a largest {what} of {left:.2g} eV/Å "
        f"(asked for {settings.fmax:.2g}): allow more steps or a larger fmax{_volume_change(trace)}"
    )


def _volume_change(trace: Trace) -> str:
    change = trace.volumes[-1] / trace.volumes[0] - 1 if trace.volumes else 0.0
    if abs(change) < UNUSUAL_VOLUME_CHANGE:
        return ""
    return (
        f"; the volume changed by {100 * change:+.0f} %, far more than usual: look at the structure before you use it"
    )
