"""Speed: what one step costs, against the number of atoms."""

from mlip_core.calculations.speed.calculation import speed
from mlip_core.calculations.speed.record import Speed, Timing
from mlip_core.calculations.speed.settings import SpeedSettings

__all__ = ["Speed", "SpeedSettings", "Timing", "speed"]
