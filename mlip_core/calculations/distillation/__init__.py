"""An unconstrained model of one structure, learned from a constrained one."""

from mlip_core.calculations.distillation.calculation import distill
from mlip_core.calculations.distillation.record import Distillation, History, StudentErrors
from mlip_core.calculations.distillation.settings import DistillationSettings

__all__ = ["Distillation", "DistillationSettings", "History", "StudentErrors", "distill"]
