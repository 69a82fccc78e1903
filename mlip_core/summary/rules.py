"""The table of rules: from which number on something counts as kept, doubtful or broken, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

from mlip_core.summary.facts import Facts

Level = Literal["kept", "doubtful", "broken"]
LEVELS: tuple[Level, ...] = ("kept", "doubtful", "broken")
"""From good to bad."""
Use = Literal["Relax", "Constant-energy dynamics", "Phonons"]
USES: tuple[Use, ...] = ("Relax", "Constant-energy dynamics", "Phonons")
"""What a person may want a model for, in the order of the sentence."""
Cure = Literal["average", "projection"]
CURES: dict[Cure, str] = {
    "average": "only with an average over rotations",
    "projection": "only with corrected force constants",
}
"""What mends a broken rule → how the sentence says so."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One number that is small where all is well."""

    measure: str
    """Which number: a field of :class:`mlip_core.summary.facts.Facts`."""
    column: str
    """Column of the summary that it colours."""
    kept: float
    """Up to here it counts as kept, in ``unit``."""
    broken: float
    """Above it counts as broken, in ``unit``; doubtful between the two."""
    unit: str
    """Unit of the two limits; "" for a yes or no."""
    use: Use | None = None
    """For what it matters in the sentence; None colours only."""
    cure: Cure | None = None
    """What mends it at inference time; None where nothing does."""
    says: str
    """Few words for the sentence where it is not kept; ``{value}`` stands for the number."""
    reason: str
    """Why the limits are where they are."""


RULES: tuple[Rule, ...] = (
    Rule(
        measure="unconverged",
        column="relaxes",
        kept=0,
        broken=0,
        unit="",
        use="Relax",
        cure="average",
        says="it does not converge",
        reason="Without a stationary point there is no relaxed structure. Forces that turn with the crystal's orientation push it about for ever; averaged over rotations they cancel.",
    ),
    Rule(
        measure="work_gap",
        column="relaxes",
        kept=0.2,
        broken=inf,
        unit="meV/atom",
        use="Relax",
        says="its energy is not what the forces lower",
        reason="The work of the forces along the way is the change of the energy where they are its gradient; 0.2 meV/atom is what finite steps leave. The structure can still be right, so that this never counts as broken.",
    ),
    Rule(
        measure="symmetry_lost",
        column="symmetry",
        kept=0,
        broken=1,
        unit="tolerances at which it is lost",
        use="Relax",
        cure="average",
        says="it loses the space group",
        reason="A symmetric start has symmetric forces by the laws of physics, so that a relaxation keeps its space group. Lost at 1e-5 Å only, what follows can be symmetrised; lost at 1e-2 Å, it is another structure.",
    ),
    Rule(
        measure="failed_run",
        column="drift",
        kept=0,
        broken=0,
        unit="",
        use="Constant-energy dynamics",
        says="the run failed",
        reason="A run at constant energy that ends early has gained energy without bound.",
    ),
    Rule(
        measure="drift",
        column="drift",
        kept=0.1,
        broken=1.0,
        unit="meV/atom/ps",
        use="Constant-energy dynamics",
        says="the energy drifts",
        reason="1 meV/atom/ps heats a crystal by about 4 K a picosecond; published conservative models stay a hundred times below. A drift within three of its errors counts as none.",
    ),
    Rule(
        measure="curl",
        column="drift",
        kept=0.15,
        broken=1.0,
        unit="%",
        use="Constant-energy dynamics",
        says="the forces are no gradient",
        reason="λ of density functional theory itself is up to 0.15 %; published direct models have 0.4 % to 1.7 %. Within three of its errors it counts as none.",
    ),
    Rule(
        measure="loop",
        column="drift",
        kept=0.001,
        broken=0.1,
        unit="meV/atom",
        use="Constant-energy dynamics",
        says="a closed loop yields work",
        reason="Forces that are a gradient do no work around a closed loop. In a crystal at 300 K atoms go round about ten times a picosecond, so that 0.1 meV/atom a loop may add up to 1 meV/atom/ps.",
    ),
    Rule(
        measure="gradient",
        column="laws",
        kept=0,
        broken=0,
        unit="",
        use="Constant-energy dynamics",
        says="the forces are no gradient of its energy",
        reason="F + ∂E/∂x is zero within rounding and finite steps for a conservative model; otherwise kinetic and potential energy do not add up to a constant.",
    ),
    Rule(
        measure="jumps",
        column="laws",
        kept=0,
        broken=inf,
        unit="",
        use="Constant-energy dynamics",
        says="it jumps at the cutoff",
        reason="Each jump changes the total energy. How often one is met depends on the model, so that the run decides.",
    ),
    Rule(
        measure="imaginary",
        column="imaginary",
        kept=0.05,
        broken=0.5,
        unit="THz",
        use="Phonons",
        says="imaginary modes",
        reason="0.05 THz is what supercells and interpolation leave. A crystal that is truly unstable there has imaginary modes in a right model too: compare with the reference.",
    ),
    Rule(
        measure="acoustic",
        column="raw",
        kept=0.05,
        broken=0.2,
        unit="THz",
        use="Phonons",
        cure="projection",
        says="raw acoustic modes are not zero at Γ",
        reason="Moving the whole crystal costs nothing. What is left of it in raw force constants bends the acoustic branches up to where they are as high; the projection on translations mends it.",
    ),
    Rule(
        measure="splitting",
        column="raw",
        kept=0.05,
        broken=0.2,
        unit="THz",
        use="Phonons",
        cure="projection",
        says="raw branches split",
        reason="Branches that symmetry makes degenerate lie together in a model that knows rotations; the projection on the space group mends it.",
    ),
    Rule(
        measure="band_share",
        column="bands",
        kept=5,
        broken=15,
        unit="% of the highest frequency",
        use="Phonons",
        says="the bands differ by {value:.0f} % from the reference",
        reason="Functionals differ among themselves by about 5 %; from 15 % on even a free energy at room temperature is wrong by several meV/atom.",
    ),
    Rule(
        measure="force_share",
        column="forces",
        kept=10,
        broken=30,
        unit="% of the forces",
        says="the forces differ by {value:.0f} % from the reference",
        reason="Root mean square difference over root mean square force. Good universal models reach 5 % to 10 % near equilibrium; at 30 % the model is guessing.",
    ),
    Rule(
        measure="noise",
        column="noise",
        kept=0.05,
        broken=1.0,
        unit="% of the forces",
        says="the forces depend on the orientation",
        reason="Arithmetic in float32 leaves less than 0.05 %. At 1 % the crystal's orientation matters as much as a good model's error.",
    ),
)


def level_of(rule: Rule, facts: Facts) -> Level | None:
    """Judge one number; None where it is not known."""
    value = getattr(facts, rule.measure)
    if value is None:
        return None
    return "kept" if value <= rule.kept else "broken" if value > rule.broken else "doubtful"


def worst(levels: Sequence[Level | None]) -> Level | None:
    """Return the worst of several judgements; None where there is none."""
    return max((level for level in levels if level is not None), key=LEVELS.index, default=None)
