"""A full comparison: what is asked of a structure and a line-up, and how coarsely, so that it takes minutes."""

from collections.abc import Mapping, Sequence

import numpy as np
from ase import Atoms

from mlip_core.calculations.conservation import ConservationSettings, Loop
from mlip_core.calculations.force_errors import ForceErrorSettings
from mlip_core.calculations.passport import PassportSettings
from mlip_core.calculations.phonons import PhononSettings
from mlip_core.calculations.phonons.supercells import image_distance
from mlip_core.calculations.relaxation import RelaxationSettings
from mlip_core.calculations.rotations import RotationSettings
from mlip_core.calculations.speed import SpeedSettings
from mlip_core.configuration import Configuration
from mlip_core.datasets.stored import StoredDataset
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import entry
from mlip_core.structures import standardise
from mlip_core.symmetry.corrections import RANDOM_FRAME
from mlip_core.symmetry.moving import large_enough, rattled

KINDS = ("passport", "relaxation", "rotational_variance", "speed", "phonons", "conservation", "force_errors")
"""Calculations of a full comparison, roughly from the cheap to the dear."""
RATTLE = 0.05
"""Standard deviation of the displacements with which rotations and conservation are measured, Å."""
COPIES, RATTLES = 24, (0.02, 0.05, 0.1, 0.15)
"""Number of rattled copies on which forces are compared, and the standard deviations of their displacements in turn, Å."""
IMAGES = 7.0
"""Distance between an atom and its nearest image in the supercell of a quick phonon calculation, Å, at least."""
SIZES, SIZES_MOLECULE = (8, 64), (8, 64, 216, 512, 1000)
"""Numbers of atoms with which speed is measured; a molecule is measured as it is."""

Questions = Mapping[str, Mapping[Configuration, Task]]
"""Calculation → member → what is asked of it; what cannot be asked of a member is missing."""


def questions(
    structure: Atoms,
    members: Sequence[Configuration],
    data: StoredDataset | None = None,
    reference: Configuration | None = None,
) -> Questions:
    """Ask a line-up everything that the summary is made of.

    Parameters
    ----------
    structure : Atoms
        Crystal, slab or molecule.
    members : sequence of Configuration
        The line-up; members that do not know an element are asked nothing.
    data : StoredDataset, optional
        Structures on which forces are compared; None leaves them out.
    reference : Configuration, optional
        With whose forces they are compared; None takes the labels of the data.

    Returns
    -------
    mapping of str to mapping of Configuration to Task
        In the order of :data:`KINDS`.
    """
    able = [member for member in members if not unknown_elements(member, structure)]
    gentle = all(member.constrained for member in able)
    asked: dict[str, dict[Configuration, Task]] = {kind: {} for kind in KINDS}
    for member in able:
        for task in _of_member(structure, member, gentle=gentle):
            asked[task.kind][member] = task
        if data is not None and member != reference:
            asked["force_errors"][member] = Task(
                kind="force_errors",
                subject=data,
                configuration=member,
                settings=ForceErrorSettings(),
                other=reference,
            )
    return asked


def unknown_elements(member: Configuration, structure: Atoms) -> tuple[str, ...]:
    """Return the symbols in a structure that a member's model does not know; none where its makers give no list."""
    return entry(member.model).unknown(structure.get_chemical_symbols())


def rattled_copies(structure: Atoms) -> list[Atoms]:
    """Return copies, repeated where they are small, with normal random displacements of several widths, tagged with these."""
    copies, structure = [], large_enough(structure)
    for seed in range(COPIES):
        width = RATTLES[seed % len(RATTLES)]
        copy = rattled(structure, width, seed)
        copy.info = {"rattle": f"{width:g} Å"}
        copies.append(copy)
    return copies


def quick_supercell(cell: Atoms) -> tuple[int, ...]:
    """Return repeats along a, b, c of a crystal with images at least :data:`IMAGES` apart, as few as that takes.

    Parameters
    ----------
    cell : Atoms
        Periodic in three directions.

    Returns
    -------
    tuple of int
        The shortest vector of the supercell is repeated once more as long as images are nearer.
    """
    repeats = np.ones(3, dtype=int)
    while image_distance(cell, repeats) < IMAGES:
        repeats[np.argmin(repeats * cell.cell.lengths())] += 1
    return tuple(int(n) for n in repeats)


def _of_member(structure: Atoms, member: Configuration, *, gentle: bool) -> list[Task]:
    crystal, large = bool(structure.pbc.all()), large_enough(structure)
    framed = member.corrections.rotations == RANDOM_FRAME
    sizes = SIZES if structure.pbc.any() else SIZES_MOLECULE
    relaxation = RelaxationSettings(fmax=1e-2, steps=300, cell="full" if crystal else "none")
    speed = SpeedSettings(n_atoms=sizes, repeats=3, seconds=5.0)
    asked = [
        Task(kind="passport", subject=structure, configuration=member, settings=PassportSettings()),
        Task(kind="relaxation", subject=structure, configuration=member, settings=relaxation),
        Task(
            kind="rotational_variance",
            subject=large,
            configuration=member,
            settings=RotationSettings(rattle=RATTLE),
        ),
        Task(kind="speed", subject=structure, configuration=member, settings=speed),
        Task(
            kind="conservation",
            subject=large,
            configuration=member,
            settings=_conservation(large, framed=framed),
            other=member.other_head,
        ),
    ]
    return [*asked, _phonons(structure, member, gentle=gentle)] if crystal and not framed else asked


def _conservation(structure: Atoms, *, framed: bool) -> ConservationSettings:
    loop = Loop(
        atom_a=0,
        atom_b=min(1, len(structure) - 1),
        direction_a=(1.0, 0.0, 0.0),
        direction_b=(0.0, 1.0, 0.0),
        radius=0.05,
    )
    return ConservationSettings(loop=loop, n_random_loops=0, rattle=RATTLE, jacobian=not framed, loops=not framed)


def _phonons(structure: Atoms, member: Configuration, *, gentle: bool) -> Task:
    """Ask for phonons at the member's own minimum; every displacement as soon as one of the line-up is unconstrained."""
    cell = standardise(structure)
    common = {"subject": cell, "configuration": member}
    relaxation = RelaxationSettings(fmax=1e-4, steps=500, optimizer="LBFGS", cell="full", fix_symmetry=True)
    settings = PhononSettings(
        supercell_matrix=quick_supercell(cell),
        displacement=0.01 if gentle else 0.03,
        displacements="reduced" if gentle else "full",
    )
    first = Task(kind="relaxation", settings=relaxation, **common)
    return Task(kind="phonons", settings=settings, before={"relaxation": first}, reference=cell, **common)
