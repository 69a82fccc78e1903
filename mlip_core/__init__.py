"""Machine-learned interatomic potentials: predict, relax, phonons, symmetry and conservation."""

from mlip_core.models import Model, Prediction, catalogue, from_ase, load_model

__all__ = ["Model", "Prediction", "catalogue", "from_ase", "load_model"]
