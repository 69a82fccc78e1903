"""The relaxation before another calculation, which is then asked at each configuration's own minimum."""

from ase import Atoms

from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task


def to_minimum(fmax: float, *, fix_symmetry: bool) -> RelaxationSettings:
    """Return how cell and atoms are relaxed, down to a largest force (eV/Å)."""
    return RelaxationSettings(fmax=fmax, steps=500, optimizer="LBFGS", cell="full", fix_symmetry=fix_symmetry)


def before(structure: Atoms, member: Configuration, relaxation: RelaxationSettings | None) -> dict[str, Task]:
    """Return the relaxation as what a task waits for; nothing where the structure is taken as given."""
    if relaxation is None:
        return {}
    return {"relaxation": Task(kind="relaxation", subject=structure, configuration=member, settings=relaxation)}
