"""The cells of the summary in words: a headline and what stands small below it."""

from collections.abc import Callable
from typing import NamedTuple

from mlip_core.models.model import Claims
from mlip_core.summary.facts import Evidence, Facts
from mlip_core.summary.verdicts import Verdict

KIND_OF = {
    "relaxes": "relaxation",
    "symmetry": "relaxation",
    "imaginary": "phonons",
    "raw": "phonons",
    "bands": "phonons",
    "forces": "force_errors",
    "noise": "rotational_variance",
    "drift": "conservation",
    "laws": "passport",
    "cost": "speed",
}
"""Column → the calculation that it needs, and whose page it opens."""
LAWS = {
    "rotation": "rotations",
    "inversion": "inversion",
    "translation": "translations",
    "conservative": "F = −∂E/∂x",
    "smooth": "smoothness",
}
SIGNS = {"kept": "✓", "doubtful": "○", "broken": "✗", None: ""}


class Words(NamedTuple):
    """One cell."""

    headline: str
    """What stands large."""
    small: str = ""
    """What stands below."""


def titles(reference: str) -> dict[str, str]:
    """Return the heading of each column with its unit; ``reference`` names what is compared with."""
    return {
        "relaxes": "Relaxes",
        "symmetry": "Space group kept",
        "imaginary": "Imaginary modes",
        "raw": "Raw phonons",
        "bands": f"Bands against {reference}",
        "forces": f"Forces against {reference}",
        "noise": "Orientation noise",
        "drift": "Drift (meV/atom/ps)",
        "laws": "Laws kept",
        "cost": "A step",
    }


def words(column: str, evidence: Evidence, verdict: Verdict) -> Words:
    """Write one cell of a member whose calculation is there."""
    headline, small = _CELLS[column](evidence, verdict.facts)
    sign = SIGNS[verdict.levels[column]]
    return Words(f"{sign} {headline}".strip(), small)


def number(value: float) -> str:
    """Write a number with two digits that count: 0.12, 3.4, 23, 4.8×10⁻⁶."""
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}×10{str(int(exponent)).translate(_RAISED)}".replace("-", "−")
    digits = f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    return digits.replace("-", "−")


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _relaxes(evidence: Evidence, facts: Facts) -> Words:
    result = evidence.relaxation
    assert result is not None
    per_atom = 1000 / len(result.structure)
    change, work = ((values[-1] - values[0]) * per_atom for values in (result.energies, result.work))
    small = f"ΔE {change:.2f}, work {work:.2f} meV/atom".replace("-", "−")
    return Words(f"{'in' if result.converged else 'not in'} {result.n_steps} steps", small)


def _symmetry(evidence: Evidence, facts: Facts) -> Words:
    result = evidence.relaxation
    assert result is not None
    if facts.symmetry_lost is None:
        return Words("–", "no crystal")
    tight, loose = (str(groups[-1]).partition(" ")[0] for groups in (result.space_groups, result.space_groups_loose))
    return Words(
        tight if tight == loose else f"{tight} (tight), {loose} (loose)",
        f"from {str(result.space_groups[0]).partition(' ')[0]}",
    )


def _imaginary(evidence: Evidence, facts: Facts) -> Words:
    assert evidence.phonons is not None
    told = evidence.phonons.diagnostics
    headline = "some" if told.lowest.imaginary else "none"
    return Words(headline, f"lowest {told.lowest.frequency:.2f} THz".replace("-", "−"))


def _raw(evidence: Evidence, facts: Facts) -> Words:
    split = "only full displacements tell what splits"
    if facts.splitting is not None:
        split = f"{number(facts.splitting)} THz split"
    return Words(f"{number(facts.acoustic or 0.0)} THz at Γ", split)


def _bands(evidence: Evidence, facts: Facts) -> Words:
    if facts.band_mae is None or facts.band_share is None:
        return Words("reference") if evidence.reference is evidence.phonons else Words("–", "no reference yet")
    return Words(f"{number(facts.band_mae)} THz", f"{number(facts.band_share)} % of the highest")


def _forces(evidence: Evidence, facts: Facts) -> Words:
    assert evidence.errors is not None
    if facts.force_mae is None:
        return Words("–", "none of these structures")
    share = "" if facts.force_share is None else f"{number(facts.force_share)} % of the forces"
    return Words(f"{number(facts.force_mae)} meV/Å", share)


def _noise(evidence: Evidence, facts: Facts) -> Words:
    size = f"{number(facts.noise_mev or 0.0)} meV/Å" + _stated(evidence.claims, "rotation")
    return Words("–" if facts.noise is None else f"{number(facts.noise)} % of force", size)


def _drift(evidence: Evidence, facts: Facts) -> Words:
    assert evidence.conservation is not None
    result, run = evidence.conservation, evidence.conservation.run
    parts = []
    if result.loop is not None and facts.loop is not None:
        parts.append(f"loop {number(facts.loop)} meV/atom" if facts.loop else "loop: no work")
    if facts.curl is not None:
        parts.append(f"λ {number(facts.curl / 100)}" if facts.curl else "λ not resolved")
    small = ", ".join(parts) + _stated(evidence.claims, "conservative")
    if run is None or run.drift is None or facts.drift is None:
        return Words("–" if run is None else run.stopped or "too short to tell", small)
    if facts.drift_bound is not None:
        return Words(f"≤ {number(facts.drift_bound)}, not resolved", small)
    return Words(number(1000 * run.drift), small)


def _laws(evidence: Evidence, facts: Facts) -> Words:
    broken = facts.laws_broken or ()
    kept = f"{facts.laws_measured - len(broken)} of {facts.laws_measured}"
    claims = evidence.claims
    by_claim: dict[str, list[str]] = {}
    for name in broken:
        said = None if claims is None else getattr(claims, name)
        by_claim.setdefault(_SAID[said], []).append(LAWS[name])
    small = "; ".join(f"{said}: {', '.join(names)}" for said, names in by_claim.items())
    return Words(kept, small)


_SAID = {False: "broken, as stated", True: "broken, though claimed", None: "broken"}
"""What its makers say of a law that is broken → how that is told."""


def _cost(evidence: Evidence, facts: Facts) -> Words:
    if facts.step_ms is None:
        return Words("–", "too slow to be timed")
    doubt = ", disturbed" if evidence.speed is not None and evidence.speed.disturbed else ""
    return Words(f"{number(facts.step_ms)} ms", f"{facts.step_atoms} atoms{doubt}")


def _stated(claims: Claims | None, law: str) -> str:
    """Say small what its makers say."""
    said = None if claims is None else getattr(claims, law)
    return {True: " · built in", False: " · not built in, as stated", None: ""}[said]


_CELLS: dict[str, Callable[[Evidence, Facts], Words]] = {
    "relaxes": _relaxes,
    "symmetry": _symmetry,
    "imaginary": _imaginary,
    "raw": _raw,
    "bands": _bands,
    "forces": _forces,
    "noise": _noise,
    "drift": _drift,
    "laws": _laws,
    "cost": _cost,
}
