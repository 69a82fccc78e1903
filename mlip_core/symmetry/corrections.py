"""Corrections at inference time: a corrected model is a model."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """Which corrections are applied to every prediction. All are off by default."""

    rotations: str = "none"
    """"none", "tetrahedral", "octahedral", "icosahedral", "lebedev-<degree>" or "random-<number>"."""
    inversion: bool = False
    """Average over x → −x too."""
    space_group: bool = False
    """Project forces and stress onto the structure's own space group."""
    symprec: float = 1e-5
    """Tolerance of the space group, Å."""
    net_force: bool = False
    """Remove the mean force."""
    net_torque: bool = False
    """Remove the net torque (structures without a cell only)."""
