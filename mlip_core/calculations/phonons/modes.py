"""Modes at any q from stored arrays alone, and how they move.

A mode moves atom j of cell l by u_jl(t) = A Re[e_j exp(i(q·r_jl − ωt))] / √m_j.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.dynamical_matrix import dynamical_matrix, frequencies_of
from mlip_core.calculations.phonons.record import Phonons
from mlip_core.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Modes:
    """All modes at one q."""

    qpoint: np.ndarray
    """(3,), fractional in the reciprocal basis of the primitive cell."""
    frequencies: np.ndarray
    """(n_bands,), THz, ascending; imaginary ones are negative."""
    eigenvectors: np.ndarray
    """(n_bands, n_primitive, 3), complex, normalised to 1 for each mode."""


@dataclass(frozen=True, kw_only=True)
class ModeAnimation:
    """One mode in motion."""

    qpoint: np.ndarray
    """(3,), fractional in the reciprocal basis of the primitive cell."""
    band: int
    """Index of the mode, from the lowest frequency."""
    frequency: float
    """THz."""
    structure: Atoms
    """Equilibrium positions: the primitive cell repeated."""
    displacements: np.ndarray
    """(n_frames, n_atoms, 3), Å, over one period."""
    commensurate: bool
    """Whether the wave fits the repeated cell; if not, it has a seam at the border."""

    @property
    def frames(self) -> np.ndarray:
        """(n_frames, n_atoms, 3), positions over one period, Å."""
        return self.structure.positions + self.displacements


def modes(p: Phonons, qpoint: np.ndarray | tuple[float, float, float], *, raw: bool = False) -> Modes:
    """Frequencies and eigenvectors at any q, from a stored record.

    Parameters
    ----------
    p : Phonons
        The record.
    qpoint : (3,)
        Fractional in the reciprocal basis of `p.primitive`.
    raw : bool
        Take the force constants before correction.

    Returns
    -------
    Modes
        Without a non-analytical term, also where Born charges were given.
    """
    q = np.asarray(qpoint, dtype=float)
    if q.shape != (3,):
        raise SettingsError(f"a q-point has three components, not {q.shape}.")
    force_constants = p.raw_force_constants if raw else p.force_constants
    matrix = dynamical_matrix(q, force_constants, p.lattice, p.primitive.get_masses())
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return Modes(
        qpoint=q,
        frequencies=frequencies_of(eigenvalues),
        eigenvectors=vectors.T.reshape(len(eigenvalues), len(p.primitive), 3),
    )


def animate(
    p: Phonons,
    qpoint: np.ndarray | tuple[float, float, float],
    band: int,
    *,
    amplitude: float = 0.3,
    n_frames: int = 24,
    repeats: tuple[int, int, int] | None = None,
    raw: bool = False,
) -> ModeAnimation:
    """Move the atoms along one mode over one period.

    Parameters
    ----------
    p : Phonons
        The record.
    qpoint : (3,)
        Fractional in the reciprocal basis of `p.primitive`.
    band : int
        Index of the mode, from the lowest frequency.
    amplitude : float
        The farthest that any atom moves, Å.
    n_frames : int
        Frames in one period; the last one leads on to the first.
    repeats : three integers, optional
        Times the primitive cell is repeated; None takes the smallest commensurate supercell.
    raw : bool
        Take the force constants before correction.

    Returns
    -------
    ModeAnimation

    Raises
    ------
    SettingsError
        If there is no such band.
    """
    found = modes(p, qpoint, raw=raw)
    if not 0 <= band < len(found.frequencies):
        raise SettingsError(f"there are bands 0 to {len(found.frequencies) - 1}, not {band}.")
    sizes = commensurate_repeats(found.qpoint) if repeats is None else repeats
    structure = p.primitive.repeat(sizes)
    owner = np.tile(np.arange(len(p.primitive)), int(np.prod(sizes)))
    wave = np.exp(2j * np.pi * (p.primitive.cell.scaled_positions(structure.positions) @ found.qpoint))
    complex_moves = found.eigenvectors[band][owner] * (wave / np.sqrt(structure.get_masses()))[:, None]
    turns = np.exp(-2j * np.pi * np.arange(n_frames) / n_frames)
    moves = np.real(turns[:, None, None] * complex_moves)
    fits = np.array(sizes) * found.qpoint
    return ModeAnimation(
        qpoint=found.qpoint,
        band=band,
        frequency=float(found.frequencies[band]),
        structure=structure,
        displacements=moves * (amplitude / np.linalg.norm(complex_moves, axis=1).max()),
        commensurate=bool(np.allclose(fits, np.rint(fits), atol=1e-6)),
    )


def commensurate_repeats(qpoint: np.ndarray, largest: int = 8) -> tuple[int, int, int]:
    """Repeats of the primitive cell that hold a whole number of waves, at most `largest` each."""
    sizes = [Fraction(float(q)).limit_denominator(largest).denominator for q in qpoint]
    return sizes[0], sizes[1], sizes[2]
