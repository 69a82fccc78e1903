"""What to compute: data only, with a key that is the same for the same question."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from ase import Atoms

from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.declaration import Calculation, named
from mlip_core.configuration import Configuration
from mlip_core.datasets.stored import StoredDataset
from mlip_core.errors import SettingsError
from mlip_core.keys import digest
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.records import record
from mlip_core.structures import fingerprint

Load = Callable[[Configuration], Model]
Subject: TypeAlias = Atoms | StoredDataset
Calculations = Mapping[str, Calculation]
OTHER_HEAD = "other_head"
"""Keyword of a function whose second model is the first with its other forces: who answers brings it along."""


class Results(Protocol):
    """Where finished records are kept by key."""

    def get(self, key: str) -> Any:
        """Return the record, or None."""

    def put(self, key: str, record: Any) -> None:
        """Keep the record."""


def _from_structure(fields: dict[str, Any]) -> dict[str, Any]:
    """Turn the fields of 0.1.0 into those of now: a structure was all a task could be asked of."""
    if "subject" in fields:
        return fields
    structure, relaxation = fields.pop("structure"), fields.pop("relaxation")
    if isinstance(fields["settings"], tuple):
        fields["subject"], fields["settings"] = fields["settings"]
    else:
        fields["subject"] = structure
    if relaxation is not None:
        first = {"subject": structure, "configuration": fields["configuration"], "settings": relaxation}
        fields["before"] = {"relaxation": Task(kind="relaxation", **first)}
    return fields


@record("Task", upgrade=_from_structure)
@dataclass(frozen=True, kw_only=True)
class Task:
    """One calculation with one configuration on one structure or data set."""

    kind: str
    """Name of the calculation, one of :data:`mlip_core.calculations.CALCULATIONS`."""
    subject: Subject
    """The structure or data set that is asked about."""
    configuration: Configuration
    """With what it is computed."""
    settings: Any
    """The settings record of the calculation."""
    before: Mapping[str, "Task"] = field(default_factory=dict)
    """Tasks whose results the function is handed, by the keyword under which it takes each."""
    reference: Atoms | None = None
    """Structure that freezes what is compared (phonons: primitive cell, supercell, path); given to the function if set."""
    other: Configuration | None = None
    """A second configuration to compare with, where the calculation takes one: a reference potential, the other head."""

    def key(self, calculations: Calculations = CALCULATIONS) -> str:
        """Content key: the same question has the same key, any change of the answer's causes another.

        Covers the subject, the configuration with its weights, code and packages, the
        settings, the tasks that come before, and the calculation with its code and
        packages. Loads no model.

        Parameters
        ----------
        calculations : mapping
            What each kind means.

        Returns
        -------
        str
            64 hexadecimal digits (SHA-256).

        Raises
        ------
        SettingsError
            If the calculation is not known, or cannot be asked this.
        ModelError
            If the model's file is not there.
        """
        calculation = named(self.kind, calculations)
        self._check(calculation)
        return digest(
            {
                "calculation": calculation.identity(),
                "subject": _mark(self.subject),
                "reference": None if self.reference is None else _mark(self.reference),
                "configuration": self.configuration.identity(),
                "other": None if self.other is None else self.other.identity(),
                "settings": self.settings,
                "before": {keyword: task.key(calculations) for keyword, task in self.before.items()},
            }
        )

    def question(self) -> str:
        """What is asked, whoever answers: all tasks of one comparison have the same.

        Returns
        -------
        str
            64 hexadecimal digits (SHA-256) over everything but the configuration and the other head of its model.
        """
        calculation = CALCULATIONS.get(self.kind)
        own = calculation is not None and calculation.other == OTHER_HEAD
        return digest(
            {
                "kind": self.kind,
                "subject": _mark(self.subject),
                "reference": None if self.reference is None else _mark(self.reference),
                "other": None if self.other is None or own else self.other.code,
                "settings": self.settings,
                "before": {keyword: task.question() for keyword, task in self.before.items()},
            }
        )

    def run(
        self,
        *,
        progress: Progress = silent,
        store: Results | None = None,
        calculations: Calculations = CALCULATIONS,
        load: Load | None = None,
        home: str | Path | None = None,
    ) -> Any:
        """Compute the answer in this process.

        Parameters
        ----------
        progress : callable
            Told every step; tasks that come before report their keyword as ``stage``.
        store : optional
            Where results of the tasks that come before are looked up and kept.
        calculations : mapping
            What each kind means.
        load : callable, optional
            Makes a model of a configuration; the calculation's own by default.
        home : path, optional
            Folder below which data sets are kept; this machine's own by default.

        Returns
        -------
        dataclass instance
            The record of this calculation.

        Raises
        ------
        MlipError
            What the calculation and those before it raise.
        """
        calculation = named(self.kind, calculations)
        self._check(calculation)
        load = cache(load or calculation.load or Configuration.load)
        common: dict[str, Any] = {"store": store, "calculations": calculations, "load": load, "home": home}
        given: dict[str, Any] = {
            keyword: _kept(
                store, task.key(calculations), partial(task.run, progress=_staged(progress, keyword), **common)
            )
            for keyword, task in self.before.items()
        }
        if self.reference is not None:
            given["reference"] = self.reference
        if self.other is not None and calculation.other is not None:
            given[calculation.other] = load(self.other)
        subject = self.subject if isinstance(self.subject, Atoms) else self.subject.open(home)
        return calculation.function(subject, load(self.configuration), self.settings, progress=progress, **given)

    def _check(self, calculation: Calculation) -> None:
        """Raise a SettingsError unless the calculation can be asked this."""
        given = "structure" if isinstance(self.subject, Atoms) else "data set"
        if given != calculation.subject:
            raise SettingsError(f"{self.kind} is asked of a {calculation.subject}, not of a {given}")
        if self.other is not None and calculation.other is None:
            raise SettingsError(f"{self.kind} compares with no second configuration")
        if self.reference is not None and not calculation.reference:
            raise SettingsError(f"{self.kind} takes no reference structure")
        for keyword, task in self.before.items():
            if calculation.before.get(keyword) != task.kind:
                raise SettingsError(f"{self.kind} takes no result of {task.kind} as {keyword}")


def _kept(store: Results | None, key: str, compute: Callable[[], Any]) -> Any:
    """Return the result that is stored under a key; compute and keep it where there is none."""
    result = store.get(key) if store else None
    if result is None:
        result = compute()
        if store:
            store.put(key, result)
    return result


def _mark(subject: Subject) -> str:
    """Content of a subject in one word."""
    return fingerprint(subject) if isinstance(subject, Atoms) else subject.sha256


def _staged(progress: Progress, stage: str) -> Progress:
    def report(done: int, total: int | None, **values: object) -> None:
        progress(done, total, **{"stage": stage, **values})

    return report
