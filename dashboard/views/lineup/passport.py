"""A configuration's passport: each law as claimed, as measured, and whether the two agree; in words, signs and colour."""

from html import escape

from dashboard.widgets.levels import COLORS
from dashboard.widgets.numbers import fixed, power
from mlip_core.calculations.passport.calculation import LAWS, Law, Measure, Passport
from mlip_core.models.model import Claims
from mlip_core.summary.rules import Level

TITLES = {
    "rotation": "Rotations",
    "inversion": "Inversion",
    "translation": "Translations",
    "conservative": "Forces = −∂E/∂x",
    "smooth": "Smooth at the cutoff",
}
CLAIMS = {True: "built in", False: "not built in", None: "not stated"}
MEASURED = (
    "Measured on your structure, repeated to at least 8 atoms and rattled by 0.05 Å, against what rounding and finite steps alone give (the limit). "
    "**Rotations**: standard deviation over 24 generic orientations. **Inversion**: change under x → −x. **Translations**: change when all atoms are shifted alike. "
    "**Forces = −∂E/∂x**: root mean square of F + ∂E/∂x, from the work of the forces against the energy. "
    "**Smooth**: largest jump of the energy, and of a force, while an atom is led 1.2 Å past its neighbours (7 Å off a molecule)."
)

_VERDICTS: dict[tuple[bool | None, bool], tuple[str, Level]] = {
    (True, True): ("✓ Kept", "kept"),
    (True, False): ("✗ Broken (though claimed)", "broken"),
    (False, False): ("✗ Broken (not claimed)", "doubtful"),
    (False, True): ("✓ Kept here (not claimed)", "kept"),
    (None, True): ("✓ Kept here", "kept"),
    (None, False): ("✗ Broken here", "doubtful"),
}
"""Claimed, kept → what is said, and how it looks: kept is green, and broken is not, whatever was claimed."""


def verdict(law: Law) -> str:
    """Say in words whether a law is kept, and whether that was claimed."""
    return "– Cannot be measured" if law.kept is None else _VERDICTS[law.claimed, law.kept][0]


def laws(claims: Claims, found: Passport | None) -> str:
    """Return the laws of a configuration as a list, in HTML.

    Parameters
    ----------
    claims : Claims
        Built in or not.
    found : Passport or None
        What was measured, if it was.

    Returns
    -------
    str
        One row a law; with a passport also the verdict and the figures beside their limits.
    """
    rows = [_row(name, getattr(claims, name), None if found is None else found.law(name)) for name in LAWS]
    return f"<dl style='font-size:.92rem;margin:0;padding:0'>{''.join(rows)}</dl>"


def figure(measure: Measure) -> str:
    """Write a measurement with its unit and limit: ``forces 23 meV/Å (limit 0.03)``."""
    name = {"gradient": "F + ∂E/∂x", "jump of the energy": "jump of E", "jump of the forces": "jump of F"}
    value = f"{_written(1000 * measure.value)} m{measure.unit} (limit {_written(1000 * measure.tolerance, 0)})"
    return f"{name.get(measure.name, measure.name)} {value}"


def _written(value: float, digits: int = 1) -> str:
    return fixed(0)(value) if value >= 10 else power(digits)(value)


def _row(name: str, claimed: bool | None, law: Law | None) -> str:
    said = f"<dd style='margin:0;opacity:.75'>{CLAIMS[claimed]}</dd>"
    below = ""
    if law is not None:
        level = None if law.kept is None else _VERDICTS[law.claimed, law.kept][1]
        look = f"background:{COLORS[level]};border-radius:.5em;padding:.05em .5em"
        said = f"<dd style='margin:0;white-space:nowrap;{look}'>{verdict(law)}</dd>"
        stated = CLAIMS[claimed] + ", as stated" * (claimed is False and law.kept is False)
        parts = [stated, *(figure(measure) for measure in law.measures)]
        numbers = "".join(f"<span>{escape(part)}</span>" for part in parts)
        below = f"<dd style='margin:0;opacity:.75;font-size:.85em;display:flex;flex-wrap:wrap;gap:0 1em'>{numbers}</dd>"
    title = f"<dt style='font-weight:600'>{TITLES[name]}</dt>"
    return f"<div style='{_SIDE_BY_SIDE}'>{title}{said}</div>{below}"


_SIDE_BY_SIDE = "display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 .6em;padding-top:.35em"
"""A law's name and its verdict; in a narrow card the verdict stands below."""
