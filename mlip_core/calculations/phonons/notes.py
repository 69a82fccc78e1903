"""What a person should know about the numbers of a phonon calculation."""

import numpy as np

from mlip_core.calculations.phonons.cells import Cells
from mlip_core.calculations.phonons.displacements import DisplacementSet
from mlip_core.calculations.phonons.nac import MISSING
from mlip_core.calculations.phonons.settings import PhononSettings

FAR_FROM_SYMMETRIC = 0.05
"""Å: beyond this the imposed symmetry is mentioned."""
SHARE_OF_RESPONSE = 0.01
"""Forces at rest above this share of what a displacement causes are mentioned where they do not cancel."""
NOT_AT_REST = 1e-2
"""eV/Å: forces at rest above this are mentioned also where they cancel."""
LOWER_SYMMETRY = "The supercell has a lower symmetry than the crystal: a matrix that keeps it gives better bands."


def notes(
    cells: Cells, data: DisplacementSet, settings: PhononSettings, *, cutoff: float | None = None
) -> tuple[str, ...]:
    """Collect what is to be said.

    Parameters
    ----------
    cells : Cells
        Symmetry of the supercell, distance from the reference's symmetry.
    data : DisplacementSet
        Forces with and without displacements.
    settings : PhononSettings
        Displacements, Born charges.
    cutoff : float, optional
        How far the model looks from an atom, Å, where it is known.

    Returns
    -------
    tuple of str
        Whole sentences.
    """
    found = [
        None if cells.frame.keeps_point_group else LOWER_SYMMETRY,
        _symmetry_imposed(cells, settings),
        _forces_at_rest(data, settings),
        _near_images(cells.image_distance, cutoff),
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


def _forces_at_rest(data: DisplacementSet, settings: PhononSettings) -> str | None:
    at_rest = float(np.linalg.norm(data.residual, axis=1).max())
    caused = float(np.linalg.norm(data.forces - data.residual, axis=2).max(axis=1).min())
    cancelled = settings.plus_minus or settings.subtract_residual or settings.displacements == "full"
    if not cancelled and at_rest > SHARE_OF_RESPONSE * caused:
        return (
            f"The forces at rest reach {1000 * at_rest:.2g} meV/Å, {at_rest / caused:.0%} of what a displacement causes, "
            "and enter the force constants: use ± pairs, subtract them, or relax the structure further."
        )
    if at_rest > NOT_AT_REST:
        return (
            f"The forces at rest reach {1000 * at_rest:.2g} meV/Å: the structure is not at a minimum of this model, "
            "where phonons are defined. Relax it until they are below 1 meV/Å."
        )
    return None


def _near_images(distance: float, cutoff: float | None) -> str | None:
    if cutoff is None or distance >= 2 * cutoff:
        return None
    return (
        f"An atom of the supercell is {distance:.1f} Å from its nearest image, less than twice the model's cutoff of "
        f"{cutoff:.1f} Å, so that a displaced atom is felt from two sides: take a larger supercell."
    )
