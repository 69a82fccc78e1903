"""The table of the Conservation page: first whether energy is conserved, then the numbers that say so."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.units import MEV
from dashboard.widgets.levels import COLORS, SIGNS
from dashboard.widgets.numbers import MISSING, fixed, power, table
from dashboard.widgets.work import Work
from mlip_core.calculations.conservation.calculation import Conservation
from mlip_core.configuration import Configuration
from mlip_core.models.catalogue import entry
from mlip_core.summary.facts import RESOLVED, Evidence
from mlip_core.summary.rules import Level
from mlip_core.summary.verdicts import judge
from mlip_core.symmetry.corrections import corrected_claims

VERDICT = "Energy conserved?"
_number, _error = power(), power(0)


def verdict(result: Conservation, member: Configuration) -> tuple[Level | None, str]:
    """Judge one member by the rules of the summary.

    Parameters
    ----------
    result : Conservation
    member : Configuration

    Returns
    -------
    "kept", "doubtful", "broken" or None
        None where nothing was measured that can tell.
    str
        "yes", "no (the energy drifts)", …
    """
    claims = corrected_claims(entry(member.model).claims(member.forces), member.corrections)
    found = judge(Evidence(conservation=result, claims=claims, averaged=member.corrections.rotations != "none"))
    level, words = found.levels["drift"], found.uses.get("Constant-energy dynamics")
    facts = found.facts
    only_noise = facts.drift_bound is not None and facts.curl is None and facts.loop is None
    if level is None or words is None or only_noise:
        return None, "not resolved"
    return level, words


def with_error(value: float | None, error: float | None, *, factor: float = 1.0, norm: bool = False) -> str:
    """Write a number with its error, or below what it lies where three errors hide it.

    Parameters
    ----------
    value : float or None
    error : float or None
        Standard error or largest error; None where there is none.
    factor : float
        From the record's unit to the one shown.
    norm : bool
        Whether it is a length, to which noise can only add, so that three errors are the bound.

    Returns
    -------
    str
        "0.27 ± 7×10⁻⁵", "≤ 2.6×10⁻⁴, not resolved", "–".
    """
    if value is None:
        return MISSING
    if error is None:
        return f"{_number(factor * value)}, too short to tell"
    if abs(value) > RESOLVED * error:
        return f"{_number(factor * value)} ± {_error(factor * error)}"
    bound = RESOLVED * error + (0.0 if norm else abs(value))
    return f"≤ {_number(factor * bound)}, not resolved"


def numbers(result: Conservation) -> dict[str, str]:
    """Return drift, loop and λ of one member in words, by their headings; most telling first."""
    run, loop = result.run, result.loop
    drift = MISSING
    if run is not None:
        drift = run.stopped or (
            "too short to tell" if run.drift is None else with_error(run.drift, run.drift_error, factor=MEV)
        )
    return {
        "Drift (meV/atom/ps)": drift,
        "Work around the loop (meV/atom)": MISSING if loop is None else with_error(loop.work, loop.error, factor=MEV),
        "λ of ∂F/∂x": with_error(result.jacobian_asymmetry, curl_error(result), norm=True),
    }  # fmt: skip


def curl_error(result: Conservation) -> float:
    """Return the error of λ: its own, or what rounding alone gives where that is more."""
    return max(result.jacobian_error or 0.0, result.jacobian_floor or 0.0)


def verdicts(works: Sequence[Work]) -> None:
    """Show for every configuration the verdict, then drift, loop and λ."""
    told = [verdict(work.result, work.member) for work in works]
    rows = [
        {VERDICT: f"{SIGNS[level]} {words}", **numbers(work.result)}
        for (level, words), work in zip(told, works, strict=True)
    ]
    names = pd.Index([work.member.label for work in works], name="Configuration")
    frame = pd.DataFrame(rows, index=names)
    colors = [f"background-color: {COLORS[level]}" for level, _ in told]
    st.table(frame.style.apply(lambda _: colors, subset=[VERDICT]), border="horizontal")
    st.caption(
        "Forces that are the gradient of an energy do no work around a closed loop, have a symmetric ∂F/∂x (λ = 0: ‖J − Jᵀ‖ / 2‖J‖), and let the total energy of a run stay where it is. "
        "What is within three times its error is not resolved: the bound stands in its place, and it counts for nobody and against nobody. "
        "Published λ: PET direct 0.004, Orb direct 0.015, eqV2 0.017; density functional theory itself 4×10⁻⁵ to 1.5×10⁻³. "
        "No average over rotations and no projection of forces makes direct forces conservative."
    )


def all_numbers(works: Sequence[Work]) -> None:
    """Show every figure with its error in a column of its own."""
    table([_row(work) for work in works], {
        "drift": ("Drift (meV/atom/ps)", power()),
        "drift_error": ("Drift uncertainty", power()),
        "loop": ("Work around the loop (meV/atom)", power()),
        "loop_error": ("Integration error", power()),
        "random": ("Random loops, rms (meV/atom)", power()),
        "λ": ("λ", power()),
        "λ_error": ("λ uncertainty", power()),
        "floor": ("λ of an exact potential", power()),
        "heads": ("Direct − conservative, rms (meV/Å)", fixed(1, factor=MEV)),
        "net": ("Net force an atom (meV/Å)", power()),
        "evaluations": ("Evaluations", fixed(0)),
        "seconds": ("Time (s)", fixed(1)),
    })  # fmt: skip
    st.caption(
        "**λ uncertainty**: how much λ changes when the displacement is doubled. Up to three times this, ripples of the energy finer than the displacement may look like a curl: λ says nothing then, the loops do. "
        "**λ of an exact potential**: the same of a pair potential, in the same arithmetic with the same displacements."
    )


def _row(work: Work) -> dict[str, object]:
    found: Conservation = work.result
    run, loop = found.run, found.loop
    return {
        "configuration": work.member.label,
        "drift": None if run is None or run.drift is None else MEV * run.drift,
        "drift_error": None if run is None or run.drift_error is None else MEV * run.drift_error,
        "loop": None if loop is None else MEV * loop.work,
        "loop_error": None if loop is None else MEV * loop.error,
        "random": None if found.random_loop_work is None else MEV * found.random_loop_work,
        "λ": found.jacobian_asymmetry,
        "λ_error": found.jacobian_error,
        "floor": found.jacobian_floor,
        "heads": None if found.heads is None else found.heads.rms,
        "net": MEV * found.net_force,
        "evaluations": found.evaluations,
        "seconds": found.seconds,
    }
