"""Born charges: from a BORN file to the settings, and to phonopy."""

import warnings
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.cells import Cells, to_phonopy
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
            made = Phonopy(to_phonopy(structure), np.eye(3, dtype=int), primitive_matrix="auto", symprec=symprec)
            found: Any = parse_BORN_from_strings(text, made.primitive, symprec=symprec)
            owner = [made.primitive.p2p_map[atom] for atom in made.primitive.s2p_map]
            return NonAnalytical(born_charges=np.array(found["born"])[owner], dielectric=found["dielectric"])
    except Exception as error:
        raise SettingsError(
            "the BORN file cannot be read for this structure: it needs a first line, one line of nine numbers for the "
            "dielectric tensor, and one such line for each inequivalent atom of the primitive cell."
        ) from error


def apply_nac(cells: Cells, settings: PhononSettings) -> None:
    """Give phonopy the Born charges of the settings, if any."""
    if settings.nac is None:
        return
    from phonopy.physical_units import get_physical_units

    charges = np.array(settings.nac.born_charges)
    n_atoms = len(cells.unitcell)
    if len(charges) != n_atoms:
        raise SettingsError(f"born_charges has {len(charges)} tensors, the structure {n_atoms} atoms: give one each.")
    supercell, primitive = cells.phonopy.supercell, cells.phonopy.primitive
    owner = [supercell.u2u_map[supercell.s2u_map[atom]] for atom in primitive.p2s_map]
    units = get_physical_units()
    cells.phonopy.nac_params = {
        "born": charges[owner],
        "dielectric": np.array(settings.nac.dielectric),
        "factor": units.Hartree * units.Bohr,
    }
