"""What distillation gives: how the student learned, how good it is, and the student itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.calculations.distillation.settings import DistillationSettings
from mlip_core.records import record


@record("DistillationHistory")
@dataclass(frozen=True, kw_only=True)
class History:
    """How the student learned, epoch after epoch; entry 0 is before it began. Errors are those on variants that it does not learn."""

    epochs: np.ndarray
    """(n,), number of the epoch after which it was measured; 0 is the start."""
    seconds: np.ndarray
    """(n,), wall time of learning up to there, all runs together, s."""
    direct: np.ndarray
    """(n,), mean absolute error of the direct forces by component, as oriented, eV/Å."""
    conservative: np.ndarray
    """(n,), the same of the conservative forces, eV/Å."""
    direct_turned: np.ndarray
    """(n,), mean absolute error of the direct forces on turned copies, eV/Å."""
    conservative_turned: np.ndarray
    """(n,), the same of the conservative forces, eV/Å."""
    direct_rotational: np.ndarray
    """(n,), spread of the direct forces over turned copies, turned back, relative to their root mean square; a pure number."""
    conservative_rotational: np.ndarray
    """(n,), the same of the conservative forces."""
    loss: np.ndarray
    """(n,), mean loss over the epoch's batches; not a number at the start. A pure number."""


@record("StudentErrors")
@dataclass(frozen=True, kw_only=True)
class StudentErrors:
    """Errors of one head against the teacher on variants that the student never met."""

    force_mae: float
    """Mean absolute error of the forces by component, eV/Å."""
    turned_force_mae: float
    """The same on turned copies, eV/Å."""
    rotational: float
    """Spread of the forces over turned copies, relative to their root mean square; a pure number."""
    energy_mae: float
    """Mean absolute error of the energy, eV/atom."""
    stress_mae: float | None
    """Mean absolute error of the stress by component, eV/Å³; None where the structure is no crystal."""
    relative: float
    """`force_mae` over the mean length of the teacher's forces on the same variants; a pure number."""
    met: bool
    """Whether `relative` is within what a good student reaches: 0.13 for direct forces, 0.10 for conservative ones."""


@record("Distillation")
@dataclass(frozen=True, kw_only=True)
class Distillation:
    """An unconstrained student of one structure."""

    model: str
    """Name under which the student is found: ``mlip.load_model(result.model, forces="direct")``."""
    structure: Atoms
    """The structure as the teacher relaxed it: the middle of all variants."""
    settings: DistillationSettings
    """The settings used."""
    teacher: str
    """Name of the model that gave the labels."""
    start: str
    """Name of the model whose weights the student began with."""
    origins: Mapping[str, str]
    """Symbol of each element → symbol of the known element that it began as."""
    history: History
    """How it learned."""
    n_structures: int
    """Number of variants that it learned."""
    n_left_out: int
    """Number of variants for which the teacher gave no usable answer."""
    n_atoms: int
    """Number of atoms of the variants that it learned."""
    mean_force: float
    """Mean length of the teacher's forces on the validation variants, which the history refers to, eV/Å."""
    direct: StudentErrors
    """Of the head for forces, on the test."""
    conservative: StudentErrors
    """Of the energy's derivative, on the test."""
    label_seconds_per_atom: float
    """Wall time of the teacher for an atom, s; as measured when the labels were made."""
    learning_seconds_per_atom: float
    """Wall time of one epoch for an atom, s."""
    processor_seconds: float
    """Processor time of relaxation, labels, learning and test, all runs together, s."""
    card: Mapping[str, Any]
    """What travels with the model file."""
    notes: tuple[str, ...]
    """What a reader must know: variants left out, bars that are not met."""
    weights: np.ndarray
    """(n_bytes,) uint8, the exported model file, from which it can be put into the models folder again; empty in a result
    that came with the program."""
