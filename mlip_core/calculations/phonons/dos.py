"""Density of states on a mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.records import record

if TYPE_CHECKING:
    from phonopy import Phonopy


@record("TotalDos")
@dataclass(frozen=True, kw_only=True)
class TotalDos:
    """Number of modes per frequency."""

    frequencies: np.ndarray
    """(n,), THz, evenly spaced; imaginary ones are negative."""
    density: np.ndarray
    """(n,), modes per THz and primitive cell: integrates to 3 n_primitive."""


@dataclass(frozen=True)
class MeshModes:
    """Frequencies on the mesh, kept only while a calculation runs."""

    qpoints: np.ndarray
    """(n_q, 3), irreducible points, the first is Γ."""
    weights: np.ndarray
    """(n_q,), how many points of the whole mesh each stands for."""
    frequencies: np.ndarray
    """(n_q, n_bands), THz."""


def run_mesh(phonopy: Phonopy, settings: PhononSettings, *, symmetric: bool) -> MeshModes:
    """Frequencies on a Γ-centred mesh.

    Parameters
    ----------
    phonopy : Phonopy
        With force constants.
    settings : PhononSettings
        The mesh.
    symmetric : bool
        Whether the force constants have the point group of the crystal, so
        that the irreducible points stand for all. Otherwise every point counts,
        and a mesh given by length is halved in each direction.

    Returns
    -------
    MeshModes
    """
    mesh = phonopy.run_mesh(
        settings.mesh if symmetric else _without_symmetry(settings.mesh),
        is_mesh_symmetry=symmetric,
        is_gamma_center=True,
    )
    return MeshModes(np.array(mesh.qpoints), np.array(mesh.weights), np.array(mesh.frequencies))


def _without_symmetry(mesh: Any) -> Any:
    return mesh / 2 if isinstance(mesh, float) else mesh


def total_dos(phonopy: Phonopy) -> TotalDos:
    """Density of states by the tetrahedron method on the mesh that phonopy holds."""
    found = phonopy.run_total_dos()
    return TotalDos(frequencies=np.array(found.frequency_points), density=np.array(found.dos))
