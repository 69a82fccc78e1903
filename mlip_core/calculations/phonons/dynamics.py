"""From one set of force constants to frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlip_core.calculations.phonons.bands import BandStructure, QPath, band_structure
from mlip_core.calculations.phonons.cells import Cells
from mlip_core.calculations.phonons.dos import TotalDos, run_mesh, total_dos
from mlip_core.calculations.phonons.nac import nac_parameters
from mlip_core.calculations.phonons.settings import PhononSettings

if TYPE_CHECKING:
    from phonopy.phonon.mesh import Mesh


@dataclass(frozen=True)
class LatticeDynamics:
    """One set of force constants and the frequencies that follow from it."""

    force_constants: np.ndarray
    """(n_primitive, n_supercell, 3, 3), eV/Å²."""
    bands: BandStructure
    """Frequencies along the path."""
    mesh: Mesh
    """phonopy's mesh, with frequencies."""
    dos: TotalDos
    """Density of states on the mesh."""


def lattice_dynamics(
    cells: Cells, force_constants: np.ndarray, path: QPath, settings: PhononSettings, *, symmetric: bool
) -> LatticeDynamics:
    """Compute bands, mesh and density of states.

    Parameters
    ----------
    cells : Cells
        Supercell and primitive cell.
    force_constants : (n_primitive, n_supercell, 3, 3)
        eV/Å².
    path : QPath
        Where the bands are computed.
    settings : PhononSettings
        Mesh, Born charges.
    symmetric : bool
        Whether the force constants have the crystal's space group; if the supercell
        has its point group too, irreducible points of the mesh stand for all.

    Returns
    -------
    LatticeDynamics
    """
    from phonopy.harmonic.dynamical_matrix import get_dynamical_matrix

    matrix = get_dynamical_matrix(
        force_constants, cells.phonopy.supercell, cells.phonopy.primitive, nac_params=nac_parameters(cells, settings)
    )
    frame = cells.frame
    mesh = run_mesh(
        matrix,
        frame.primitive_symmetry,
        settings,
        symmetric=symmetric and frame.keeps_point_group,
        across=frame.across,
    )
    return LatticeDynamics(force_constants, band_structure(matrix, path), mesh, total_dos(mesh))
