"""Which volumes, whether the atoms relax at each, and which equation is fitted."""

from dataclasses import dataclass
from typing import Literal, get_args

from mlip_core.calculations.relaxation.calculation import Optimizer, RelaxationSettings
from mlip_core.errors import SettingsError
from mlip_core.records import record

Equation = Literal[
    "birchmurnaghan", "vinet", "murnaghan", "birch", "pouriertarantola", "anton-schmidt", "taylor", "sj", "p3"
]
"""ASE's names: "taylor" is a cubic about the minimum, "sj" a cubic in V^(−1/3), "p3" a cubic in V."""

FEWEST_VOLUMES, MOST_VOLUMES = 5, 51
"""Four parameters are fitted, so that five points are the fewest that can contradict the equation."""
NARROWEST, WIDEST = 0.005, 0.3
"""Closer volumes differ by little more than rounding; at wider ones the equations no longer hold."""


@record("EquationOfStateSettings")
@dataclass(frozen=True, kw_only=True)
class EquationOfStateSettings:
    """How an equation of state is computed.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    n_volumes: int = 9
    """Number of volumes, evenly spaced, 5 to 51; an odd number includes the volume of the structure given."""
    volume_range: float = 0.06
    """Largest relative change of the volume in both directions, 0.005 to 0.3: 0.06 means ±6 % (±2 % of the lengths)."""
    relax_atoms: bool = False
    """Relax the atoms at each volume, with the cell kept; otherwise their fractional coordinates stay as given."""
    equation: Equation = "birchmurnaghan"
    """Equation fitted to the energies, by ASE's name."""
    fmax: float = 1e-3
    """Where the atoms relax, stop when the longest force on an atom is below this, eV/Å."""
    steps: int = 500
    """Where the atoms relax, the most steps taken at each volume."""
    optimizer: Optimizer = "FIRE"
    """Where the atoms relax, ASE's "FIRE", "LBFGS" or "BFGS"."""

    def __post_init__(self) -> None:
        n = self.n_volumes
        if not isinstance(n, int) or not FEWEST_VOLUMES <= n <= MOST_VOLUMES:
            raise SettingsError(f"n_volumes must be a whole number from {FEWEST_VOLUMES} to {MOST_VOLUMES}, not {n!r}.")
        if not NARROWEST <= self.volume_range <= WIDEST:
            raise SettingsError(
                f"volume_range must be a fraction of the volume from {NARROWEST} to {WIDEST} "
                f"(0.06 means ±6 %), not {self.volume_range}."
            )
        if self.equation not in get_args(Equation):
            raise SettingsError(f"equation must be one of {', '.join(get_args(Equation))}, not {self.equation!r}.")
        _ = self.relaxation  # refuses fmax, steps and optimizer

    @property
    def relaxation(self) -> RelaxationSettings:
        """How the atoms relax at one volume."""
        return RelaxationSettings(fmax=self.fmax, steps=self.steps, optimizer=self.optimizer, cell="none")
