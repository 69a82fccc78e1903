"""How a configuration is named and drawn, the same on every page."""

from dashboard.widgets.theme import Style, style
from mlip_core.configuration import Configuration
from mlip_core.models.catalogue import entry
from mlip_core.symmetry.corrections import Corrections


def label(member: Configuration) -> str:
    """Name a configuration as briefly as tells it apart: ``PET demo · direct + octahedral``."""
    model = entry(member.model)
    parts = [model.title]
    if len(model.forces) > 1:
        parts.append(member.forces or model.default_forces)
    if member.dtype and member.dtype != model.default_dtype:
        parts.append(member.dtype)
    return " + ".join([" · ".join(parts), *_corrections(member.corrections)])


def style_of(member: Configuration, position: int) -> Style:
    """Return colour by place in the line-up; dash by what holds by construction."""
    return style(
        position, constrained=constrained(member), corrected=member.corrections != Corrections(), label=label(member)
    )


def constrained(member: Configuration) -> bool:
    """Tell whether rotations and −∂E/∂x hold by construction."""
    claims = entry(member.model).claims(member.forces)
    return bool(claims.rotation and claims.conservative)


def _corrections(corrections: Corrections) -> list[str]:
    words = [corrections.rotations] if corrections.rotations != "none" else []
    words += ["inversion"] if corrections.inversion else []
    words += ["space group"] if corrections.space_group else []
    words += ["no net force"] if corrections.net_force else []
    words += ["no net torque"] if corrections.net_torque else []
    return words
