"""Structures: read, validate, recognise, standardise, write; and a small library of them.

Everything a person may bring is read here, and nothing that is not a structure gets
past: the answer is an `ase.Atoms` with elements, positions, cell and periodicity only,
or a :class:`~mlip_core.errors.StructureError` that names the line, field or atom.
"""

from mlip_core.structures.crystal import SymmetryInfo, standardise, symmetries, symmetry
from mlip_core.structures.formula import formula
from mlip_core.structures.library import LibraryEntry, library, library_structure
from mlip_core.structures.reading import read_structure
from mlip_core.structures.tolerance import symmetry_by_tolerance
from mlip_core.structures.validation import fingerprint, validate
from mlip_core.structures.writing import write_structure

__all__ = [
    "LibraryEntry",
    "SymmetryInfo",
    "fingerprint",
    "formula",
    "library",
    "library_structure",
    "read_structure",
    "standardise",
    "symmetries",
    "symmetry",
    "symmetry_by_tolerance",
    "validate",
    "write_structure",
]
