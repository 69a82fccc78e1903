"""Relaxation: ASE's optimizers over any model, watched on the way."""

from mlip_core.calculations.relaxation.calculation import RelaxationResult, RelaxationSettings, relax

__all__ = ["RelaxationResult", "RelaxationSettings", "relax"]
