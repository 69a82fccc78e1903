"""A student in training: epoch after epoch, with a running mean of its weights, and a state from which it goes on.

Nothing depends on how many epochs will follow: neither the learning rate nor the mean nor the random numbers. So epoch 20
is the same whether 20 or 200 were asked for, and learning goes on from any epoch as if it had not stopped.
"""

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.calculations.distillation.batches import Batch, joined, random_operations, single
from mlip_core.calculations.distillation.learning import ERRORS, Errors, answer, errors, loss
from mlip_core.calculations.distillation.network import Student, begin
from mlip_core.calculations.distillation.record import History
from mlip_core.calculations.distillation.settings import DistillationSettings
from mlip_core.errors import CalculationError

BATCH, BATCH_ATOMS = 4, 256
"""Structures that are learned together, and the most atoms."""
RATE, WARMUP, HALF = 1e-3, 20, 6.0
"""Learning rate: it rises over so many steps, and is halved after so many epochs, a third after twice as many, …"""
CLIP = 1.0
"""Longest gradient of a step."""
MEMORY = 8
"""The running mean over weights reaches back a ``MEMORY``-th of all steps so far."""
MOST_LOST = 0.1
"""Share of an epoch's batches whose loss may be no number."""
_SEED_OF_TURNS = 20260117


class Learner:
    """A student, its optimizer and its history.

    Parameters
    ----------
    train, validation : sequence of Atoms
        Labelled variants.
    settings : DistillationSettings
        Seed and whether variants are turned.
    improper : bool
        Whether the teacher obeys inversion, so that the student may learn mirror images as well.
    state : dict, optional
        As :meth:`state` gave it, to go on from there.
    """

    def __init__(
        self,
        train: Sequence[Atoms],
        validation: Sequence[Atoms],
        settings: DistillationSettings,
        *,
        improper: bool,
        state: dict[str, Any] | None = None,
    ) -> None:
        import torch

        self.settings, self._improper = settings, improper
        elements = sorted({int(number) for atoms in train for number in atoms.numbers})
        self.student = begin(elements, seed=settings.seed)
        cutoff = self.student.pet.cutoff
        self.student.offsets = _offsets(self.student, train, [single(atoms, cutoff) for atoms in train])
        self._samples = [self._sample(atoms) for atoms in train]
        self._validation = self.batches(validation)
        self.mean = deepcopy(self.student.backend)
        """Running mean of the weights: what is measured, and becomes the model."""
        self._optimizer = torch.optim.Adam(self.student.backend.parameters(), lr=RATE, betas=(0.9, 0.99))
        self.epoch, self._step, self._seconds = 0, 0, 0.0
        self._rows: list[list[float]] = []
        if state is None:
            self._note(float("nan"))
        else:
            self._take(state)

    @property
    def n_batches(self) -> int:
        """Batches of an epoch."""
        return len(self._shuffled())

    @property
    def n_atoms(self) -> int:
        """Atoms of all variants that are learned."""
        return sum(len(sample.positions) for sample in self._samples)

    @property
    def mean_force(self) -> float:
        """Mean length of the teacher's forces on the validation variants, eV/Å."""
        return float(np.concatenate([batch.forces.norm(dim=1).numpy() for batch in self._validation]).mean())

    @property
    def seconds(self) -> float:
        """Wall time of learning so far, all runs together, s."""
        return self._seconds

    def learn_epoch(self, tick: Callable[[int], None]) -> None:
        """Learn every variant once.

        Parameters
        ----------
        tick : callable
            Told the number of batches done; it may raise to stop.

        Raises
        ------
        CalculationError
            If too many losses are no number; the student as it was after the epoch before is in the last state.
        """
        began = time.perf_counter()
        rng = np.random.default_rng([self.settings.seed, 4, self.epoch])
        losses = []
        for done, batch in enumerate(self._shuffled(), 1):
            turns = random_operations(len(batch.sizes), rng, improper=self._improper)
            losses.append(self._learn(batch.turned(turns) if self.settings.augmentation else batch))
            tick(done)
        finite = [value for value in losses if np.isfinite(value)]
        if len(finite) < (1 - MOST_LOST) * len(losses):
            raise CalculationError(
                f"Learning lost its way in epoch {self.epoch + 1}: the loss was no number in {len(losses) - len(finite)} of "
                f"{len(losses)} batches. The student up to epoch {self.epoch} is kept: ask for {self.epoch} epochs to have "
                "it, or take another seed or a smaller rattle."
            )
        self.epoch += 1
        self._seconds += time.perf_counter() - began
        self._note(float(np.mean(finite)))

    def _learn(self, batch: Batch) -> float:
        """Take one step; a loss that is no number changes nothing."""
        import torch

        for group in self._optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (self._step + 1) / WARMUP) / (1 + self.epoch / HALF)
        self._optimizer.zero_grad()
        value = loss(answer(self.student, self.student.backend, batch, learning=True), batch)
        if not value.isfinite():
            return float("nan")
        value.backward()
        length = torch.nn.utils.clip_grad_norm_(self.student.backend.parameters(), CLIP)
        if not length.isfinite():
            return float("nan")
        self._optimizer.step()
        self._step += 1
        with torch.no_grad():
            for mean, now in zip(self.mean.parameters(), self.student.backend.parameters(), strict=True):
                mean.lerp_(now, MEMORY / (self._step + MEMORY))
        return float(value.detach())

    def errors(self, batches: Sequence[Batch] | None = None) -> Errors:
        """Errors of the student as it stands on the validation variants, or on others."""
        rotations = random_operations(3, np.random.default_rng(_SEED_OF_TURNS), improper=False)
        return errors(self.student, self.mean, batches or self._validation, rotations)

    def batches(self, labelled: Sequence[Atoms]) -> list[Batch]:
        """Labelled structures in their order, as the student is asked about them."""
        return _grouped([self._sample(atoms) for atoms in labelled], BATCH_ATOMS)

    def finished(self) -> Student:
        """Return a student with the mean weights."""
        pet = deepcopy(self.student.pet)
        pet.backend.load_state_dict(self.mean.state_dict())
        return replace(self.student, pet=pet)

    def history(self) -> History:
        """Return how it learned so far."""
        columns = np.array(self._rows, dtype=float).T
        return History(**dict(zip(("epochs", "seconds", *ERRORS, "loss"), columns, strict=True)))

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on as if nothing had happened."""
        return {
            "epoch": self.epoch,
            "step": self._step,
            "seconds": self._seconds,
            "rows": self._rows,
            "weights": self.student.backend.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def _take(self, state: dict[str, Any]) -> None:
        self.epoch, self._step, self._seconds = state["epoch"], state["step"], state["seconds"]
        self._rows = [list(row) for row in state["rows"]]
        self.student.backend.load_state_dict(state["weights"])
        self.mean.load_state_dict(state["mean"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _note(self, mean_loss: float) -> None:
        found = self.errors()
        self._rows.append([self.epoch, self._seconds, *(getattr(found, name) for name in ERRORS), mean_loss])

    def _shuffled(self) -> list[Batch]:
        """Every variant once, in an order that belongs to the epoch."""
        order = np.random.default_rng([self.settings.seed, 3, self.epoch]).permutation(len(self._samples))
        return _grouped([self._samples[i] for i in order], BATCH)

    def _sample(self, atoms: Atoms) -> Batch:
        import torch

        sample = single(atoms, self.student.pet.cutoff)
        alone = torch.tensor(self.student.offsets)[self.student.backend.species_to_species_index[sample.species]]
        return replace(sample, energies=sample.energies - alone.sum())


def _grouped(samples: Sequence[Batch], most: int) -> list[Batch]:
    """Samples in batches of at most so many, and of at most :data:`BATCH_ATOMS` atoms where there is more than one."""
    groups: list[list[Batch]] = []
    atoms = 0
    for sample in samples:
        if not groups or len(groups[-1]) == most or atoms + len(sample.positions) > BATCH_ATOMS:
            groups.append([])
            atoms = 0
        groups[-1].append(sample)
        atoms += len(sample.positions)
    return [joined(group) for group in groups]


def _offsets(student: Student, train: Sequence[Atoms], samples: Sequence[Batch]) -> np.ndarray:
    """(n_elements,), energies of lone atoms with which the student's first answers come nearest to the teacher's, eV."""
    counts = np.array([[np.count_nonzero(atoms.numbers == number) for number in student.elements] for atoms in train])
    wanted = np.array([atoms.info["REF_energy"] for atoms in train])
    said = [answer(student, student.backend, sample, learning=False).energies.item() for sample in samples]
    return np.linalg.lstsq(counts.astype(float), wanted - said, rcond=None)[0]
