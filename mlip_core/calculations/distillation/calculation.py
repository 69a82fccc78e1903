"""Learn a structure: a constrained teacher labels its variants, an unconstrained student learns them.

The student is a small PET with both heads, begun from the weights of the bundled one. Its errors against the teacher are
exact, because the teacher can be asked about everything. How its forces come to turn with the structure is learned, from
copies that are turned at random: the rotational error in the history falls as they are.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from mlip_core.calculations.distillation.labelling import Labels, label
from mlip_core.calculations.distillation.learner import Learner
from mlip_core.calculations.distillation.network import exported
from mlip_core.calculations.distillation.publishing import card_of, install, name_of, names_taken, tested
from mlip_core.calculations.distillation.record import Distillation
from mlip_core.calculations.distillation.settings import START, DistillationSettings, start_weights
from mlip_core.calculations.distillation.workshop import Workshop, write
from mlip_core.errors import CalculationError, ModelError, SettingsError, StructureError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent

MOST_ATOMS = 200
"""Largest structure that is learned; a larger cell of the same crystal teaches nothing that a smaller one does not."""
TICK = 0.5
"""Seconds between two reports within an epoch."""


def distill(
    structure: Atoms,
    model: Model,
    settings: DistillationSettings | None = None,
    *,
    progress: Progress = silent,
) -> Distillation:
    """Make an unconstrained model of one structure from what a constrained one says of it.

    The teacher relaxes the structure within its space group and labels strained, rattled and displaced variants of it. A
    small PET with the weights of the bundled one, new elements beginning as the most similar known ones, learns energies,
    forces and stresses of both heads. The result lies in the models folder.

    Labels and the state after each epoch are kept in the home folder: the same question goes on after a stop, and with
    more ``epochs`` from where it was.

    Parameters
    ----------
    structure : Atoms
        A crystal, slab or molecule of at most 200 atoms; not changed.
    model : Model
        The teacher: with exact rotations and conservative forces, or one that claims nothing.
    settings : DistillationSettings, optional
        How much and how long to learn.
    progress : callable, optional
        Told the steps of each stage; after each epoch also ``history``, a dict of lists named as in :class:`History`, and
        ``mean_force`` (eV/Å). It may raise to stop within an epoch.

    Returns
    -------
    Distillation

    Raises
    ------
    ModelError
        If the teacher does not cover the structure.
    SettingsError
        If the teacher itself obeys no symmetry, or the weights to begin with are not those of the settings.
    StructureError
        If the structure is too large, or a lone atom.
    CalculationError
        If the teacher fails on too many variants, the loss is no number, or the disk is full: says what is kept.
    """
    settings, teacher = settings or DistillationSettings(), model
    check(structure, teacher, settings)
    began = time.process_time()
    workshop = Workshop(structure, teacher, settings)
    earlier = _spent(workshop)
    try:
        labels = label(structure, teacher, settings, workshop, progress)
        learner = _learned(labels, teacher, settings, workshop, progress)
    finally:
        with suppress(CalculationError):  # what went wrong before matters more
            write(workshop.path("processor-seconds"), f"{earlier + time.process_time() - began:.3f}".encode())
    result = _result(labels, learner, teacher, workshop, seconds=earlier + time.process_time() - began)
    install(result)
    return result


def check(structure: Atoms, teacher: Model, settings: DistillationSettings) -> None:
    """Refuse what cannot be learned, before anything is computed; raises as :func:`distill` says."""
    if settings.start != start_weights():
        raise SettingsError(
            f"These settings belong to a student that began with other weights ({settings.start}) than {START} has here. "
            "Ask anew without start=."
        )
    if teacher.forces == "direct" or teacher.claims.rotation is False:
        raise SettingsError(
            f"{teacher.name} does not obey the symmetry that a student is to learn from it. Choose a teacher with exact "
            "rotations and conservative forces: SevenNet-0, SevenNet-l3i5 or CHGNet."
        )
    check_structure(structure, teacher.name, teacher.elements)


def check_structure(structure: Atoms, teacher: str, elements: frozenset[int] | None) -> None:
    """Refuse a structure that cannot be learned from a teacher.

    Parameters
    ----------
    structure : Atoms
        As given.
    teacher : str
        Name of the teacher.
    elements : frozenset of int or None
        Atomic numbers that it covers; None where it does not say.

    Raises
    ------
    ModelError
        If the teacher does not cover it.
    StructureError
        If it is too large, or a lone atom.
    """
    if len(structure) > MOST_ATOMS:
        raise StructureError(
            f"The structure has {len(structure)} atoms; at most {MOST_ATOMS} are learned. Take the primitive or a smaller "
            "cell of the same crystal: its supercells are among the variants."
        )
    if len(structure) == 1 and not structure.pbc.any():
        raise StructureError("A lone atom feels no force, so that there is nothing to learn. Choose another structure.")
    missing = set(structure.numbers.tolist()) - elements if elements is not None else set()
    if missing:
        names = ", ".join(chemical_symbols[number] for number in sorted(missing))
        raise ModelError(
            f"{teacher} does not know {names}, so that it cannot teach this structure. Choose another teacher."
        )


def _learned(
    labels: Labels, teacher: Model, settings: DistillationSettings, workshop: Workshop, progress: Progress
) -> Learner:
    """Learn, from the last state that is kept to the number of epochs that is asked for."""
    stage = "learning" if settings.augmentation else "learning without turning"
    progress(0, settings.epochs, stage=stage)
    learner = Learner(
        labels.parts["train"],
        labels.parts["validation"],
        settings,
        improper=bool(teacher.claims.inversion),
        state=workshop.checkpoint(settings.epochs),
    )
    per_epoch = learner.n_batches
    total = settings.epochs * per_epoch
    _tell(progress, learner, total, per_epoch, stage)
    while learner.epoch < settings.epochs:
        before = learner.epoch * per_epoch
        learner.learn_epoch(_ticking(progress, before, total, stage))
        workshop.keep(learner.state(), learner.epoch, last=learner.epoch == settings.epochs)
        _tell(progress, learner, total, per_epoch, stage)
    return learner


def _tell(progress: Progress, learner: Learner, total: int, per_epoch: int, stage: str) -> None:
    """Report the whole history: whoever looks later, or only now and then, sees all of it."""
    history = {name: np.round(values, 6).tolist() for name, values in vars(learner.history()).items()}
    history["loss"] = [None if np.isnan(value) else value for value in history["loss"]]
    progress(learner.epoch * per_epoch, total, stage=stage, history=history, mean_force=learner.mean_force)


def _ticking(progress: Progress, before: int, total: int, stage: str) -> Callable[[int], None]:
    """Report batches, but not more often than somebody can see."""
    last = time.perf_counter()

    def tick(done: int) -> None:
        nonlocal last
        if time.perf_counter() - last >= TICK:
            last = time.perf_counter()
            progress(min(before + done, total), total, stage=stage)

    return tick


def _result(labels: Labels, learner: Learner, teacher: Model, workshop: Workshop, *, seconds: float) -> Distillation:
    settings = learner.settings
    heads = tested(learner, labels.parts["test"])
    weights = exported(learner.finished())
    name = name_of(labels.structure, workshop.student, names_taken())
    train = labels.parts["train"]
    card = card_of(
        name, workshop.student, labels.structure, teacher, settings,
        learner=learner, train=train, heads=heads, weights=weights,
    )  # fmt: skip
    return Distillation(
        model=name,
        structure=labels.structure,
        settings=settings,
        teacher=teacher.name,
        start=START,
        origins=card["start"]["elements"],
        history=learner.history(),
        n_structures=len(train),
        n_left_out=sum(labels.left_out.values()),
        n_atoms=learner.n_atoms,
        mean_force=learner.mean_force,
        direct=heads["direct"],
        conservative=heads["conservative"],
        label_seconds_per_atom=labels.seconds_per_atom,
        learning_seconds_per_atom=learner.seconds / (learner.epoch * learner.n_atoms),
        processor_seconds=seconds,
        card=card,
        notes=_notes(labels, card, teacher),
        weights=np.frombuffer(weights, dtype=np.uint8),
    )


def _notes(labels: Labels, card: dict[str, Any], teacher: Model) -> tuple[str, ...]:
    lost = sum(labels.left_out.values())
    notes = [card["entry"]["note"]]
    if lost:
        notes.append(f"{teacher.name} gave no usable answer for {lost} of the variants; they were left out.")
    return tuple(notes)


def _spent(workshop: Workshop) -> float:
    """Processor time of earlier runs of this question, s."""
    path: Path = workshop.path("processor-seconds")
    return float(path.read_text()) if path.exists() else 0.0
