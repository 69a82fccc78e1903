"""Machine-learned interatomic potentials: predict, relax, phonons, symmetry and conservation."""

from mlip_core.calculations.conservation.calculation import ConservationSettings, conservation
from mlip_core.calculations.conservation.closed_loops import Loop
from mlip_core.calculations.equation_of_state import EquationOfStateSettings, equation_of_state
from mlip_core.calculations.force_errors import ForceErrorSettings, differences, error_split, force_errors
from mlip_core.calculations.phonons import PhononSettings, phonons
from mlip_core.calculations.relaxation.calculation import RelaxationSettings, relax
from mlip_core.calculations.rotations.correction_cost import CorrectionCostSettings, correction_cost
from mlip_core.calculations.rotations.variance import RotationSettings, rotational_variance
from mlip_core.datasets import Dataset, read_dataset
from mlip_core.errors import DatasetError, StructureError
from mlip_core.models import Model, Prediction, catalogue, from_ase, load_model
from mlip_core.structures import read_structure
from mlip_core.symmetry.corrections import Corrections, correct

__all__ = [
    "ConservationSettings",
    "CorrectionCostSettings",
    "Corrections",
    "Dataset",
    "DatasetError",
    "EquationOfStateSettings",
    "ForceErrorSettings",
    "Loop",
    "Model",
    "PhononSettings",
    "Prediction",
    "RelaxationSettings",
    "RotationSettings",
    "StructureError",
    "catalogue",
    "conservation",
    "correct",
    "correction_cost",
    "differences",
    "equation_of_state",
    "error_split",
    "force_errors",
    "from_ase",
    "load_model",
    "phonons",
    "read_dataset",
    "read_structure",
    "relax",
    "rotational_variance",
]
