"""Rotations: how far predictions depend on the orientation, and what corrections buy."""

from mlip_core.calculations.rotations.correction_cost import CorrectionCost, CorrectionCostSettings, correction_cost
from mlip_core.calculations.rotations.variance import RotationalVariance, RotationSettings, rotational_variance

__all__ = [
    "CorrectionCost",
    "CorrectionCostSettings",
    "RotationSettings",
    "RotationalVariance",
    "correction_cost",
    "rotational_variance",
]
