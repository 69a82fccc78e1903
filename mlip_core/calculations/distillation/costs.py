"""What learning a structure will take, before anything is computed."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from mlip_core.calculations.distillation.settings import DistillationSettings, n_test, n_validation
from mlip_core.calculations.distillation.variants import KINDS, repetitions

LABEL_SECONDS = {"sevennet-0": 0.016, "sevennet-l3i5": 0.036, "chgnet": 0.004}
"""Processor time of a teacher for an atom on one core, s, where none was measured on this machine."""
SLOW_LABEL = 0.036
"""The same for a teacher that is not known, s."""
LEARNING_SECONDS = 0.0025
"""Processor time of one epoch for an atom on one core, s, both heads and what is measured after the epoch."""
ONCE_SECONDS = 15.0
"""For loading, the relaxation by the teacher, test and export, s."""


@dataclass(frozen=True)
class Cost:
    """What learning a structure will take."""

    n_structures: int
    """Number of variants that are labelled, those of validation and test among them."""
    n_atoms: int
    """Number of their atoms, about."""
    label_seconds: float
    """Time of the teacher, s."""
    learning_seconds: float
    """Time of learning, s."""

    @property
    def seconds(self) -> float:
        """Time in all, s."""
        return ONCE_SECONDS + self.label_seconds + self.learning_seconds


def mean_atoms(structure: Atoms) -> float:
    """Mean number of atoms of a variant."""
    return sum(
        kind.share * len(structure) * float(np.mean([np.prod(shape) for shape in repetitions(structure, *kind.atoms)]))
        for kind in KINDS.values()
    )


def cost(
    structure: Atoms, settings: DistillationSettings, *, label: float, learning: float, epochs_done: int = 0
) -> Cost:
    """Estimate what learning a structure will take.

    Parameters
    ----------
    structure : Atoms
        To be learned.
    settings : DistillationSettings
        How much and how long.
    label : float
        Time of the teacher for an atom, s.
    learning : float
        Time of an epoch for an atom, s.
    epochs_done : int
        Epochs that are learned already, with their labels.

    Returns
    -------
    Cost
    """
    atoms = mean_atoms(structure)
    n = settings.n_structures + n_validation(settings) + n_test(settings)
    epochs = max(settings.epochs - epochs_done, 0)
    return Cost(
        n_structures=n,
        n_atoms=round(n * atoms),
        label_seconds=0.0 if epochs_done else n * atoms * label,
        learning_seconds=settings.n_structures * atoms * epochs * learning,
    )
