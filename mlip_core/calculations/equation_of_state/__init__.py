"""The equation of state: energy and pressure of a crystal against its volume."""

from mlip_core.calculations.equation_of_state.calculation import equation_of_state
from mlip_core.calculations.equation_of_state.record import EquationOfState, FittedEquation
from mlip_core.calculations.equation_of_state.settings import EquationOfStateSettings

__all__ = ["EquationOfState", "EquationOfStateSettings", "FittedEquation", "equation_of_state"]
