"""How well a grid of orientations determines a rotational standard deviation, and how many digits of it to show."""

import math
from dataclasses import dataclass

from mlip_core.symmetry.rotations import check_name

MORE_DIRECTIONS = "lebedev-7"
"""Grid to offer where a coarser one does not show enough digits: 208 rotations, all deviations within about 2 %."""


@dataclass(frozen=True)
class Resolution:
    """Relative standard uncertainty of rotational standard deviations that were measured on a grid."""

    energy: float
    """Relative uncertainty of the energy's deviation, such as 0.14 for 14 %."""
    forces: float
    """Relative uncertainty of the forces' deviation."""
    stress: float
    """Relative uncertainty of the stress's deviation."""


_MEASURED = {
    "tetrahedral": Resolution(energy=0.20, forces=0.056, stress=0.091),
    "octahedral": Resolution(energy=0.14, forces=0.036, stress=0.069),
    "icosahedral": Resolution(energy=0.14, forces=0.015, stress=0.032),
    "lebedev-3": Resolution(energy=0.14, forces=0.036, stress=0.069),
    "lebedev-5": Resolution(energy=0.11, forces=0.019, stress=0.034),
    "lebedev-7": Resolution(energy=0.019, forces=0.005, stress=0.018),
    "lebedev-9": Resolution(energy=0.015, forces=0.002, stress=0.014),
}
"""Root mean square of the relative difference to 2,000 random rotations, which are themselves uncertain by 1.6 % in the energy.

Measured with pet-demo, both heads, on the cubic cells of Si (5.45 Å) and MgO (4.25 Å), 8 atoms,
rattled by 0.05 Å with seeds 0 and 1; each grid in 9 generic orientations (lebedev-9: seed 0, 4 orientations).
Single cases reached 30 % (energy), 10 % (forces) and 18 % (stress) on the octahedral grid.
"""


def resolution(grid: str) -> Resolution:
    """Return how uncertain deviations measured on a grid are.

    Parameters
    ----------
    grid : str
        Name of the grid.

    Returns
    -------
    Resolution
        Measured for groups and Lebedev grids, where degrees above 9 count as 9. For random
        rotations 1/√(2(n − 1)), what normal deviations give; forces and stress, which have
        many components, are better than that.

    Raises
    ------
    SettingsError
        If there is no such grid.
    """
    check_name(grid)
    if grid in _MEASURED:
        return _MEASURED[grid]
    kind, _, number = grid.partition("-")
    if kind == "lebedev":
        return _MEASURED["lebedev-9"]
    samples = int(number) if kind == "random" else 1
    relative = 1 / math.sqrt(2 * (samples - 1)) if samples > 1 else math.inf
    return Resolution(relative, relative, relative)


def more_directions(grid: str) -> str | None:
    """Return the grid to offer for more digits than ``grid`` gives; None where it is fine already."""
    return MORE_DIRECTIONS if resolution(grid).energy > 1.2 * _MEASURED[MORE_DIRECTIONS].energy else None


def resolved_digits(value: float, relative: float) -> str:
    """Write a positive number with the digits that its uncertainty leaves.

    Parameters
    ----------
    value : float
        Such as a deviation in meV/atom.
    relative : float
        Relative uncertainty of the value.

    Returns
    -------
    str
        The last digit is that in which the uncertainty begins: "0.8" for 0.8003 with 14 %, "0.80" with 2 %.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if not relative < 1:
        return f"{value:.0e}"
    place = _exponent(value * relative)
    if 1e-3 <= abs(value) < 1e4:
        return f"{round(value, -place):.{max(0, -place)}f}"
    return f"{value:.{max(0, _exponent(value) - place)}e}"


def _exponent(value: float) -> int:
    """Power of ten of the first digit."""
    return int(f"{abs(value):e}".partition("e")[2])
