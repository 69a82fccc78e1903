"""Machine-learned interatomic potentials: predict, relax, phonons, symmetry and conservation.

What each calculation offers to Python users stands in its declaration
(``mlip_core/calculations/<question>/declaration.py``) and is found here under its own name.
"""

from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.export import export, tables
from mlip_core.calculations.view import load_ipython_extension, view
from mlip_core.datasets import Dataset, read_dataset
from mlip_core.errors import DatasetError, StructureError
from mlip_core.models import Model, Prediction, catalogue, from_ase, load_model
from mlip_core.structures import read_structure
from mlip_core.symmetry.corrections import Corrections, correct

_declared = {item.__name__: item for calculation in CALCULATIONS.values() for item in calculation.public}
globals().update(_declared)

__all__ = [
    "Corrections",
    "Dataset",
    "DatasetError",
    "Model",
    "Prediction",
    "StructureError",
    "catalogue",
    "correct",
    "export",
    "from_ase",
    "load_ipython_extension",
    "load_model",
    "read_dataset",
    "read_structure",
    "tables",
    "view",
]
__all__.extend(sorted(_declared))
