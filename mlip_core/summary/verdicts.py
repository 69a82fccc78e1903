"""The verdict on one member: a sentence for a person who must decide."""

from dataclasses import dataclass

from mlip_core.summary.facts import Evidence, Facts, facts
from mlip_core.summary.rules import CURES, RULES, USES, Level, Rule, Use, level_of, worst

COLUMNS = ("relaxes", "symmetry", "imaginary", "raw", "bands", "forces", "noise", "drift", "laws", "cost")
"""Columns of the summary in their order."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What to conclude about one member."""

    facts: Facts
    """The numbers that were judged."""
    levels: dict[str, Level | None]
    """Column of :data:`COLUMNS` → "kept", "doubtful" or "broken"; None where nothing was computed or nothing is judged."""
    uses: dict[Use, str]
    """For what it may be used → "yes", "no (…)", or under which condition; what was not measured is missing."""

    @property
    def sentence(self) -> str:
        """The conclusion: "Relax: yes. Constant-energy dynamics: no (the energy drifts)."; "" where nothing was measured."""
        return " ".join(f"{use}: {words}." for use, words in self.uses.items())


def judge(evidence: Evidence) -> Verdict:
    """Judge the results of one member by :data:`mlip_core.summary.rules.RULES`.

    Parameters
    ----------
    evidence : Evidence
        Any of the results may be missing.

    Returns
    -------
    Verdict
    """
    found = facts(evidence)
    judged = [(rule, level_of(rule, found)) for rule in RULES]
    levels: dict[str, Level | None] = {
        column: worst([level for rule, level in judged if rule.column == column]) for column in COLUMNS
    }
    if found.laws_broken:
        levels["laws"] = "broken"
    elif found.laws_measured:
        levels["laws"] = "kept"
    uses = {}
    for use in USES:
        mine = [(rule, level) for rule, level in judged if rule.use == use and level is not None]
        if mine:
            uses[use] = _in_words(mine, found, averaged=evidence.averaged)
    return Verdict(facts=found, levels=levels, uses=uses)


def _in_words(judged: list[tuple[Rule, Level]], facts: Facts, *, averaged: bool) -> str:
    """Say yes, no, or under which condition."""
    broken = [rule for rule, level in judged if level == "broken"]
    doubtful = [rule for rule, level in judged if level == "doubtful"]
    lost = [rule for rule in broken if rule.cure is None or (rule.cure == "average" and averaged)]
    if lost:
        return f"no ({_says(lost[0], facts)})"
    if broken:
        return CURES[broken[0].cure]  # type: ignore[index]
    hopeless = [rule for rule in doubtful if rule.cure is None]
    if worry := hopeless or doubtful:
        return f"with care ({_says(worry[0], facts)})"
    return "yes"


def _says(rule: Rule, facts: Facts) -> str:
    return rule.says.format(value=getattr(facts, rule.measure))
