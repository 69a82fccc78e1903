"""A model's passport: the laws it claims by construction beside what is measured on one structure."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from ase import Atoms

from mlip_core.calculations.passport.gradient import N_POINTS, GradientError, gradient_error
from mlip_core.calculations.passport.smoothness import Line, choose_line, smoothness
from mlip_core.calculations.passport.smoothness import steps as line_steps
from mlip_core.calculations.rotations.variance import RotationSettings, rotational_variance
from mlip_core.errors import SettingsError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, Stages, silent
from mlip_core.records import record
from mlip_core.symmetry.corrections import count_beneath
from mlip_core.symmetry.moving import large_enough, moved, rattled
from mlip_core.symmetry.pair_potential import PairPotential
from mlip_core.symmetry.rotations import check_name, grid

LAWS = ("rotation", "inversion", "translation", "conservative", "smooth")
"""Names of the laws, as in :class:`mlip_core.models.model.Claims`."""
MARGIN = 30.0
"""Multiple of the arithmetic floor up to which a law counts as kept: a network takes many more steps of arithmetic,
each of which rounds, than the pair potential of the floor."""
SHIFTS = np.array([[0.31, -0.47, 0.73], [-1.13, 0.59, 0.27], [0.83, 1.27, -0.61], [-0.71, -0.37, -1.19]])
"""(n, 3), rigid shifts, along no axis and of no common length, Å."""
EXACT = {"float32": 5e-5, "float64": 1e-9}
"""Differences of the forces between orientations that a network which is exact by construction may show, by
arithmetic, eV/Å."""
_LEAST_GRADIENT, _LEAST_JUMPS = 1e-5, (1e-6, 1e-4)
"""What finite steps leave even without rounding: of F + ∂E/∂x (eV/Å), and of the jumps of energy (eV) and forces
(eV/Å)."""
_OUTLIER = 10.0
"""Multiple of the model's own noise on a line up to which a step is not called a jump."""
_REACH = 0.02
"""Largest displacement of a component on the lines along which work and energy are compared, Å."""


@record("PassportSettings")
@dataclass(frozen=True, kw_only=True)
class PassportSettings:
    """How the laws are tested."""

    rattle: float = 0.05
    """Standard deviation, Å, of random displacements: a perfect crystal hides what a model breaks."""
    seed: int = 0
    """Seed of the displacements and the directions."""
    grid: str = "octahedral"
    """Grid of orientations, used with and without inversion."""
    n_directions: int = 4
    """Random directions along which the work of the forces is compared with the energy, 17 evaluations each."""

    def __post_init__(self) -> None:
        check_name(self.grid)
        if self.grid == "none":
            raise SettingsError("rotations need more than one orientation; choose a grid other than none")
        if not (np.isfinite(self.rattle) and 0 <= self.rattle <= 1):
            raise SettingsError(f"rattle must be between 0 and 1 Å, not {self.rattle}")
        if self.n_directions < 1:
            raise SettingsError(f"n_directions must be at least 1, not {self.n_directions}")


@record("Measure")
@dataclass(frozen=True)
class Measure:
    """One number that is zero where a law holds."""

    name: str
    """Which number: "energy", "forces", "gradient" (F + ∂E/∂x), "jump of the energy" or "jump of the forces"."""
    value: float
    """What was measured, in ``unit``."""
    floor: float
    """The same number of a potential that is exact by construction, in the model's arithmetic, in ``unit``."""
    unit: str
    """Unit of the numbers: "eV", "eV/atom" or "eV/Å"."""
    least: float
    """Value below which the law counts as kept whatever the floor, as steps and integrals are finite, in ``unit``."""

    @property
    def tolerance(self) -> float:
        """Largest value that arithmetic and finite steps may explain."""
        return max(MARGIN * self.floor, self.least)

    @property
    def kept(self) -> bool:
        """Whether the value is within the tolerance."""
        return self.value <= self.tolerance


@record("Law")
@dataclass(frozen=True)
class Law:
    """One law: claimed, measured."""

    name: str
    """Which law, one of :data:`LAWS`."""
    claimed: bool | None
    """Whether the model keeps the law by construction, as its makers say; None where it is not stated."""
    measures: tuple[Measure, ...]
    """What was measured; empty where the structure cannot show it."""

    @property
    def kept(self) -> bool | None:
        """Whether every measure is within its tolerance; None without measures."""
        return all(measure.kept for measure in self.measures) if self.measures else None

    @property
    def agrees(self) -> bool | None:
        """Whether measured is what was claimed; None where either is missing."""
        return None if self.claimed is None or self.kept is None else self.claimed == self.kept


@record("Passport")
@dataclass(frozen=True)
class Passport:
    """Claims and measurements of one model on one structure."""

    model: str
    """Name of the model."""
    structure: Atoms
    """The structure that was measured, repeated and displaced."""
    settings: PassportSettings
    """The settings used."""
    laws: tuple[Law, ...]
    """The laws, in the order of :data:`LAWS`."""
    crossed: tuple[float, float] | None
    """Range of cutoffs of which each was crossed by a neighbour, Å; None for a lone atom."""
    evaluations: int
    """Number of structures for which the model was asked."""
    seconds: float
    """Wall time inside the model, s."""

    def law(self, name: str) -> Law:
        """Return the law of that name."""
        return self.laws[LAWS.index(name)]


def passport(
    structure: Atoms, model: Model, settings: PassportSettings | None = None, *, progress: Progress = silent
) -> Passport:
    """Measure whether a model keeps the laws it claims.

    Rotations: standard deviations over a grid in generic orientations. Inversion: the
    change under x → −x in the same orientations. Translations: the change when all atoms
    are shifted alike. Conservation: the work of the forces against the energy, which
    is F + ∂E/∂x. Smoothness: the largest
    jump when an atom is led past its neighbours (:mod:`mlip_core.calculations.passport.smoothness`).

    Parameters
    ----------
    structure : Atoms
    model : Model
        Corrected or not.
    settings : PassportSettings, optional
    progress : callable, optional
        Counts evaluations; reports carry ``stage``.

    Returns
    -------
    Passport
    """
    settings = settings or PassportSettings()
    structure = rattled(large_enough(structure), settings.rattle, settings.seed)
    claims, (model, count) = model.claims, count_beneath(model)
    line = choose_line(structure)
    stages = Stages(progress, _steps(structure, settings, line))
    energy = model.predict([structure], progress=stages.part("structure", 1))[0].energy
    exact = PairPotential(structure, dtype=model.dtype, energy=energy)
    arithmetic = _Arithmetic(exact, float(np.finfo(model.dtype).eps) * abs(energy))
    rotation, inversion = _orientation(structure, model, settings, stages)
    measures = {
        "rotation": rotation,
        "inversion": inversion,
        "translation": _translation(structure, model, arithmetic, stages),
        "conservative": _conservation(structure, model, arithmetic, settings, stages),
        "smooth": () if line is None else _smoothness(line, model, arithmetic, stages),
    }
    return Passport(
        model=model.name,
        structure=structure,
        settings=settings,
        laws=tuple(Law(name, getattr(claims, name), measures[name]) for name in LAWS),
        crossed=None if line is None else line.crossed,
        evaluations=count.evaluations,
        seconds=count.seconds,
    )


Measures = tuple[Measure, ...]


class _Arithmetic(NamedTuple):
    """What rounding alone does to the model's numbers."""

    exact: PairPotential
    """Potential that is exact by construction, of the model's size and in its arithmetic."""
    rounding: float
    """Rounding of the model's total energy, eV."""


def _steps(structure: Atoms, settings: PassportSettings, line: Line | None) -> int:
    rotations = len(grid(settings.grid).rotations)
    work = N_POINTS * settings.n_directions
    return 2 + 2 * rotations + len(SHIFTS) + work + (0 if line is None else line_steps(line))


def _orientation(
    structure: Atoms, model: Model, settings: PassportSettings, stages: Stages
) -> tuple[Measures, Measures]:
    part = stages.part("rotations", 2 * len(grid(settings.grid).rotations))

    def report(done: int, total: int | None, **values: object) -> None:
        part(done, total)

    asked = RotationSettings(grid=settings.grid, n_angles=0)
    found = rotational_variance(structure, model, asked, progress=report)
    floor = (found.floor.energy_rot_std, found.floor.forces_rot_std)
    assert found.inversion is not None
    return (
        _pair(found.energy_rot_std, found.forces_rot_std, floor, model.dtype),
        _pair(found.inversion.energy, found.inversion.forces, floor, model.dtype),
    )


def _translation(structure: Atoms, model: Model, arithmetic: _Arithmetic, stages: Stages) -> Measures:
    energy, forces = _shifted(structure, model, stages.part("translation", 1 + len(SHIFTS)))
    floor_energy, floor_forces = _shifted(structure, arithmetic.exact, silent)
    return _pair(energy, forces, (max(floor_energy, arithmetic.rounding / len(structure)), floor_forces), model.dtype)


def _shifted(structure: Atoms, model: Model, progress: Progress) -> tuple[float, float]:
    """Root mean square changes of energy (eV/atom) and forces (eV/Å) under rigid shifts."""
    shifted = [moved(structure, shift) for shift in SHIFTS]
    here, *there = model.predict([structure, *shifted], progress=progress)
    energy = np.array([p.energy - here.energy for p in there]) / len(structure)
    forces = np.array([p.forces - here.forces for p in there])
    return float(np.sqrt(np.mean(energy**2))), float(np.sqrt(np.mean(forces**2)))


def _conservation(
    structure: Atoms, model: Model, arithmetic: _Arithmetic, settings: PassportSettings, stages: Stages
) -> Measures:
    def compared(who: Model, progress: Progress) -> GradientError:
        return gradient_error(
            structure, who, n_directions=settings.n_directions, reach=_REACH, seed=settings.seed, progress=progress
        )

    found = compared(model, stages.part("work", N_POINTS * settings.n_directions))
    floor = compared(arithmetic.exact, silent)
    rounding = arithmetic.rounding / (2 * _REACH * np.sqrt(3 * len(structure)))
    return (Measure("gradient", found.rms, max(floor.rms, rounding), "eV/Å", max(found.error, _LEAST_GRADIENT)),)


def _smoothness(line: Line, model: Model, arithmetic: _Arithmetic, stages: Stages) -> Measures:
    found = smoothness(line, model, progress=stages.part("smoothness", line_steps(line)))
    floor = smoothness(line, arithmetic.exact)
    least = np.maximum(_LEAST_JUMPS, _OUTLIER * np.array(found.noise)).tolist()
    return (
        Measure("jump of the energy", found.energy, max(floor.energy, arithmetic.rounding), "eV", least[0]),
        Measure("jump of the forces", found.forces, floor.forces, "eV/Å", least[1]),
    )


def _pair(energy: float, forces: float, floor: tuple[float, float], dtype: str) -> Measures:
    """Energy (its terms of an electronvolt or so may cancel, but their rounding stays) and forces."""
    return (
        Measure("energy", energy, floor[0], "eV/atom", MARGIN * float(np.finfo(dtype).eps)),
        Measure("forces", forces, floor[1], "eV/Å", EXACT.get(dtype, EXACT["float32"])),
    )
