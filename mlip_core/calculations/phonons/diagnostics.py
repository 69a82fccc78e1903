"""What the force constants say about the model before any correction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlip_core.calculations.phonons.bands import BandStructure
from mlip_core.calculations.phonons.cells import Cells
from mlip_core.calculations.phonons.displacements import DisplacementSet
from mlip_core.calculations.phonons.dynamical_matrix import dynamical_matrix, frequencies_of
from mlip_core.calculations.phonons.dynamics import LatticeDynamics
from mlip_core.calculations.phonons.force_constants import (
    Lattice,
    force_constants_asymmetry,
    permutation_asymmetry,
    sum_over_displacements,
    sum_over_forces,
)
from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.records import record

DEGENERATE = 1e-3
"""THz: corrected branches this close are degenerate by symmetry."""


@record("LowestMode")
@dataclass(frozen=True, kw_only=True)
class LowestMode:
    """The lowest mode on path and mesh, the three acoustic ones at Γ left out."""

    frequency: float
    """THz, negative where imaginary."""
    qpoint: np.ndarray
    """(3,), fractional in the reciprocal basis of the primitive cell."""
    imaginary: bool
    """Below minus the tolerance of the settings."""


@record("Splitting")
@dataclass(frozen=True, kw_only=True)
class Splitting:
    """How far raw branches lie apart that the crystal's symmetry makes degenerate."""

    largest: float
    """THz."""
    qpoint: np.ndarray
    """(3,), where; fractional in the reciprocal basis of the primitive cell."""
    qpoints: np.ndarray
    """(n, 3), special points and middles of the path's segments that were looked at."""
    splittings: np.ndarray
    """(n,), THz, the largest at each; 0 where nothing is degenerate."""


@record("Diagnostics")
@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """Laws that the raw force constants break; `None` where reduced displacements cannot tell."""

    sum_over_forces: float
    """max|Σ_j Φ_ij|, eV/Å²: net force when one atom is moved."""
    sum_over_displacements: float
    """max|Σ_i Φ_ij|, eV/Å²: forces when the whole crystal is moved."""
    permutation_asymmetry: float
    """max|Φ_ij − Φ_jiᵀ|, eV/Å²."""
    jacobian_asymmetry: float | None
    """λ = ‖Φ − Φᵀ‖/(2‖Φ‖); full displacements only."""
    projection_distance: float | None
    """‖Φ − PΦ‖/‖Φ‖, P the projector on translations, permutation and space group; full displacements only."""
    splitting: Splitting | None
    """Lifted degeneracies; full displacements only."""
    gamma_acoustic: np.ndarray
    """(3,), raw acoustic frequencies at Γ, THz; zero for a model that knows translations."""
    gamma_acoustic_corrected: np.ndarray
    """(3,), the same after correction."""
    lowest: LowestMode
    """After correction."""
    raw_lowest: LowestMode
    """Before correction."""
    residual_force: float
    """Longest force in the undisplaced supercell, eV/Å: how well the structure is relaxed."""
    residual_net_force: float
    """|Σ F|/n_atoms of the undisplaced supercell, eV/Å."""
    symmetry_deviation: float
    """Å: how far the structure is from the reference's symmetry."""


def diagnose(
    before: LatticeDynamics,
    after: LatticeDynamics,
    *,
    cells: Cells,
    lattice: Lattice,
    data: DisplacementSet,
    settings: PhononSettings,
) -> Diagnostics:
    """Measure everything.

    Parameters
    ----------
    before, after : LatticeDynamics
        Of the raw force constants and of the projected ones.
    cells : Cells
        Masses, distance from the reference's symmetry.
    lattice : Lattice
        Tables of the supercell.
    data : DisplacementSet
        For the residual forces.
    settings : PhononSettings
        Kind of displacements, tolerance.

    Returns
    -------
    Diagnostics
    """
    full = settings.displacements == "full"
    raw, corrected = before.force_constants, after.force_constants
    masses = np.array(cells.phonopy.primitive.masses)
    acoustic, acoustic_bands = gamma_acoustic(raw, lattice, masses)
    acoustic_after, bands_after = gamma_acoustic(corrected, lattice, masses)
    return Diagnostics(
        sum_over_forces=sum_over_forces(raw),
        sum_over_displacements=sum_over_displacements(raw, lattice),
        permutation_asymmetry=permutation_asymmetry(raw, lattice),
        jacobian_asymmetry=force_constants_asymmetry(raw, lattice) if full else None,
        projection_distance=float(np.linalg.norm(raw - corrected) / np.linalg.norm(raw)) if full else None,
        splitting=splitting(raw, corrected, before.bands, lattice, masses) if full else None,
        gamma_acoustic=acoustic,
        gamma_acoustic_corrected=acoustic_after,
        lowest=lowest_mode(after, bands_after, settings.imaginary_tolerance),
        raw_lowest=lowest_mode(before, acoustic_bands, settings.imaginary_tolerance),
        residual_force=float(np.linalg.norm(data.residual, axis=1).max()),
        residual_net_force=float(np.linalg.norm(data.residual.mean(axis=0))),
        symmetry_deviation=cells.deviation,
    )


def gamma_acoustic(force_constants: np.ndarray, lattice: Lattice, masses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (3,) in THz and band indices (3,) of the modes at Γ most like a rigid shift."""
    eigenvalues, vectors = np.linalg.eigh(dynamical_matrix(np.zeros(3), force_constants, lattice, masses))
    shifts = np.kron(np.sqrt(masses / masses.sum())[:, None], np.eye(3))
    overlap = np.sum(np.abs(shifts.T @ vectors) ** 2, axis=0)
    bands = np.sort(np.argsort(overlap)[-3:])
    return frequencies_of(eigenvalues[bands]), bands


def lowest_mode(found: LatticeDynamics, acoustic: np.ndarray, tolerance: float) -> LowestMode:
    """Find the lowest frequency on path and mesh, Γ-acoustic modes left out."""
    qpoints = np.concatenate([found.bands.qpoints, found.mesh.qpoints])
    frequencies = np.concatenate([found.bands.frequencies, found.mesh.frequencies])
    at_gamma = np.all(np.abs(qpoints - np.rint(qpoints)) < 1e-8, axis=1)
    frequencies[np.ix_(at_gamma, acoustic)] = np.inf
    at = int(np.argmin(frequencies.min(axis=1)))
    lowest = float(frequencies[at].min())
    return LowestMode(frequency=lowest, qpoint=qpoints[at], imaginary=lowest < -tolerance)


def splitting(
    raw: np.ndarray, corrected: np.ndarray, bands: BandStructure, lattice: Lattice, masses: np.ndarray
) -> Splitting:
    """Split degeneracies at special points and in the middle of each segment.

    Branches that coincide after the projection on the crystal's symmetry span
    a space that the little group (with time reversal) makes degenerate; the
    spread of the raw dynamical matrix's frequencies inside it is the splitting.
    """
    qpoints = np.unique(np.round(_special(bands), 10), axis=0)
    found = np.array(
        [
            _spread(dynamical_matrix(q, raw, lattice, masses), dynamical_matrix(q, corrected, lattice, masses))
            for q in qpoints
        ]
    )
    worst = int(np.argmax(found))
    return Splitting(largest=float(found[worst]), qpoint=qpoints[worst], qpoints=qpoints, splittings=found)


def _special(bands: BandStructure) -> np.ndarray:
    starts, stops = bands.segments[:, 0], bands.segments[:, 1] - 1
    return np.concatenate([bands.qpoints[starts], bands.qpoints[stops], bands.qpoints[(starts + stops) // 2]])


def _spread(raw: np.ndarray, corrected: np.ndarray) -> float:
    eigenvalues, vectors = np.linalg.eigh(corrected)
    groups = np.split(
        np.arange(len(eigenvalues)), np.flatnonzero(np.diff(frequencies_of(eigenvalues)) > DEGENERATE) + 1
    )
    spreads = [0.0]
    for group in groups:
        space = vectors[:, group]
        inside = frequencies_of(np.linalg.eigvalsh(space.conj().T @ raw @ space))
        spreads.append(float(inside[-1] - inside[0]))
    return max(spreads)
