"""Force errors: a model against labelled data, or against another model."""

from mlip_core.calculations.force_errors.differences import differences
from mlip_core.calculations.force_errors.evaluation import force_errors
from mlip_core.calculations.force_errors.export import per_atom_table, with_forces
from mlip_core.calculations.force_errors.narrow import Selection, narrowed
from mlip_core.calculations.force_errors.record import Density, ForceErrors, ForceErrorSettings
from mlip_core.calculations.force_errors.split import ErrorSplit, error_split
from mlip_core.calculations.force_errors.statistics import Comparison, compare_errors

__all__ = [
    "Comparison",
    "Density",
    "ErrorSplit",
    "ForceErrorSettings",
    "ForceErrors",
    "Selection",
    "compare_errors",
    "differences",
    "error_split",
    "force_errors",
    "narrowed",
    "per_atom_table",
    "with_forces",
]
