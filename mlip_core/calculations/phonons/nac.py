"""Born charges: from a BORN file to the settings, and to phonopy."""

import warnings
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.cells import Cells, right_handed
from mlip_core.calculations.phonons.frame import to_phonopy
from mlip_core.calculations.phonons.settings import NonAnalytical, PhononSettings
from mlip_core.errors import SettingsError

MISSING = "No Born charges were given: in a polar insulator LO–TO splitting at Γ is missing."


def read_born(text: str, structure: Atoms, *, symprec: float = 1e-5) -> NonAnalytical:
    """Read phonopy's BORN file.

    Parameters
    ----------
    text : str
        Content of the file: factor, dielectric tensor, one tensor for each
        inequivalent atom of the primitive cell.
    structure : Atoms
        The structure the phonons are computed for.
    symprec : float
        Tolerance of its symmetry, Å.

    Returns
    -------
    NonAnalytical
        With one tensor for each atom of `structure`.

    Raises
    ------
    SettingsError
        If the file does not fit the structure.
    """
    from phonopy import Phonopy
    from phonopy.file_IO import parse_BORN_from_strings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = Phonopy(
                to_phonopy(right_handed(structure)), np.eye(3, dtype=int), primitive_matrix="auto", symprec=symprec
            )
            found: Any = parse_BORN_from_strings(text, made.primitive, symprec=symprec)
            owner = [made.primitive.p2p_map[atom] for atom in made.primitive.s2p_map]
            return NonAnalytical(born_charges=np.array(found["born"])[owner], dielectric=found["dielectric"])
    except Exception as error:
        raise SettingsError(
            "the BORN file cannot be read for this structure: it needs a first line, one line of nine numbers for the "
            "dielectric tensor, and one such line for each inequivalent atom of the primitive cell."
        ) from error


def nac_parameters(cells: Cells, settings: PhononSettings) -> dict[str, Any] | None:
    """Born charges and dielectric tensor as phonopy takes them, with the crystal's symmetry.

    Parameters
    ----------
    cells : Cells
        Primitive cell of the structure.
    settings : PhononSettings
        With one tensor for each atom of the structure, or none.

    Returns
    -------
    dict or None

    Raises
    ------
    SettingsError
        If there are more or fewer tensors than atoms.
    """
    if settings.nac is None:
        return None
    from phonopy.physical_units import get_physical_units
    from phonopy.structure.symmetry import symmetrize_borns_and_epsilon

    charges = np.array(settings.nac.born_charges)
    n_atoms = len(cells.unitcell)
    if len(charges) != n_atoms:
        raise SettingsError(f"born_charges has {len(charges)} tensors, the structure {n_atoms} atoms: give one each.")
    supercell, primitive = cells.phonopy
    owner = [supercell.u2u_map[supercell.s2u_map[atom]] for atom in primitive.p2s_map]
    born, dielectric = symmetrize_borns_and_epsilon(
        charges[owner], np.array(settings.nac.dielectric), primitive, symprec=settings.symprec
    )
    units = get_physical_units()
    return {"born": born, "dielectric": dielectric, "factor": units.Hartree * units.Bohr}
