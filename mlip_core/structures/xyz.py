"""The structure of an XYZ or extended XYZ file: its last frame."""

from io import StringIO

from ase import Atoms

from mlip_core.errors import StructureError
from mlip_core.structures.words import Parsed
from mlip_core.structures.xyz_frames import blocks
from mlip_core.structures.xyz_rows import atoms_of


def read_xyz(text: str, max_atoms: int) -> Parsed:
    """Read the last frame.

    Parameters
    ----------
    text : str
        The file, as :func:`mlip_core.structures.xyz_frames.frames` understands it. Of the
        frames before the last only the number of lines is looked at.
    max_atoms : int
        More in any frame are refused before they are read.

    Returns
    -------
    Parsed
        Periodic where the file says so; without a ``Lattice`` not at all. A column
        ``move_mask`` becomes constraints; other columns and keys are left out.

    Raises
    ------
    StructureError
        Naming the line and what was expected there.
    """
    last = None
    for block in blocks(StringIO(text, newline=None), max_atoms):
        if block.error is not None:
            raise block.error
        last = block
    if last is None:
        raise StructureError("line 1: expected the number of atoms, but the file is empty.")
    read, notes = atoms_of(last.comment, last.rows, last.line + 1, whole=False)
    atoms = Atoms(read.numbers, read.positions, cell=read.cell, pbc=read.pbc, constraint=read.constraints)
    return Parsed(atoms, [f"line {last.line + 2 + i}" for i in range(len(atoms))], notes)
