"""Conservation: whether forces are the gradient of an energy."""

from mlip_core.calculations.conservation.calculation import Conservation, ConservationSettings, conservation
from mlip_core.calculations.conservation.closed_loops import Loop

__all__ = ["Conservation", "ConservationSettings", "Loop", "conservation"]
