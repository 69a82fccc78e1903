"""From forces to force constants, and what is wrong with them before any correction.

Compact force constants Φ_ij,ab (eV/Å²) have the displaced atom i in the primitive
cell, the force-carrying atom j in the supercell: shape (n_primitive, n_supercell, 3, 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlip_core.calculations.phonons.cells import Cells
from mlip_core.calculations.phonons.displacements import DisplacementSet
from mlip_core.calculations.phonons.projection import transposed_by_translations
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
    """Finite differences: the least-squares solution of F = −Φ u.

    Reduced displacements need the space group of the reference, so it is
    imposed: every displacement also counts turned by the operations about its
    atom. Full ones use lattice translations alone.

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
    symmetry, rotations = cells.symmetry, cells.rotations
    images = symmetry.images[:1] if settings.displacements == "full" else symmetry.images
    forces = data.forces - data.residual if settings.subtract_residual else data.forces
    force_constants = np.zeros((images.shape[1], forces.shape[1], 3, 3))
    for number in np.flatnonzero(np.isin(symmetry.primitive_atoms, data.atoms)).tolist():
        moved = data.atoms == symmetry.primitive_atoms[number]
        about = np.flatnonzero(images[:, number] == number).tolist()
        atom_maps = [symmetry.atom_map(operation, number) for operation in about]
        row = _solved(data.vectors[moved], forces[moved], rotations[about], atom_maps)
        for image in np.unique(images[:, number]).tolist():
            operation = int(np.argmax(images[:, number] == image))
            rotation = rotations[operation]
            force_constants[image, symmetry.atom_map(operation, number)] = rotation @ row @ rotation.T
    return force_constants


def _solved(
    vectors: np.ndarray, forces: np.ndarray, rotations: np.ndarray, atom_maps: Sequence[np.ndarray]
) -> np.ndarray:
    """Force constants (n_supercell, 3, 3) of one atom, from its displacements and all that its site makes of them."""
    turned = np.empty((len(rotations), *forces.shape))
    for number, (rotation, atom_map) in enumerate(zip(rotations, atom_maps, strict=True)):
        turned[number][:, atom_map] = forces @ rotation.T
    displaced = (vectors @ rotations.swapaxes(1, 2)).reshape(-1, 3)
    solution = -np.linalg.pinv(displaced) @ turned.reshape(len(displaced), -1)
    return solution.reshape(3, -1, 3).swapaxes(0, 1)


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
    return transposed_by_translations(force_constants, tables.translations, tables.primitive_to_supercell)


def sum_over_forces(force_constants: np.ndarray) -> float:
    """max|Σ_j Φ_ij|, eV/Å²: zero if moving one atom leaves the net force zero."""
    return float(np.abs(force_constants.sum(axis=1)).max())


def sum_over_displacements(force_constants: np.ndarray, tables: Lattice) -> float:
    """max|Σ_i Φ_ij|, eV/Å²: zero if moving the whole crystal leaves every force unchanged."""
    return float(np.abs(transposed(force_constants, tables).sum(axis=1)).max())


def permutation_asymmetry(force_constants: np.ndarray, tables: Lattice) -> float:
    """max|Φ_ij − Φ_jiᵀ|, eV/Å²."""
    return float(np.abs(force_constants - transposed(force_constants, tables)).max())


def force_constants_asymmetry(force_constants: np.ndarray, tables: Lattice) -> float:
    """λ = ‖Φ − Φᵀ‖ / (2‖Φ‖) over the whole supercell: zero where forces are a gradient."""
    difference = force_constants - transposed(force_constants, tables)
    return float(np.linalg.norm(difference) / (2 * np.linalg.norm(force_constants)))
