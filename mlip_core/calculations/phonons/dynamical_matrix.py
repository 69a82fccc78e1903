"""The dynamical matrix at any q from compact force constants, with numpy alone.

Phase convention (phonopy's): D_jk(q) = Σ_l Φ(j0, kl) exp(iq·(r_kl − r_j0)) / √(m_j m_k).
"""

import numpy as np
from ase import units

from mlip_core.calculations.phonons.force_constants import Lattice

_THZ = units.s * 1e-12 / (2 * np.pi)
"""√(eV/(Å² u)) as a frequency in THz."""


def dynamical_matrix(
    qpoint: np.ndarray, force_constants: np.ndarray, lattice: Lattice, masses: np.ndarray
) -> np.ndarray:
    """(3n, 3n) Hermitian dynamical matrix, eV/(Å² u).

    Parameters
    ----------
    qpoint : (3,)
        Fractional in the reciprocal basis of the primitive cell.
    force_constants : (n_primitive, n_supercell, 3, 3)
        Compact, eV/Å².
    lattice : Lattice
        Shortest vectors and tables of atoms.
    masses : (n_primitive,)
        u.

    Returns
    -------
    ndarray of complex
        Without a non-analytical term.
    """
    n_primitive, n_supercell = force_constants.shape[:2]
    waves = np.exp(2j * np.pi * (lattice.vectors @ np.asarray(qpoint)))
    counts, first = lattice.multiplicity[..., 0].ravel(), lattice.multiplicity[..., 1].ravel()
    phases = (np.add.reduceat(waves, first) / counts).reshape(n_supercell, n_primitive)
    blocks = np.zeros((n_primitive, n_primitive, 3, 3), dtype=complex)
    terms = force_constants * phases.T[:, :, None, None]
    for atom in range(n_primitive):
        blocks[:, atom] = terms[:, lattice.supercell_to_primitive == atom].sum(axis=1)
    blocks /= np.sqrt(np.outer(masses, masses))[:, :, None, None]
    matrix = blocks.transpose(0, 2, 1, 3).reshape(3 * n_primitive, 3 * n_primitive)
    return (matrix + matrix.conj().T) / 2


def frequencies_of(eigenvalues: np.ndarray) -> np.ndarray:
    """THz from eigenvalues of the dynamical matrix; negative where imaginary."""
    return np.sign(eigenvalues) * np.sqrt(np.abs(eigenvalues)) * _THZ
