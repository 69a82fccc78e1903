"""Frequencies on a mesh in reciprocal space, and the density of states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.records import record

if TYPE_CHECKING:
    from phonopy.harmonic.dynamical_matrix import DynamicalMatrix
    from phonopy.phonon.mesh import Mesh
    from phonopy.structure.symmetry import Symmetry

N_BINS = 400
"""Bins between the lowest and the highest frequency: 0.04 THz where the highest is 16 THz."""
_NARROWEST = 1e-3
"""THz: width of a bin where all frequencies are one."""
_LARGEST_BATCH = 2_000_000
"""Weights of the tetrahedron method computed at a time, 8 bytes each."""


@record("TotalDos")
@dataclass(frozen=True, kw_only=True)
class TotalDos:
    """Number of modes per frequency."""

    frequencies: np.ndarray
    """(n,), THz, evenly spaced; imaginary ones are negative."""
    density: np.ndarray
    """(n,), modes per THz and primitive cell, the mean over the interval about each frequency: integrates to 3 n_primitive."""


def run_mesh(
    dynamical_matrix: DynamicalMatrix,
    primitive_symmetry: Symmetry,
    settings: PhononSettings,
    *,
    symmetric: bool,
    across: np.ndarray,
) -> Mesh:
    """Frequencies on a Γ-centred mesh.

    Parameters
    ----------
    dynamical_matrix : DynamicalMatrix
        phonopy's, with force constants.
    primitive_symmetry : Symmetry
        phonopy's, of the primitive cell.
    settings : PhononSettings
        The mesh.
    symmetric : bool
        Whether the force constants have the point group of the crystal, so
        that the irreducible points stand for all. Otherwise every point counts,
        and a mesh given by length is halved in each direction.
    across : (3,) of bool
        Reciprocal vectors that point where nothing is periodic: one point is enough
        there, and more would add acoustic modes of frequency zero.

    Returns
    -------
    Mesh
        phonopy's: `qpoints` (n_q, 3), the irreducible ones, Γ first, `weights` (n_q,) and
        `frequencies` (n_q, n_bands), THz.
    """
    from phonopy.phonon.mesh import Mesh

    mesh = settings.mesh if symmetric or not isinstance(settings.mesh, float) else settings.mesh / 2
    if across.any():
        mesh = np.where(across, 1, _points(mesh, dynamical_matrix.primitive.cell, primitive_symmetry))
    found = Mesh(
        dynamical_matrix,
        mesh,
        is_mesh_symmetry=symmetric,
        is_gamma_center=True,
        primitive_symmetry=primitive_symmetry,
    )
    found.run()
    return found


def _points(mesh: Any, cell: np.ndarray, symmetry: Symmetry) -> np.ndarray:
    from phonopy.phonon.grid import length2mesh

    return length2mesh(mesh, cell, symmetry.pointgroup_operations) if isinstance(mesh, float) else np.array(mesh)


def total_dos(mesh: Mesh) -> TotalDos:
    """Density of states from the number of states below each frequency.

    The tetrahedron method counts the states below the borders of narrow bins,
    exactly for frequencies that are linear between the points of the mesh; the
    density is what each bin holds over its width. No peak falls between two
    frequencies, so that the integral is the number of modes.

    Parameters
    ----------
    mesh : Mesh
        phonopy's, with frequencies.

    Returns
    -------
    TotalDos
        Zero at both ends.
    """
    frequencies = np.asarray(mesh.frequencies)
    low, high = frequencies.min(), frequencies.max()
    width = max((high - low) / N_BINS, _NARROWEST)
    borders = low + width * np.arange(-1.5, N_BINS + 2.5)
    below = states_below(mesh, borders)
    return TotalDos(frequencies=(borders[1:] + borders[:-1]) / 2, density=np.diff(below) / width)


def states_below(mesh: Mesh, borders: np.ndarray) -> np.ndarray:
    """Number of modes per primitive cell below each frequency, by the linear tetrahedron method.

    Parameters
    ----------
    mesh : Mesh
        phonopy's, with frequencies.
    borders : (n,)
        THz.

    Returns
    -------
    ndarray, (n,)
    """
    from phonopy.phonon.tetrahedron_method import get_integration_weights

    grid, frequencies, weights = mesh.bz_grid, np.asarray(mesh.frequencies), np.asarray(mesh.weights)
    irreducible = np.asarray(mesh.ir_grid_points)
    place = np.searchsorted(irreducible, np.asarray(mesh.grid_mapping_table))[grid.bzg2grg]
    batch = max(1, _LARGEST_BATCH // (len(borders) * frequencies.shape[1]))
    below = np.zeros(len(borders))
    for start in range(0, len(irreducible), batch):
        chosen = slice(start, start + batch)
        shares = get_integration_weights(
            borders,
            frequencies,
            grid,
            grid_points=grid.grg2bzg[irreducible[chosen]],
            bzgp2irgp_map=place,
            function="J",
        )
        below += weights[chosen] @ shares.sum(axis=2)
    return below / weights.sum()
