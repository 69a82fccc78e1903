"""What a person should know about the numbers of a phonon calculation."""

from mlip_core.calculations.phonons.cells import Cells
from mlip_core.calculations.phonons.nac import MISSING
from mlip_core.calculations.phonons.settings import PhononSettings

FAR_FROM_SYMMETRIC = 0.05
"""Å: beyond this the imposed symmetry is mentioned."""
LOWER_SYMMETRY = "The supercell has a lower symmetry than the crystal: a matrix that keeps it gives better bands."


def notes(cells: Cells, settings: PhononSettings) -> tuple[str, ...]:
    """Collect what is to be said.

    Parameters
    ----------
    cells : Cells
        Symmetry of the supercell, distance from the reference's symmetry.
    settings : PhononSettings
        Displacements, Born charges.

    Returns
    -------
    tuple of str
        Whole sentences.
    """
    found = [
        None if cells.frame.keeps_point_group else LOWER_SYMMETRY,
        _symmetry_imposed(cells, settings),
        None if settings.nac else MISSING,
    ]
    return tuple(note for note in found if note)


def _symmetry_imposed(cells: Cells, settings: PhononSettings) -> str | None:
    if cells.deviation <= FAR_FROM_SYMMETRIC:
        return None
    return (
        f"The structure is {cells.deviation:.2g} Å away from the symmetry of the reference, which was imposed on "
        + ("the displacements." if settings.displacements == "reduced" else "the correction.")
    )
