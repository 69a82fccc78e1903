"""Harmonic free energy, entropy and heat capacity."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlip_core.records import record
from mlip_core.units import EV_IN_KJ_PER_MOL

if TYPE_CHECKING:
    from phonopy.phonon.mesh import Mesh

TEMPERATURES = np.arange(0.0, 1001.0, 10.0)
"""K."""


@record("ThermalProperties")
@dataclass(frozen=True, kw_only=True)
class ThermalProperties:
    """Harmonic, at constant volume, per atom."""

    temperatures: np.ndarray
    """(n,), K."""
    free_energy: np.ndarray
    """(n,), Helmholtz energy of the vibrations with the zero-point energy, eV/atom."""
    entropy: np.ndarray
    """(n,), eV/K/atom."""
    heat_capacity: np.ndarray
    """(n,), C_v, eV/K/atom."""
    imaginary_share: float
    """Share of the modes left out because they are imaginary; above 0 the values mean little."""

    def at(self, temperature: float) -> tuple[float, float, float]:
        """Free energy, entropy and heat capacity at a temperature of the table.

        Raises
        ------
        ValueError
            If the temperature is not in `temperatures`.
        """
        index = int(np.argmin(np.abs(self.temperatures - temperature)))
        if not np.isclose(self.temperatures[index], temperature):
            raise ValueError(f"{temperature} K is not in the table")
        return float(self.free_energy[index]), float(self.entropy[index]), float(self.heat_capacity[index])


def thermal_properties(mesh: Mesh, tolerance: float) -> ThermalProperties:
    """Sum over the modes of a mesh, by phonopy.

    Parameters
    ----------
    mesh : Mesh
        phonopy's, with frequencies; the three acoustic modes at Γ and imaginary modes are left out.
    tolerance : float
        THz: modes below minus this count as imaginary.

    Returns
    -------
    ThermalProperties
    """
    from phonopy.phonon.thermal_properties import ThermalProperties as PhonopyThermalProperties

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = PhonopyThermalProperties(mesh, exclude_gamma_acoustic=True)
        found.temperatures = TEMPERATURES
        found.run()
    n_atoms = len(mesh.primitive)
    frequencies, weights = np.asarray(mesh.frequencies), np.asarray(mesh.weights)
    imaginary = np.sum(weights[:, None] * (frequencies < -tolerance))
    per_kelvin = 1 / (1000 * EV_IN_KJ_PER_MOL * n_atoms)
    return ThermalProperties(
        temperatures=np.array(found.temperatures),
        free_energy=np.array(found.free_energy) / (EV_IN_KJ_PER_MOL * n_atoms),
        entropy=np.array(found.entropy) * per_kelvin,
        heat_capacity=np.array(found.heat_capacity) * per_kelvin,
        imaginary_share=float(imaginary / (weights.sum() * frequencies.shape[1])),
    )
