"""A crystal as CIF with its space group: the asymmetric unit only, in the standard setting."""

from ase import Atoms

from mlip_core.errors import SettingsError, StructureError


def symmetrised_cif(atoms: Atoms, symprec: float = 1e-3) -> str:
    """Write a crystal with its space group (pymatgen).

    Parameters
    ----------
    atoms : Atoms
        Periodic in three directions.
    symprec : float
        Tolerance with which the space group is found, Å; atoms are moved onto their sites.

    Returns
    -------
    str
        CIF of the conventional cell; a comment on the first line names the tolerance.

    Raises
    ------
    SettingsError
        If the tolerance is not positive.
    StructureError
        If the structure is not a crystal.
    """
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.cif import CifWriter

    if not symprec > 0:
        raise SettingsError(f"symprec must be a positive length in Å, not {symprec!r}.")
    if not atoms.pbc.all() or atoms.cell.rank < 3:
        raise StructureError(
            "Only a crystal has a space group: this structure is not periodic in all three directions."
        )
    bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    text = str(CifWriter(AseAtomsAdaptor.get_structure(bare), symprec=symprec, refine_struct=True))
    return f"# space group found within {symprec:g} angstrom; atoms stand on their sites\n{text}"
