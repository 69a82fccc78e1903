"""How a student answers, how wrong it is, and one step of learning: functions of tensors, without files or settings."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mlip_core.calculations.distillation.batches import Batch
from mlip_core.calculations.distillation.network import ENERGY, FORCE, STRESS, Student

ENERGY_WEIGHT, FORCE_WEIGHT, STRESS_WEIGHT = 4.0, 20.0, 200.0
"""Weights of the Huber losses of energy by atom, of forces (each head) and of stress (each head)."""
ENERGY_DELTA, FORCE_DELTA, STRESS_DELTA = 0.01, 0.005, 0.002
"""Where the Huber losses turn from squares into absolute values, eV, eV/Å and eV/Å³: nearly absolute errors, so that the
large forces of the few widest variants do not drown those near equilibrium, which make the phonons."""


@dataclass(frozen=True)
class Answer:
    """What a student says about a batch."""

    energies: Any
    """(n_structures,), without the energies of lone atoms, eV."""
    forces: Any
    """(n_atoms, 3), −∂E/∂x, eV/Å."""
    stresses: Any
    """(n_structures, 3, 3), from the energy, eV/Å³; not a number without a 3D cell."""
    direct_forces: Any
    """(n_atoms, 3), from the head, eV/Å."""
    direct_stresses: Any
    """(n_structures, 3, 3), from the head, eV/Å³."""


@dataclass(frozen=True)
class Errors:
    """How far a student is from the teacher on a batch, as oriented and turned."""

    direct: float
    """Mean absolute error of the direct forces by component, eV/Å."""
    conservative: float
    """The same of the conservative forces, eV/Å."""
    direct_turned: float
    """Mean absolute error of the direct forces on turned copies, eV/Å."""
    conservative_turned: float
    """The same of the conservative forces, eV/Å."""
    direct_rotational: float
    """Spread of the direct forces over all copies, turned back, over their root mean square; a pure number."""
    conservative_rotational: float
    """The same of the conservative forces."""


ERRORS = tuple(field.name for field in fields(Errors))
"""Names of the errors that are followed while the student learns."""


def answer(student: Student, backend: Any, batch: Batch, *, learning: bool) -> Answer:
    """Ask a student about a batch, both heads at once.

    Parameters
    ----------
    student : Student
        Gives scales and cutoff.
    backend : torch.nn.Module
        The weights to use: the student's, or their running mean.
    batch : Batch
        Structures.
    learning : bool
        Whether the answer is to be derived with respect to the weights.
    """
    import torch

    n = len(batch.sizes)
    positions = batch.positions.detach().requires_grad_()
    strain = torch.eye(3).repeat(n, 1, 1).requires_grad_()
    moved = torch.einsum("ij,ijk->ik", positions, strain[batch.owner])
    cells = batch.cells @ strain
    backend.train(learning)
    data = backend.preprocess(
        moved,
        batch.centers,
        batch.neighbors,
        batch.species,
        cells,
        batch.shifts,
        batch.owner,
        student.pet.cutoff_width_adaptive,
    )
    raw, _, _ = backend.predict(*backend.calculate_features(data), data, cells, batch.owner, [ENERGY, FORCE, STRESS])
    energies = _by_structure(raw[ENERGY][0], batch)[:, 0] * student.scales[ENERGY]
    slopes = torch.autograd.grad(energies.sum(), [positions, strain], create_graph=learning, retain_graph=learning)
    of_element = student.scales[FORCE][backend.species_to_species_index[batch.species]]
    volumes = torch.linalg.det(batch.cells).abs()[:, None, None]
    return Answer(
        energies=energies,
        forces=-slopes[0],
        stresses=(slopes[1] + slopes[1].transpose(1, 2)) / 2 / volumes,
        direct_forces=raw[FORCE][0].reshape(-1, 3) * of_element[:, None],
        direct_stresses=_by_structure(raw[STRESS][0], batch).reshape(n, 3, 3) * student.scales[STRESS],
    )


def _by_structure(values: Any, batch: Batch) -> Any:
    """Sum of the atoms' values, (n_structures, n_values)."""
    import torch

    return torch.zeros(len(batch.sizes), values[0].numel()).index_add(0, batch.owner, values.reshape(len(values), -1))


def loss(found: Answer, batch: Batch) -> Any:
    """Weighted sum of the Huber losses of energy, both forces and both stresses.

    Stresses count where the structure is a crystal.
    """
    from torch.nn.functional import huber_loss

    energies = huber_loss(found.energies / batch.sizes, (batch.energies / batch.sizes).float(), delta=ENERGY_DELTA)
    forces = sum(huber_loss(forces, batch.forces, delta=FORCE_DELTA) for forces in (found.forces, found.direct_forces))
    total = ENERGY_WEIGHT * energies + FORCE_WEIGHT * forces
    crystals = batch.stresses[:, 0, 0].isfinite()
    if not crystals.any():
        return total
    stresses = sum(
        huber_loss(stress[crystals], batch.stresses[crystals], delta=STRESS_DELTA)
        for stress in (found.stresses, found.direct_stresses)
    )
    return total + STRESS_WEIGHT * stresses


def errors(student: Student, backend: Any, batches: Sequence[Batch], rotations: np.ndarray) -> Errors:
    """Measure both heads as oriented and on turned copies.

    Parameters
    ----------
    student : Student
        Gives scales and cutoff.
    backend : torch.nn.Module
        The weights to use.
    batches : sequence of Batch
        With the teacher's answers.
    rotations : (n, 3, 3) array
        By which all structures are turned, one after the other.
    """
    asked = [_in_all_orientations(student, backend, batch, rotations) for batch in batches]
    reference = np.concatenate([batch.forces.numpy() for batch in batches]).astype(float)
    heads = {name: np.concatenate([heads[name] for heads in asked], axis=1) for name in ("direct", "conservative")}
    return Errors(
        **{name: float(np.abs(forces[0] - reference).mean()) for name, forces in heads.items()},
        **{f"{name}_turned": float(np.abs(forces[1:] - reference).mean()) for name, forces in heads.items()},
        **{f"{name}_rotational": relative_spread(forces) for name, forces in heads.items()},
    )


def _in_all_orientations(student: Student, backend: Any, batch: Batch, rotations: np.ndarray) -> dict[str, np.ndarray]:
    """(1 + n, n_atoms, 3) forces of each head, turned back; the first as oriented."""
    found: dict[str, list[np.ndarray]] = {"direct": [], "conservative": []}
    for rotation in (np.eye(3), *rotations):
        turned = batch.turned(np.broadcast_to(rotation, (len(batch.sizes), 3, 3)).copy())
        said = answer(student, backend, turned, learning=False)
        for name, forces in (("direct", said.direct_forces), ("conservative", said.forces)):
            found[name].append(forces.detach().numpy().astype(float) @ rotation)
    return {name: np.array(copies) for name, copies in found.items()}


def relative_spread(forces: np.ndarray) -> float:
    """Root mean square deviation from the mean over copies, over the root mean square of that mean.

    Parameters
    ----------
    forces : (n_copies, n_atoms, 3) array
        Of the same atoms in several orientations, turned back.

    Returns
    -------
    float
        Not a number where the mean vanishes.
    """
    mean = forces.mean(axis=0)
    size = np.sqrt(np.mean(mean**2))
    return float(np.sqrt(np.mean((forces - mean) ** 2)) / size) if size > 0 else float("nan")
