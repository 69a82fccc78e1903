"""The symmetry operations of one structure and the projection of forces and stress onto them.

The group is kept as pure translations T times one representative of each point
operation: the mean over the whole group is the mean over T, then over the
representatives. So a supercell costs no more than its primitive cell.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from ase import Atoms
from ase.geometry import complete_cell
from scipy.spatial import cKDTree

from mlip_core.errors import CalculationError, SettingsError, StructureError
from mlip_core.structures.spglib_calls import Cell, ask
from mlip_core.symmetry.molecules import molecular_operations

_VACUUM = 12.3
"""Å of empty space that spglib is shown in directions that are not periodic.

Much wider than the spacing of atomic layers, so that the periodic copies of a slab do not
continue its stacking; operations that mix such a direction with a periodic one are left out anyway.
"""


@dataclass(frozen=True)
class SpaceGroup:
    """Operations of a structure: x → x Rᵀ + t, each moving atom i onto atom ``maps[i]``."""

    rotations: np.ndarray
    """(n_point, 3, 3), Cartesian orthogonal matrices, one for each operation of the point group, the identity first."""
    maps: np.ndarray
    """(n_point, n_atoms), atom maps: the atom that each atom is taken to by each of those operations."""
    translation_maps: np.ndarray
    """(n_translations, n_atoms), atom maps of the pure translations, the identity among them."""
    symprec: float
    """Tolerance with which the operations were found, Å."""

    @property
    def order(self) -> int:
        """Number of operations in the cell given, pure translations included."""
        return len(self.rotations) * len(self.translation_maps)

    def project_forces(self, forces: np.ndarray) -> np.ndarray:
        """Mean of the forces over all operations.

        Parameters
        ----------
        forces : (n_atoms, 3) array
            eV/Å.

        Returns
        -------
        (n_atoms, 3) array
            P F, with (P F)_{g(i)} = R_g (P F)_i for every operation g.
        """
        translated = _mean_over(
            np.broadcast_to(np.eye(3), (len(self.translation_maps), 3, 3)), self.translation_maps, forces
        )
        return _mean_over(self.rotations, self.maps, translated)

    def project_stress(self, stress: np.ndarray) -> np.ndarray:
        """Mean of R σ Rᵀ over the point group, (3, 3), eV/Å³."""
        return np.einsum("gab,bc,gdc->ad", self.rotations, stress, self.rotations) / len(self.rotations)


def space_group(structure: Atoms, *, symprec: float = 1e-5) -> SpaceGroup:
    """Find the symmetry operations of a structure as it is given.

    Periodic structures (bulk, slabs, wires): spglib, keeping the operations that
    do not mix periodic with open directions. Molecules: all rotations and
    rotation-reflections about the centroid; for linear ones and single atoms a
    finite subgroup that leaves the same vectors and tensors.

    Parameters
    ----------
    structure : Atoms
        Any periodicity, any cell: primitive, conventional or a supercell.
    symprec : float
        Tolerance, Å.

    Returns
    -------
    SpaceGroup
        At least the identity.

    Raises
    ------
    SettingsError
        If the tolerance is so loose that an operation takes two atoms to one place.
    CalculationError
        If spglib finds nothing on a periodic structure.
    """
    if not symprec > 0:
        raise SettingsError(f"symprec must be a positive length in Å, not {symprec}")
    if structure.pbc.any():
        return _periodic(structure, symprec)
    rotations, maps = molecular_operations(structure, symprec)
    return SpaceGroup(rotations, maps, np.arange(len(structure))[None], symprec)


def _periodic(structure: Atoms, symprec: float) -> SpaceGroup:
    cell, fractional = _padded(structure)
    rotations, translations = _operations((cell, fractional, structure.numbers), symprec)
    pbc = structure.pbc
    mixes = rotations[:, pbc][:, :, ~pbc].any(axis=(1, 2)) | rotations[:, ~pbc][:, :, pbc].any(axis=(1, 2))
    rotations, translations = rotations[~mixes], translations[~mixes]
    pure = (rotations == np.eye(3, dtype=int)).all(axis=(1, 2))
    _, first = np.unique(rotations.reshape(len(rotations), 9), axis=0, return_index=True)
    first = np.array(sorted(first, key=lambda k: (not pure[k], k)))
    atom_map = _AtomMaps(fractional, structure.numbers, symprec)
    return SpaceGroup(
        rotations=_cartesian(cell, rotations[first]),
        maps=np.array([atom_map(w, t) for w, t in zip(rotations[first], translations[first], strict=True)]),
        translation_maps=np.array([atom_map(np.eye(3), t) for t in translations[pure]]),
        symprec=symprec,
    )


def _padded(structure: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Cell and fractional positions, with empty space at right angles in the directions that are not periodic."""
    cell = complete_cell(structure.cell.array * structure.pbc[:, None])
    kept = cell[structure.pbc]
    for axis in np.flatnonzero(~structure.pbc):
        direction = _perpendicular(kept, structure.cell.array[axis], cell[axis])
        cell[axis] = direction * (np.ptp(structure.positions @ direction) + _VACUUM)
        kept = np.vstack([kept, cell[axis]])
    return cell, structure.positions @ np.linalg.inv(cell)


def _perpendicular(vectors: np.ndarray, *candidates: np.ndarray) -> np.ndarray:
    """Unit vector at right angles to the rows of ``vectors``: the part of the first candidate that has such a part."""
    parts = [v - vectors.T @ np.linalg.lstsq(vectors.T, v, rcond=None)[0] for v in candidates]
    part = next(v for v in parts if np.linalg.norm(v) > 1e-3)
    return part / np.linalg.norm(part)


def _operations(cell: Cell, symprec: float) -> tuple[np.ndarray, np.ndarray]:
    """Integer rotations (n, 3, 3) and fractional translations (n, 3)."""
    import spglib

    try:
        found = ask(spglib.get_symmetry, cell, symprec)
    except StructureError as error:
        raise CalculationError(str(error)) from error
    return found["rotations"], found["translations"]


def _cartesian(cell: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Orthogonal matrices of integer rotations, in the nearest cell whose metric they leave exactly."""
    metric = np.mean([w.T @ (cell @ cell.T) @ w for w in rotations], axis=0)
    root = scipy.linalg.sqrtm(metric).real
    ideal = root @ scipy.linalg.polar(root.T @ cell)[0]
    return np.array([ideal.T @ w @ np.linalg.inv(ideal.T) for w in rotations])


class _AtomMaps:
    """Where an operation takes each atom."""

    def __init__(self, fractional: np.ndarray, numbers: np.ndarray, symprec: float) -> None:
        self._numbers, self._symprec = numbers, symprec
        self._fractional = _wrapped(fractional)
        self._tree = cKDTree(self._fractional, boxsize=1.0)

    def __call__(self, rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
        """(n_atoms,): the atom that each atom is taken to."""
        images = _wrapped(self._fractional @ rotation.T + translation)
        _, atom_map = self._tree.query(images)
        if len(np.unique(atom_map)) != len(atom_map) or (self._numbers[atom_map] != self._numbers).any():
            raise SettingsError(
                f"at symprec {self._symprec:g} Å a symmetry operation takes two atoms to one place; choose a smaller symprec"
            )
        return atom_map


def _wrapped(fractional: np.ndarray) -> np.ndarray:
    wrapped = fractional % 1.0
    return np.where(wrapped >= 1.0, 0.0, wrapped)


def _mean_over(rotations: np.ndarray, maps: np.ndarray, forces: np.ndarray) -> np.ndarray:
    mean = np.zeros_like(forces, dtype=np.float64)
    for rotation, atom_map in zip(rotations, maps, strict=True):
        mean[atom_map] += forces @ rotation.T
    return mean / len(maps)
