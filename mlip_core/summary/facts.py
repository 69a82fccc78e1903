"""What the stored results of one member say, as a few numbers that are small where all is well."""

from dataclasses import dataclass

import numpy as np

from mlip_core.calculations.conservation import Conservation
from mlip_core.calculations.force_errors import ForceErrors
from mlip_core.calculations.passport import Passport
from mlip_core.calculations.phonons import Phonons, compare_phonons
from mlip_core.calculations.phonons.reference_bands import (
    ReferenceCrystal,
    difference_to_reference,
    reference_bands,
)
from mlip_core.calculations.relaxation.calculation import RelaxationResult
from mlip_core.calculations.rotations.variance import RotationalVariance
from mlip_core.calculations.speed import Speed
from mlip_core.models.model import Claims

MEV = 1000.0
RESOLVED = 3.0
"""Multiple of its own error from which a number counts as different from zero."""
MATERIAL_TAG = "name"
"""Tag of the reference data that names the material of a structure."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The results of one member on one structure; None where one is not there."""

    relaxation: RelaxationResult | None = None
    """Of the structure as given."""
    rotations: RotationalVariance | None = None
    """Of the structure, large enough and rattled."""
    conservation: Conservation | None = None
    """Of the same."""
    phonons: Phonons | None = None
    """At the member's own minimum."""
    speed: Speed | None = None
    """Of the structure, repeated."""
    errors: ForceErrors | None = None
    """On labelled structures, or against another member."""
    passport: Passport | None = None
    """Of the structure, large enough and rattled."""
    reference: ReferenceCrystal | Phonons | None = None
    """What the bands are compared with: PBE's, or the phonons of another member."""
    material: str | None = None
    """Which structures of the labelled data count, by their tag ``name``; None for all."""
    claims: Claims | None = None
    """What the member obeys by construction, as its makers say, its corrections included; None where that is not known."""
    averaged: bool = False
    """Whether its predictions are averaged over rotations already."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Numbers that the rules look at; None where nothing was computed, or where it cannot tell."""

    unconverged: float | None = None
    """1 where the relaxation did not converge, else 0."""
    symmetry_lost: float | None = None
    """0 where the space group of the start is kept at 1e-5 Å, 1 where at 1e-2 Å only, 2 where at neither."""
    work_gap: float | None = None
    """How far the work of the forces along the relaxation is from the change of the energy, meV/atom."""
    imaginary: float | None = None
    """How far the lowest mode lies below zero, THz, after the correction of the force constants."""
    acoustic: float | None = None
    """Largest frequency of the raw acoustic branches at Γ, without regard to sign, THz."""
    splitting: float | None = None
    """Largest splitting of raw branches that symmetry makes degenerate, THz."""
    band_mae: float | None = None
    """Mean difference of the bands from the reference, THz."""
    band_share: float | None = None
    """The same in % of the highest frequency of the reference."""
    force_mae: float | None = None
    """Mean difference of a force component on this material, meV/Å."""
    force_share: float | None = None
    """Root mean square difference of a force component in % of that of the reference forces."""
    noise: float | None = None
    """Standard deviation of the forces over the orientations in % of the forces."""
    noise_mev: float | None = None
    """The same in meV/Å."""
    inversion_mev: float | None = None
    """Change of the forces under x → −x, meV/Å."""
    curl: float | None = None
    """λ of ∂F/∂x in %, 0 where it is not resolved."""
    loop: float | None = None
    """Work around the loop in meV/atom, without regard to sign; 0 where it is not resolved."""
    drift: float | None = None
    """Drift of the energy at constant energy, without regard to sign, meV/atom/ps; 0 where it is not resolved."""
    drift_bound: float | None = None
    """Where the drift is not resolved, below what it lies: three standard errors, meV/atom/ps."""
    failed_run: float | None = None
    """1 where the run at constant energy ended early, else 0."""
    laws_broken: tuple[str, ...] | None = None
    """Names of the laws that were measured to be broken."""
    laws_measured: int = 0
    """How many laws were measured."""
    gradient: float | None = None
    """1 where F + ∂E/∂x is not zero within its limit, else 0."""
    jumps: float | None = None
    """1 where energy or forces jump at the cutoff, else 0."""
    step_ms: float | None = None
    """What a step costs, ms."""
    step_atoms: int | None = None
    """Number of atoms with which that was measured."""


def facts(evidence: Evidence) -> Facts:
    """Take the numbers from what was computed.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    Facts
    """
    found: dict[str, object] = {}
    for part, numbers in _PARTS.items():
        if getattr(evidence, part) is not None:
            found |= numbers(evidence)
    return Facts(**found)  # type: ignore[arg-type]


def _relaxation(evidence: Evidence) -> dict[str, object]:
    result = evidence.relaxation
    assert result is not None
    change = result.energies[-1] - result.energies[0]
    found: dict[str, object] = {
        "unconverged": float(not result.converged),
        "work_gap": MEV * float(abs(change - result.work[-1])) / len(result.structure),
    }
    if result.space_groups[0] is not None:
        tight, loose = (groups[0] == groups[-1] for groups in (result.space_groups, result.space_groups_loose))
        found["symmetry_lost"] = 0.0 if tight else 1.0 if loose else 2.0
    return found


def _phonons(evidence: Evidence) -> dict[str, object]:
    result = evidence.phonons
    assert result is not None
    told = result.diagnostics
    found: dict[str, object] = {
        "imaginary": max(0.0, -told.lowest.frequency),
        "acoustic": float(np.abs(told.gamma_acoustic).max()),
        "splitting": None if told.splitting is None else told.splitting.largest,
    }
    reference = evidence.reference
    if isinstance(reference, ReferenceCrystal):
        difference = difference_to_reference(result.band_structure, reference_bands(reference, result))
        found |= {
            "band_mae": difference.exact_mae,
            "band_share": 100 * difference.exact_mae / difference.highest,
        }
    elif reference is not None and reference is not result:
        mae = compare_phonons(result, reference).band_mae
        found |= {"band_mae": mae, "band_share": 100 * mae / float(reference.band_structure.frequencies.max())}
    return found


def _rotations(evidence: Evidence) -> dict[str, object]:
    result = evidence.rotations
    assert result is not None
    relative = result.forces_relative
    return {
        "noise": None if relative is None else 100 * relative,
        "noise_mev": MEV * result.forces_rot_std,
        "inversion_mev": None if result.inversion is None else MEV * result.inversion.forces,
    }


def _conservation(evidence: Evidence) -> dict[str, object]:
    result = evidence.conservation
    assert result is not None
    found: dict[str, object] = {}
    if result.jacobian_asymmetry is not None:
        error = max(result.jacobian_error or 0.0, result.jacobian_floor or 0.0)
        found["curl"] = 100 * _resolved(result.jacobian_asymmetry, error)
    if result.loop is not None:
        found["loop"] = MEV * _resolved(abs(result.loop.work), result.loop.error)
    run = result.run
    if run is not None:
        found["failed_run"] = float(run.stopped is not None)
        if run.drift is not None and run.drift_error is not None:
            found["drift"] = MEV * _resolved(abs(run.drift), run.drift_error)
            if not run.resolved:
                found["drift_bound"] = MEV * (abs(run.drift) + RESOLVED * run.drift_error)
    return found


def _resolved(value: float, error: float) -> float:
    return value if value > RESOLVED * error else 0.0


def _passport(evidence: Evidence) -> dict[str, object]:
    result = evidence.passport
    assert result is not None
    measured = [law for law in result.laws if law.kept is not None]
    broken = tuple(law.name for law in measured if not law.kept)
    told = {law.name: float(not law.kept) for law in measured}
    return {
        "laws_broken": broken,
        "laws_measured": len(measured),
        "gradient": told.get("conservative"),
        "jumps": told.get("smooth"),
    }


def _speed(evidence: Evidence) -> dict[str, object]:
    result = evidence.speed
    assert result is not None
    timings = result.one_by_one
    return {"step_ms": MEV * timings[-1].wall, "step_atoms": timings[-1].n_atoms} if timings else {}


def _errors(evidence: Evidence) -> dict[str, object]:
    result, material = evidence.errors, evidence.material
    assert result is not None
    table, column = result.by_structure, f"tag:{MATERIAL_TAG}"
    if material is not None:
        if column not in table:
            return {}
        table = table[table[column].astype(str) == material]
    if not len(table):
        return {}
    components = 3 * table["sum_atoms"].sum()
    atoms = result.atoms[result.atoms["structure"].isin(table["structure"])]
    size = np.sqrt(np.mean(atoms[["ref_x", "ref_y", "ref_z"]].to_numpy() ** 2))
    rmse = np.sqrt(table["sum_square"].sum() / components)
    return {
        "force_mae": MEV * float(table["sum_abs"].sum() / components),
        "force_share": 100 * float(rmse / size) if size > 0 else None,
    }


_PARTS = {
    "relaxation": _relaxation,
    "phonons": _phonons,
    "rotations": _rotations,
    "conservation": _conservation,
    "passport": _passport,
    "speed": _speed,
    "errors": _errors,
}
"""Field of the evidence → the facts that it gives."""
