"""A configuration's passport: each law as claimed, as measured, and whether the two agree; in words, signs and colour."""

from html import escape

from mlip_core.calculations.passport.calculation import LAWS, Law, Measure, Passport
from mlip_core.models.model import Claims

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

_GREEN, _RED, _BLUE, _GREY = (f"rgba({color},.25)" for color in ("0,158,115", "213,94,0", "86,180,233", "128,128,128"))
_VERDICTS = {
    (True, True): ("✓ kept, as claimed", _GREEN),
    (True, False): ("✗ broken, though claimed", _RED),
    (False, False): ("✓ broken, as stated", _GREEN),
    (False, True): ("○ kept here, not claimed", _BLUE),
    (None, True): ("○ kept here", _GREY),
    (None, False): ("○ broken here", _GREY),
}


def verdict(law: Law) -> str:
    """Say in words whether a law's measurement agrees with its claim."""
    return "– cannot be measured" if law.kept is None else _VERDICTS[law.claimed, law.kept][0]


def laws(claims: Claims, found: Passport | None) -> str:
    """Return the laws of a configuration as a small table, in HTML.

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
    return f"<table style='font-size:.92rem;width:100%;border-collapse:collapse'>{''.join(rows)}</table>"


def figure(measure: Measure) -> str:
    """Write a measurement with its unit and limit: ``forces 23 meV/Å (limit 0.03)``."""
    name = {"gradient": "F + ∂E/∂x", "jump of the energy": "jump of E", "jump of the forces": "jump of F"}
    value = f"{1000 * measure.value:.2g} m{measure.unit} (limit {1000 * measure.tolerance:.1g})"
    return f"{name.get(measure.name, measure.name)} {value}"


def _row(name: str, claimed: bool | None, law: Law | None) -> str:
    title = f"<td style='white-space:nowrap;padding-top:.35em'><b>{TITLES[name]}</b></td>"
    said = f"<span style='opacity:.75'>{CLAIMS[claimed]}</span>"
    if law is None:
        return f"<tr>{title}<td style='text-align:right'>{said}</td></tr>"
    color = _GREY if law.kept is None else _VERDICTS[law.claimed, law.kept][1]
    chip = f"<span style='background:{color};border-radius:.5em;padding:.05em .5em;white-space:nowrap'>{verdict(law)}</span>"
    parts = [CLAIMS[claimed], *(figure(measure) for measure in law.measures)]
    numbers = " · ".join(f"<span style='white-space:nowrap'>{escape(part)}</span>" for part in parts)
    below = f"<tr><td colspan='2' style='opacity:.75;font-size:.85em'>{numbers}</td></tr>"
    return f"<tr>{title}<td style='text-align:right'>{chip}</td></tr>{below}"
