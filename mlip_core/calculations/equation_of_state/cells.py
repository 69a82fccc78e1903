"""The crystal at other volumes, and which structures have no volume to speak of."""

import numpy as np
from ase import Atoms

from mlip_core.errors import SettingsError

_VACUUM = 8.0
"""Å; no crystal has planes of atoms this far apart (caesium's are 4.3 Å), a slab or molecule in a box has."""


def check_crystal(structure: Atoms) -> None:
    """Refuse what has no volume of its own.

    Parameters
    ----------
    structure : Atoms
        Anything.

    Raises
    ------
    SettingsError
        If the structure is not periodic in three directions, or empty space separates its periodic images.
    """
    if not (structure.pbc.all() and structure.cell.rank == 3):
        kind = "a molecule" if not structure.pbc.any() else "a slab or a wire, not periodic in all three directions"
        raise SettingsError(
            f"An equation of state needs a crystal, and this is {kind}: it has no volume of its own. Choose a crystal."
        )
    gaps = empty_layers(structure)
    if gaps.max() > _VACUUM:
        raise SettingsError(
            f"An equation of state needs a crystal, and this cell has an empty layer of {gaps.max():.1f} Å along "
            f"{'abc'[int(gaps.argmax())]}: a slab or a molecule in a box, whose volume is mostly that of the empty space. "
            "Choose a crystal."
        )


def empty_layers(structure: Atoms) -> np.ndarray:
    """Thickness of the thickest layer without atoms parallel to each face of the cell.

    Parameters
    ----------
    structure : Atoms
        Periodic in three directions.

    Returns
    -------
    (3,) array
        From plane of atoms to plane of atoms, for the faces that a, b and c cross, Å.
    """
    places = np.sort(structure.get_scaled_positions(), axis=0)
    gaps = np.diff(places, axis=0, append=places[:1] + 1).max(axis=0)
    heights = 1 / np.linalg.norm(np.linalg.inv(structure.cell.array), axis=0)
    return gaps * heights


def at_volumes(structure: Atoms, factors: np.ndarray) -> list[Atoms]:
    """Scale a crystal to other volumes; shape and fractional coordinates stay.

    Parameters
    ----------
    structure : Atoms
        It is not changed.
    factors : (n,) array
        Volumes in units of that of the structure.

    Returns
    -------
    list of Atoms
        In the same order, with the constraints of the structure and without its calculator.
    """
    scaled = []
    for factor in np.cbrt(factors):
        atoms = structure.copy()
        atoms.set_cell(factor * structure.cell.array, apply_constraint=False)
        atoms.set_positions(factor * structure.positions, apply_constraint=False)
        scaled.append(atoms)
    return scaled
