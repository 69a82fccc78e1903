"""What the summary is made of: every question of a full comparison, and where each stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from ase import Atoms

from dashboard import state
from dashboard.service import SHIPPED, dataset, shelf
from dashboard.widgets.once import once
from dashboard.widgets.work import Work
from mlip_core.calculations.phonons.reference_bands import ReferenceCrystal, reference_crystal
from mlip_core.configuration import Configuration
from mlip_core.datasets.stored import StoredDataset
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import entry
from mlip_core.structures import fingerprint, formula
from mlip_core.summary.facts import Evidence
from mlip_core.summary.questions import (
    COPIES,
    KINDS,
    Questions,
    questions,
    rattled_copies,
    unknown_elements,
)
from mlip_core.summary.verdicts import Verdict, judge
from mlip_core.symmetry.corrections import corrected_claims
from mlip_core.symmetry.moving import large_enough

FIELDS = {
    "relaxation": "relaxation",
    "phonons": "phonons",
    "rotational_variance": "rotations",
    "conservation": "conservation",
    "passport": "passport",
    "speed": "speed",
    "force_errors": "errors",
}
"""Calculation → field of the evidence."""


@dataclass(frozen=True)
class Comparison:
    """A structure, a line-up, and with what its bands and forces are compared."""

    structure: Atoms
    """The chosen structure."""
    members: tuple[Configuration, ...]
    """The line-up."""
    crystal: ReferenceCrystal | None
    """PBE's phonons of this material; None where there are none, or a member is the reference."""
    reference: Configuration | None
    """The member with which the others are compared; None where it is PBE."""
    asked: Questions
    """Calculation → member → task."""

    @property
    def reference_name(self) -> str:
        """With what bands and forces are compared, for people."""
        return "PBE" if self.reference is None else self.reference.label

    @property
    def tasks(self) -> list[Task]:
        """All tasks, calculation by calculation."""
        return [task for kind in KINDS for task in self.asked[kind].values()]


def references(structure: Atoms, members: Sequence[Configuration]) -> dict[str, str]:
    """Return with what can be compared: value of the choice → its name, the best one first."""
    able = [member for member in members if not unknown_elements(member, structure)]
    trusted = [member for member in able if member.constrained and not entry(member.model).teaching]
    found = {state.PBE: "PBE (computed for this program)"} if _material(structure) is not None else {}
    return found | {member.code: member.label for member in [*trusted, *able]}


def comparison(structure: Atoms, members: tuple[Configuration, ...], chosen: str | None = None) -> Comparison:
    """Put all questions together; nothing is asked yet.

    Parameters
    ----------
    structure : Atoms
    members : tuple of Configuration
    chosen : str, optional
        One of :func:`references`; the first by default.
    """
    options = references(structure, members)
    picked = chosen if chosen in options else next(iter(options), None)
    by_code = {member.code: member for member in members}
    reference = by_code.get(picked or "")
    crystal = _material(structure) if picked == state.PBE else None
    data = _data(structure, labelled=crystal is not None) if len(members) > 1 or crystal is not None else None
    return Comparison(structure, members, crystal, reference, _asked(structure, members, data, reference))


def _asked(
    structure: Atoms,
    members: tuple[Configuration, ...],
    data: StoredDataset | None,
    reference: Configuration | None,
) -> Questions:
    """Put the questions together, once for all who compare the same."""
    codes = [member.code for member in (*members, *filter(None, [reference]))]
    mark = repr((fingerprint(structure), codes, len(members), data))
    return _questions(mark, structure, members, data, reference)


@st.cache_resource(show_spinner=False, max_entries=64)
def _questions(
    mark: str,
    _structure: Atoms,
    _members: tuple[Configuration, ...],
    _data: StoredDataset | None,
    _reference: Configuration | None,
) -> Questions:
    return questions(_structure, _members, _data, _reference)


def keep_copies(found: Comparison) -> Comparison:
    """Keep the rattled copies on which forces are compared, before they are asked about."""
    if found.crystal is None and any(found.asked["force_errors"]):
        name = state.structure_name() or formula(found.structure)
        shelf().put(rattled_copies(found.structure), f"{name}, rattled", place=_place(found.structure))
        data = _data(found.structure, labelled=False)
        return replace(found, asked=_asked(found.structure, found.members, data, found.reference))
    return found


def verdicts(found: Comparison, works: Sequence[Work]) -> dict[Configuration, tuple[Evidence, Verdict]]:
    """Judge every member by what is there."""
    results = {(work.task.kind, work.member): work.result for work in works if work.result is not None}
    base = None if found.reference is None else results.get(("phonons", found.reference))
    judged = {}
    for member in found.members:
        parts = [results.get((kind, member)) for kind in FIELDS]
        material = None if found.crystal is None else found.crystal.name
        judged[member] = once(_judged, *parts, found.crystal or base, material, member.code, member.model)
    return judged


def _judged(*parts: Any) -> tuple[Evidence, Verdict]:
    """Judge the results of a member: those of :data:`FIELDS`, the reference, the material, its code, its model."""
    *results, reference, material, code, model = parts
    member = Configuration.from_code(code) or Configuration(model=model)
    evidence = Evidence(
        **dict(zip(FIELDS.values(), results, strict=True)),
        reference=reference,
        material=material,
        claims=corrected_claims(entry(member.model).claims(member.forces), member.corrections),
        averaged=member.corrections.rotations != "none",
    )
    return evidence, judge(evidence)


def _material(structure: Atoms) -> ReferenceCrystal | None:
    """Return PBE's phonons of this material, if its labelled structures are there too."""
    return _reference_of(fingerprint(structure), structure) if structure.pbc.all() else None


@st.cache_resource(show_spinner=False, max_entries=64)
def _reference_of(mark: str, _structure: Atoms) -> ReferenceCrystal | None:
    return reference_crystal(_structure)


def _data(structure: Atoms, *, labelled: bool) -> StoredDataset:
    """Name the data that forces are compared on; copies that are not kept yet are only counted."""
    if labelled:
        return StoredDataset.of(dataset(SHIPPED))
    place = _place(structure)
    kept = next((item.code for item in shelf().all() if item.code.startswith(f"{place}.")), None)
    if kept is not None:
        return StoredDataset.of(dataset(kept))
    n_atoms = COPIES * len(large_enough(structure))
    return StoredDataset(file=f"{place}/none", sha256="", n_structures=COPIES, n_atoms=n_atoms)


def _place(structure: Atoms) -> str:
    return f"rattled-{fingerprint(structure)[:20]}"
