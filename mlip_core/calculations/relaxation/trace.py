"""What is recorded at every step of a relaxation, and the work done on the way."""

from typing import Any, NamedTuple

import numpy as np
from ase import Atoms

from mlip_core.calculations.relaxation.space_groups import FollowedSpaceGroup

TIGHT, LOOSE = 1e-5, 1e-2
"""Tight and loose tolerance with which the space group is followed, Å."""

MAX_FRAMES = 200
"""Number of frames above which they are thinned evenly; the first and the last always stay."""


class State(NamedTuple):
    """A structure and what the model says about it."""

    atoms: Atoms
    """Structure, its positions not wrapped into the cell."""
    forces: np.ndarray
    """(n_atoms, 3), forces, eV/Å."""
    stress: np.ndarray | None
    """(3, 3), stress, eV/Å³, positive under tension; None where the model gives none."""


class Trace:
    """What happened in a relaxation so far.

    Parameters
    ----------
    atoms : Atoms
        The structure that the optimizer moves, with its calculator.
    """

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
        self._space_groups = FollowedSpaceGroup(TIGHT), FollowedSpaceGroup(LOOSE)
        self._stride = 1
        self._previous: State | None = None

    @property
    def n_steps(self) -> int:
        """Number of steps taken."""
        return len(self.energies) - 1

    @property
    def last(self) -> Atoms:
        """The last structure for which the model answered."""
        assert self._previous is not None
        return self._previous.atoms

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
        tight, loose = (group.of(frame) for group in self._space_groups)
        self.groups.append((tight, loose))
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
