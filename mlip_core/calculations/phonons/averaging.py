"""A structure averaged over the symmetry operations of another with the same atoms."""

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.operations import SupercellOperations, find_atom_maps, find_operations

SAME = 1e-6
"""Å; a structure this close to its symmetric average is used as it is."""


def symmetric_average(
    structure: Atoms, reference: Atoms, symprec: float, operations: SupercellOperations | None = None
) -> tuple[Atoms, float]:
    """Average a structure over the symmetry operations of another with the same atoms.

    Parameters
    ----------
    structure, reference : Atoms
        The same atoms in the same order.
    symprec : float
        Tolerance of the reference's symmetry, Å.
    operations : SupercellOperations, optional
        Of the reference, where they are known.

    Returns
    -------
    Atoms
        Cell and positions invariant under every operation, oriented and
        placed as `structure`; `structure` itself where it differs by less than 1e-6 Å.
    float
        Largest distance of an atom from its average place, or of a cell vector's end, Å.
    """
    expected = reference.cell.scaled_positions(reference.positions)
    if operations is None:
        operations = find_operations(reference.cell.array, expected, reference.numbers, symprec)
    cell = _average_cell(structure.cell.array, operations.rotations)
    given = structure.cell.scaled_positions(structure.positions)
    shift = nearest(given - expected).mean(axis=0)
    average = given - shift
    identity = np.broadcast_to(np.eye(3, dtype=int), (len(operations.lattice_translations), 3, 3))
    groups = ((identity, operations.lattice_translations), (operations.rotations, operations.translations))
    for rotations, translations in groups:
        maps = find_atom_maps(reference.cell.array, expected, rotations, translations, symprec)
        average = _average_positions(average, rotations, translations, maps)
    average = average + shift
    deviation = max(
        float(np.linalg.norm((average - given) @ cell, axis=1).max()),
        float(np.linalg.norm(cell - structure.cell.array, axis=1).max()),
    )
    if deviation < SAME:
        return structure, deviation
    averaged = structure.copy()
    averaged.set_constraint()
    averaged.set_cell(cell)
    averaged.positions = average @ cell
    return averaged, deviation


def nearest(fractional: np.ndarray) -> np.ndarray:
    """Bring differences of fractional coordinates into −½ … ½."""
    return fractional - np.rint(fractional)


def _average_positions(
    fractional: np.ndarray, rotations: np.ndarray, translations: np.ndarray, maps: np.ndarray
) -> np.ndarray:
    """Mean over operations of where they take the atoms, (n_atoms, 3); each image is taken nearest to its atom."""
    images = fractional @ rotations.swapaxes(1, 2) + translations[:, None]
    moved = np.zeros_like(fractional)
    for image, atom_map in zip(images, maps, strict=True):
        moved[atom_map] += nearest(image - fractional[atom_map])
    return fractional + moved / len(maps)


def _average_cell(cell: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Cell whose metric the rotations leave, (3, 3), oriented as the one given."""
    metric = np.mean(rotations.swapaxes(1, 2) @ (cell @ cell.T) @ rotations, axis=0)
    upright = np.linalg.cholesky(metric)
    left, _, right = np.linalg.svd(upright.T @ cell)
    return upright @ left @ right
