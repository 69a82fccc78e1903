"""From forces to force constants, and what is wrong with them before any correction.

Compact force constants Φ_ij,ab (eV/Å²) have the displaced atom i in the primitive
cell, the force-carrying atom j in the supercell: shape (n_primitive, n_supercell, 3, 3).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlip_core.calculations.phonons.cells import Cells
from mlip_core.calculations.phonons.displacements import DisplacementSet
from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.records import record


@record("Lattice")
@dataclass(frozen=True, kw_only=True)
class Lattice:
    """What turns compact force constants into dynamical matrices: arrays only."""

    primitive_to_supercell: np.ndarray
    """(n_primitive,), index in the supercell of each atom of the primitive cell."""
    supercell_to_primitive: np.ndarray
    """(n_supercell,), index in the primitive cell of each atom of the supercell."""
    translations: np.ndarray
    """(n_cells, n_supercell), where each lattice translation takes each atom of the supercell."""
    vectors: np.ndarray
    """(n_vectors, 3), shortest vectors between pairs, fractional in the primitive cell."""
    multiplicity: np.ndarray
    """(n_supercell, n_primitive, 2), how many of `vectors` belong to a pair, and the first of them."""


def lattice(cells: Cells) -> Lattice:
    """Copy phonopy's tables of atoms and shortest vectors."""
    primitive = cells.phonopy.primitive
    vectors, multiplicity = primitive.get_smallest_vectors()
    return Lattice(
        primitive_to_supercell=np.array(primitive.p2s_map),
        supercell_to_primitive=np.array([primitive.p2p_map[atom] for atom in primitive.s2p_map]),
        translations=np.array(primitive.atomic_permutations),
        vectors=np.array(vectors),
        multiplicity=np.array(multiplicity),
    )


def raw_force_constants(cells: Cells, data: DisplacementSet, settings: PhononSettings) -> np.ndarray:
    """Finite differences, by phonopy.

    Reduced displacements need the space group of the reference, so it is
    imposed; full ones use lattice translations alone.

    Parameters
    ----------
    cells : Cells
        Supercell, primitive cell, symmetry.
    data : DisplacementSet
        Displacements and forces.
    settings : PhononSettings
        "reduced" or "full"; whether residual forces are subtracted.

    Returns
    -------
    ndarray, (n_primitive, n_supercell, 3, 3)
        eV/Å².
    """
    from phonopy.harmonic.force_constants import FDFCSolver
    from phonopy.structure.symmetry import Symmetry

    supercell, primitive = cells.phonopy.supercell, cells.phonopy.primitive
    symmetry = cells.symmetry
    if settings.displacements == "full":
        symmetry = Symmetry(supercell, settings.symprec, is_symmetry=False, s2p_map=primitive.s2p_map)
    forces = data.forces - data.residual if settings.subtract_residual else data.forces
    first_atoms: list[Any] = [
        {"number": int(atom), "displacement": vector, "forces": np.ascontiguousarray(force)}
        for atom, vector, force in zip(data.atoms, data.vectors, forces, strict=True)
    ]
    dataset: Any = {"natom": len(supercell), "first_atoms": first_atoms}
    solver = FDFCSolver(supercell, primitive, symmetry, dataset, is_compact_fc=True)
    return np.array(solver.force_constants[2])


def projected(cells: Cells, force_constants: np.ndarray) -> np.ndarray:
    """Project on translations, permutation and space group with symfc; the input is left as it is."""
    from phonopy.interface.symfc import symmetrize_by_projector

    phonopy = cells.phonopy
    return symmetrize_by_projector(phonopy.supercell, force_constants.copy(), 2, primitive=phonopy.primitive)


def transposed(force_constants: np.ndarray, tables: Lattice) -> np.ndarray:
    """Φ_ji,ba in the compact layout, by lattice translations.

    Parameters
    ----------
    force_constants : (n_primitive, n_supercell, 3, 3)
        Φ_ij,ab.
    tables : Lattice
        Tables of the supercell.

    Returns
    -------
    ndarray, (n_primitive, n_supercell, 3, 3)
        Entry [i, j] is the transposed block of the pair (j, i).
    """
    first, owner = tables.primitive_to_supercell, tables.supercell_to_primitive
    to_first = np.argmax(tables.translations == first[owner][None, :], axis=0)
    partner = tables.translations[to_first][:, first].T
    return force_constants[owner[None, :], partner].swapaxes(-1, -2)


def sum_over_forces(force_constants: np.ndarray) -> float:
    """max|Σ_j Φ_ij|, eV/Å²: zero if moving one atom leaves the net force zero."""
    return float(np.abs(force_constants.sum(axis=1)).max())


def sum_over_displacements(force_constants: np.ndarray, tables: Lattice) -> float:
    """max|Σ_i Φ_ij|, eV/Å²: zero if moving the whole crystal leaves every force unchanged."""
    return float(np.abs(transposed(force_constants, tables).sum(axis=1)).max())


def permutation_asymmetry(force_constants: np.ndarray, tables: Lattice) -> float:
    """max|Φ_ij − Φ_jiᵀ|, eV/Å²."""
    return float(np.abs(force_constants - transposed(force_constants, tables)).max())


def jacobian_asymmetry(force_constants: np.ndarray, tables: Lattice) -> float:
    """λ = ‖Φ − Φᵀ‖ / (2‖Φ‖) over the whole supercell: zero where forces are a gradient."""
    difference = force_constants - transposed(force_constants, tables)
    return float(np.linalg.norm(difference) / (2 * np.linalg.norm(force_constants)))
