"""The teacher's part: it relaxes the structure and labels the variants; those it cannot answer are left out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

import numpy as np
from ase import Atoms
from ase.io import write

from mlip_core.calculations.distillation.settings import DistillationSettings, n_test, n_validation
from mlip_core.calculations.distillation.variants import SPLITS, Split, variants
from mlip_core.calculations.distillation.workshop import Workshop
from mlip_core.calculations.distillation.workshop import write as write_whole
from mlip_core.calculations.relaxation.calculation import RelaxationSettings, relax
from mlip_core.errors import CalculationError, Cancelled, MlipError
from mlip_core.models.model import Model
from mlip_core.progress import Progress
from mlip_core.training.labels import labelled, read_labels

CHUNK = 8
"""Variants that are labelled together; so many are done again after a stop."""
MOST_FAILED = 0.2
"""Share of the variants that the teacher may leave without an answer."""
LARGEST_FORCE = 50.0
"""eV/Å; a larger one tells of atoms that met, not of the material."""
RELAXED_ATOMS = 1500
"""Atoms times steps that the relaxation may take."""
_GIVEN = 8
"""Every so many-th variant is one of the structure as given, the others of the relaxed one."""


@dataclass(frozen=True)
class Labels:
    """Labelled variants of one structure."""

    structure: Atoms
    """The structure in the middle of them: as the teacher relaxed it."""
    parts: dict[Split, list[Atoms]]
    """The variants by what they are for."""
    left_out: dict[Split, int]
    """How many the teacher could not answer."""
    seconds_per_atom: float
    """Wall time of the teacher, s."""


def relaxed(structure: Atoms, teacher: Model, progress: Progress) -> Atoms:
    """Structure as the teacher relaxes it within its space group; as given where that fails.

    The symmetry is kept so that a saddle point stays one: the student shall know the teacher's soft modes.
    """
    crystal = bool(structure.pbc.all()) and structure.cell.rank == 3
    plain = Atoms(structure.numbers, structure.positions, cell=structure.cell, pbc=structure.pbc)
    settings = RelaxationSettings(
        fmax=5e-3,
        steps=int(np.clip(RELAXED_ATOMS // len(plain), 10, 100)),
        optimizer="LBFGS",
        cell="full" if crystal else "none",
        fix_symmetry=crystal,
        symprec=1e-3,
    )
    try:
        return relax(plain, teacher, settings, progress=progress).structure
    except Cancelled:
        raise
    except (MlipError, ValueError, RuntimeError):
        return plain


def made(structure: Atoms, middle: Atoms, settings: DistillationSettings) -> dict[Split, list[Atoms]]:
    """All variants that are to be labelled."""
    numbers = {"train": settings.n_structures, "validation": n_validation(settings), "test": n_test(settings)}
    found: dict[Split, list[Atoms]] = {}
    for place, split in enumerate(SPLITS):
        around, given = (
            variants(atoms, numbers[split], seed=(settings.seed, place), strain=settings.strain, rattle=settings.rattle)
            for atoms in (middle, structure)
        )
        found[split] = [given[i] if i % _GIVEN == _GIVEN - 1 else around[i] for i in range(numbers[split])]
    return found


def label(
    structure: Atoms, teacher: Model, settings: DistillationSettings, workshop: Workshop, progress: Progress
) -> Labels:
    """Relax, make variants and label them, or take what an earlier run did of that.

    Raises
    ------
    CalculationError
        If the teacher leaves too many without an answer, or the disk is full.
    """
    middle = _middle(structure, teacher, workshop, progress)
    todo = made(structure, middle, settings)
    chunks = [(split, i, todo[split][i : i + CHUNK]) for split in SPLITS for i in range(0, len(todo[split]), CHUNK)]
    total, done = sum(len(members) for members in todo.values()), 0
    found: dict[Split, list[Atoms]] = {split: [] for split in SPLITS}
    seconds, atoms = 0.0, 0
    for split, place, members in chunks:
        progress(done, total, stage="labels of the teacher")
        path = workshop.labels / f"{split}-{place:05d}.extxyz"
        if not path.exists():
            began = time.perf_counter()
            answers = answered(members, teacher)
            seconds, atoms = seconds + time.perf_counter() - began, atoms + sum(map(len, members))
            write_whole(path, _text(answers))
        found[split] += read_labels(path) if path.stat().st_size else []
        done += len(members)
        progress(done, total, stage="labels of the teacher")
    left_out = {split: len(todo[split]) - len(found[split]) for split in SPLITS}
    _enough(left_out, todo, teacher)
    return Labels(middle, found, left_out, _speed(workshop, seconds, atoms))


def answered(members: Sequence[Atoms], teacher: Model) -> list[Atoms]:
    """Labelled copies of those that the teacher can answer."""
    try:
        found = labelled(members, teacher)
    except (Cancelled, MemoryError):
        raise
    except Exception:
        if len(members) <= 1:
            return []
        return [copy for atoms in members for copy in answered([atoms], teacher)]
    for copy in found:
        if copy.info["REF_stress"] is None:
            copy.info["REF_stress"] = np.zeros((3, 3))  # a file holds no None; the batches know it by the periodicity
    return [copy for copy in found if np.abs(copy.arrays["REF_forces"]).max() < LARGEST_FORCE]


def _middle(structure: Atoms, teacher: Model, workshop: Workshop, progress: Progress) -> Atoms:
    path = workshop.labels / "relaxed.extxyz"
    if not path.exists():

        def report(done: int, total: int | None, **values: object) -> None:
            progress(done, total, stage="relaxation by the teacher")

        write_whole(path, _text(answered([relaxed(structure, teacher, report)], teacher)))
    if not path.stat().st_size:
        raise CalculationError(
            f"{teacher.name} gives no usable answer for this structure itself. Are atoms too close, or the cell far from a "
            "material's? Choose another teacher or structure."
        )
    found = read_labels(path)[0]
    return Atoms(found.numbers, found.positions, cell=found.cell, pbc=found.pbc)


def _text(frames: list[Atoms]) -> bytes:
    text = StringIO()
    if frames:
        write(text, frames, format="extxyz", write_results=False)
    return text.getvalue().encode()


def _enough(left_out: dict[Split, int], todo: dict[Split, list[Atoms]], teacher: Model) -> None:
    lost, asked = sum(left_out.values()), sum(len(members) for members in todo.values())
    if lost > MOST_FAILED * asked or any(left_out[split] == len(todo[split]) for split in SPLITS):
        raise CalculationError(
            f"{teacher.name} gave no usable answer for {lost} of {asked} variants of this structure, so that there is too "
            "little to learn from. Take a smaller rattle, or another teacher."
        )


def _speed(workshop: Workshop, seconds: float, atoms: int) -> float:
    """Wall time for an atom, measured by the run that labelled; kept for those that go on."""
    path = workshop.labels / "seconds-per-atom"
    if atoms:
        write_whole(path, f"{seconds / atoms:.6g}".encode())
    return float(path.read_text()) if path.exists() else 0.0
