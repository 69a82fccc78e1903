"""Force constants made to obey translations, permutation and space group: one orthogonal projection, in closed form.

Three averages act on force constants Φ of a whole supercell of N atoms: over the
space group G (an operation g moves atoms and turns Cartesian blocks), over Φ and
its transpose, and the removal of what a uniform shift would feel,
Φ → (1 − T) Φ (1 − T), where T is the projector on uniform shifts (all blocks 1/N).
Each is an orthogonal projection and they commute, so that their product projects
on what obeys all three. Lattice translations are in G: only the rows of the
primitive cell are needed, and the work grows as N_primitive × N × point operations.
"""

import numpy as np

from mlip_core.calculations.phonons.operations import SupercellSymmetry, brought_back


def projected(force_constants: np.ndarray, symmetry: SupercellSymmetry, rotations: np.ndarray) -> np.ndarray:
    """Project on translations, permutation and space group.

    Parameters
    ----------
    force_constants : (n_primitive, n_supercell, 3, 3)
        Compact: first atoms in the primitive cell; eV/Å². Left as they are.
    symmetry : SupercellSymmetry
        Where operations and lattice translations take the atoms.
    rotations : (n_point, 3, 3)
        Cartesian rotations of the operations.

    Returns
    -------
    ndarray, (n_primitive, n_supercell, 3, 3)
    """
    averaged = _space_group_average(force_constants, symmetry, rotations)
    averaged = (averaged + transposed_by_translations(averaged, symmetry.lattice_maps, symmetry.primitive_atoms)) / 2
    return _without_shifts(averaged, symmetry)


def projected_full(force_constants: np.ndarray, symmetry: SupercellSymmetry, rotations: np.ndarray) -> np.ndarray:
    """Project force constants between all atoms of the supercell.

    Parameters
    ----------
    force_constants : (n_supercell, n_supercell, 3, 3)
        eV/Å²; they need not repeat from cell to cell. Left as they are.
    symmetry : SupercellSymmetry
        Where operations and lattice translations take the atoms.
    rotations : (n_point, 3, 3)
        Cartesian rotations of the operations.

    Returns
    -------
    ndarray, (n_supercell, n_supercell, 3, 3)
    """
    maps, first = symmetry.lattice_maps, symmetry.primitive_atoms
    rows = np.mean([force_constants[atoms[first][:, None], atoms] for atoms in maps], axis=0)
    compact = projected(rows, symmetry, rotations)
    full = np.empty_like(force_constants)
    for atoms in maps:
        full[atoms[first][:, None], atoms] = compact
    return full


def transposed_by_translations(
    force_constants: np.ndarray, lattice_maps: np.ndarray, primitive_atoms: np.ndarray
) -> np.ndarray:
    """Φ_ji,ba in the compact layout, by lattice translations.

    Parameters
    ----------
    force_constants : (n_primitive, n_supercell, 3, 3)
        Φ_ij,ab.
    lattice_maps : (n_lattice, n_supercell)
        Where each lattice translation takes each atom.
    primitive_atoms : (n_primitive,)
        Atoms of the supercell that make up the primitive cell.

    Returns
    -------
    ndarray, (n_primitive, n_supercell, 3, 3)
        Entry [i, j] is the transposed block of the pair (j, i).
    """
    back, owner = brought_back(lattice_maps, primitive_atoms)
    partner = lattice_maps[back][:, primitive_atoms].T
    return force_constants[owner[None, :], partner].swapaxes(-1, -2)


def _space_group_average(force_constants: np.ndarray, symmetry: SupercellSymmetry, rotations: np.ndarray) -> np.ndarray:
    """Mean of R Φ Rᵀ between the atoms that each operation makes of a pair."""
    total = np.zeros_like(force_constants).reshape(*force_constants.shape[:2], 9)
    flat = force_constants.reshape(total.shape)
    for operation, rotation in enumerate(rotations):
        turned = flat @ np.kron(rotation, rotation).T
        total[symmetry.images[operation][:, None], symmetry.atom_map(operation)] += turned
    return (total / len(rotations)).reshape(force_constants.shape)


def _without_shifts(force_constants: np.ndarray, symmetry: SupercellSymmetry) -> np.ndarray:
    """(1 − T) Φ (1 − T) of symmetric force constants."""
    mean = force_constants.mean(axis=1)
    _, owner = brought_back(symmetry.lattice_maps, symmetry.primitive_atoms)
    return force_constants - mean[:, None] - mean.swapaxes(-1, -2)[owner] + mean.mean(axis=0)
