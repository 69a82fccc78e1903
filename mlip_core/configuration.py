"""One member of a line-up: a model with forces, precision and corrections chosen."""

import re
from dataclasses import asdict, dataclass, field, replace

from mlip_core.errors import SettingsError
from mlip_core.keys import digest
from mlip_core.models.catalogue import entry, listed
from mlip_core.models.model import Forces, Model
from mlip_core.records import record
from mlip_core.symmetry.corrections import Corrections

_SWITCHES = {
    "inversion": "inversion",
    "space-group": "space_group",
    "net-force": "net_force",
    "net-torque": "net_torque",
}


@record("Configuration")
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
    """What is done to every prediction; nothing by default."""

    @property
    def label(self) -> str:
        """Name for people, as brief as tells it apart: "PET demo · direct + octahedral"."""
        item = entry(self.model)
        parts = [item.title]
        if len(item.forces) > 1:
            parts.append(self.forces or item.default_forces)
        if self.dtype and self.dtype != item.default_dtype:
            parts.append(self.dtype)
        return " + ".join(filter(None, [" · ".join(parts), self.corrections.label]))

    @property
    def code(self) -> str:
        """Name in an address, which :meth:`from_code` reads: ``pet-demo:direct:float32+octahedral+inversion``."""
        parts = [self.model, *(part for part in (self.forces, self.dtype) if part)]
        corrections = self.corrections
        extras = [corrections.rotations] if corrections.rotations != "none" else []
        extras += [word for word, name in _SWITCHES.items() if getattr(corrections, name)]
        if corrections.space_group:
            extras.append(f"symprec={corrections.symprec:g}")
        return "+".join([":".join(parts), *extras])

    @property
    def constrained(self) -> bool:
        """Whether rotations and −∂E/∂x hold by construction."""
        claims = entry(self.model).claims(self.forces)
        return bool(claims.rotation and claims.conservative)

    @property
    def other_head(self) -> "Configuration | None":
        """The same model under the same corrections with its other forces; None where it has one kind only."""
        item = entry(self.model)
        others = [forces for forces in item.forces if forces != (self.forces or item.default_forces)]
        return replace(self, forces=others[0]) if others else None

    @classmethod
    def from_code(cls, text: str) -> "Configuration | None":
        """Read :attr:`code`; None for a model outside the catalogue (an address never names a file to load)."""
        head, *extras = re.split(r"[+ ]", text.strip())
        model, *choices = head.split(":")
        if listed(model) is None:
            return None
        forces = next((choice for choice in choices if choice in ("direct", "conservative")), None)
        dtype = next((choice for choice in choices if choice in ("float32", "float64")), None)
        try:
            return cls(model=model, forces=forces, dtype=dtype, corrections=_corrections(extras))  # type: ignore[arg-type]
        except (SettingsError, ValueError):
            return None

    def load(self, device: str = "cpu") -> Model:
        """Load the model and put the corrections over it.

        Parameters
        ----------
        device : str
            As torch names it: "cpu", "cuda", …

        Returns
        -------
        Model
            Its ``identity`` says what it is.

        Raises
        ------
        ModelError
            If no such model exists, or it cannot be loaded.
        SettingsError
            If it does not offer these forces or this precision.
        """
        from mlip_core.models import load_model
        from mlip_core.symmetry.corrections import correct

        model = load_model(self.model, forces=self.forces, dtype=self.dtype, device=device)
        if self.corrections != Corrections():
            model = correct(model, self.corrections)
        model.identity = digest(self.identity())
        return model

    def identity(self) -> dict[str, object]:
        """Everything that may change a prediction: settings, weights' hash, code and package versions.

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


def _corrections(words: list[str]) -> Corrections:
    values: dict[str, object] = {}
    for word in words:
        if word in _SWITCHES:
            values[_SWITCHES[word]] = True
        elif word.startswith("symprec="):
            values["symprec"] = float(word.removeprefix("symprec="))
        else:
            values["rotations"] = word
    return Corrections(**values)  # type: ignore[arg-type]
