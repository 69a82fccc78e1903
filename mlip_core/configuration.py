"""One member of a line-up: a model with forces, precision and corrections chosen."""

from dataclasses import asdict, dataclass, field

from mlip_core.models.catalogue import entry
from mlip_core.models.model import Forces, Model
from mlip_core.symmetry.corrections import Corrections


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What a person compares: data only, so that naming one loads no model."""

    model: str
    """Name in the catalogue, or path of a model file."""
    forces: Forces | None = None
    """"direct" or "conservative"; None takes the model's own default."""
    dtype: str | None = None
    """"float32" or "float64"; None takes the model's own default."""
    corrections: Corrections = field(default_factory=Corrections)
    """Corrections that are applied to every prediction."""

    def load(self, device: str = "cpu") -> Model:
        """Load the model and put the corrections over it."""
        from mlip_core.models import load_model
        from mlip_core.symmetry.corrections import correct

        model = load_model(self.model, forces=self.forces, dtype=self.dtype, device=device)
        return model if self.corrections == Corrections() else correct(model, self.corrections)

    def identity(self) -> dict[str, object]:
        """Everything that may change a prediction: settings, weights' hash, package versions.

        Returns
        -------
        dict
            JSON-able; a default and the same value written out are the same; computed without
            loading the model.

        Raises
        ------
        ModelError
            If no such model exists.
        SettingsError
            If it does not offer these forces or this precision.
        """
        item = entry(self.model)
        forces, dtype = item.settings(self.forces, self.dtype)
        return {"forces": forces, "dtype": dtype, "corrections": asdict(self.corrections), **item.identity()}
