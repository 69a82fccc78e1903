"""What a reader of an equation of state must know, in sentences."""

import numpy as np

from mlip_core.calculations.equation_of_state.points import Points
from mlip_core.calculations.equation_of_state.record import FittedEquation

_HELD = 0.05
"""eV/Å; longer forces on atoms that are kept in place are pointed out."""
_POOR = 0.02
"""Of the spread of the energies; a fit that misses them by more is pointed out."""


def notes_on_points(points: Points) -> list[str]:
    """Say where atoms did not relax, or were kept in place against strong forces, and whether there is no stress."""
    notes = []
    left_out = ~points.converged
    if left_out.any():
        where = ", ".join(f"{volume:.4g}" for volume in points.volumes[left_out])
        notes.append(
            f"The atoms did not relax at {left_out.sum()} of {len(left_out)} volumes ({where} Å³), which are left out of "
            f"the fit. The first {points.reasons[int(left_out.argmax())].rstrip('.')}."
        )
    if not points.reasons and points.fmax.max() > _HELD:
        notes.append(
            f"Forces of up to {points.fmax.max():.2g} eV/Å act on the atoms, which were kept in place: "
            "relaxed at each volume (relax_atoms) they have lower energies."
        )
    if points.pressures is None:
        notes.append("The model gives no stress: there is no pressure to compare with the slope of the energies.")
    return notes


def notes_on_fit(fit: FittedEquation, points: Points) -> list[str]:
    """Say where the minimum lies outside the volumes, or the equation misses the energies."""
    notes = []
    volumes, spread = points.volumes[points.converged], np.ptp(points.energies[points.converged])
    if not volumes.min() < fit.volume < volumes.max():
        notes.append(
            f"The minimum of the fit, at {fit.volume:.4g} Å³, lies outside the volumes computed "
            f"({volumes.min():.4g} to {volumes.max():.4g} Å³, of the whole cell): volume, energy and bulk modulus are extrapolated. "
            "Relax the cell first, or take a larger range of volumes (volume_range)."
        )
    if fit.rms > _POOR * spread:
        notes.append(
            f"The fit misses the energies by {1e3 * fit.rms:.2g} meV (root mean square), {fit.rms / spread:.0%} of their "
            "spread: they are not smooth, or this equation does not describe them. Look at the points, or try another "
            "equation."
        )
    return notes
