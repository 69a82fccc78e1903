"""How a configuration is drawn, the same on every page."""

from dashboard.widgets.theme import Style, style
from mlip_core.configuration import Configuration
from mlip_core.symmetry.corrections import Corrections


def style_of(member: Configuration, position: int) -> Style:
    """Return colour by place in the line-up; dash by what holds by construction."""
    corrected = member.corrections != Corrections()
    return style(position, constrained=member.constrained, corrected=corrected, label=member.label)
