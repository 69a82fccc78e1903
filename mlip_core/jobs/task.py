"""What to compute: data only, with a key that is the same for the same question."""

import hashlib
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from operator import attrgetter
from typing import Any, Protocol

import numpy as np
from ase import Atoms

from mlip_core.configuration import Configuration
from mlip_core.errors import CalculationError, SettingsError
from mlip_core.models.model import Model
from mlip_core.progress import Progress, silent
from mlip_core.structures import fingerprint

Load = Callable[[Configuration], Model]


class Results(Protocol):
    """Where finished records are kept by key."""

    def get(self, key: str) -> Any:
        """Return the record, or None."""

    def put(self, key: str, record: Any) -> None:
        """Keep the record."""


@dataclass(frozen=True)
class Kind:
    """One kind of calculation: where its function is, and what besides the task may change its answer."""

    function: str
    """"module:name" of ``function(structure, model, settings, *, progress)``."""
    schema: int = 1
    """Raised when the function's answer to the same question, or its record, changes."""
    packages: tuple[str, ...] = ()
    """Distributions whose version may change the answer."""
    load: str = "mlip_core.configuration:Configuration.load"
    """"module:name" of what makes a model of a configuration."""
    other: str | None = None
    """Keyword under which the function takes the model of ``Task.other``; None if it takes one model only."""


KINDS: Mapping[str, Kind] = {
    "relaxation": Kind("mlip_core.calculations.relaxation.calculation:relax", packages=("ase",)),
    "rotational_variance": Kind("mlip_core.calculations.rotations.variance:rotational_variance", other="reference"),
    "correction_cost": Kind("mlip_core.calculations.rotations.correction_cost:correction_cost", other="reference"),
    "conservation": Kind(
        "mlip_core.calculations.conservation.calculation:conservation", schema=2, packages=("ase",), other="other_head"
    ),
    "passport": Kind("mlip_core.calculations.passport.calculation:passport"),
    "phonons": Kind("mlip_core.calculations.phonons:phonons", packages=("phonopy", "seekpath", "symfc")),
    "force_errors": Kind("mlip_core.calculations.force_errors.task:run", packages=("scipy",), other="reference_model"),
    "error_split": Kind("mlip_core.calculations.force_errors.task:run_split", other="reference_model"),
    "lambench": Kind("mlip_core.calculations.benchmarks.runs:run", packages=("ase",)),
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """One calculation of one configuration on one structure."""

    kind: str
    """A name in :data:`KINDS`."""
    structure: Atoms
    """What is computed."""
    configuration: Configuration
    """With what it is computed."""
    settings: Any
    """The settings record of this kind."""
    relaxation: Any = None
    """Settings of a relaxation with the same configuration before anything else; None computes the structure as given."""
    reference: Atoms | None = None
    """Structure that freezes what is compared (phonons: primitive cell, supercell, path); given to the function if set."""
    other: Configuration | None = None
    """A second configuration to compare with, where the kind takes one: a reference potential, the other head."""

    def first(self) -> "Task | None":
        """Return the relaxation that comes before this task, as a task of its own."""
        if self.relaxation is None:
            return None
        return Task(
            kind="relaxation",
            structure=self.structure,
            configuration=self.configuration,
            settings=self.relaxation,
        )

    def key(self, kinds: Mapping[str, Kind] = KINDS) -> str:
        """Content key: the same question has the same key, any change of the answer's causes another.

        Covers the structures, the configuration with its weights and packages,
        the settings, and the kind with its schema and packages. Loads no model.

        Returns
        -------
        str
            64 hexadecimal digits (SHA-256).

        Raises
        ------
        SettingsError
            If the kind is not known, or takes no second configuration.
        ModelError
            If the model's file is not there.
        """
        kind, first = named(self.kind, kinds), self.first()
        if self.other is not None and kind.other is None:
            raise SettingsError(f"{self.kind} compares with no second configuration")
        return digest(
            {
                "kind": self.kind,
                "schema": kind.schema,
                "packages": {package: _version(package) for package in kind.packages},
                "structure": fingerprint(self.structure),
                "reference": None if self.reference is None else fingerprint(self.reference),
                "configuration": self.configuration.identity(),
                "other": None if self.other is None else self.other.identity(),
                "settings": self.settings,
                "first": None if first is None else first.key(kinds),
            }
        )

    def run(
        self,
        *,
        progress: Progress = silent,
        store: Results | None = None,
        kinds: Mapping[str, Kind] = KINDS,
        load: Load | None = None,
    ) -> Any:
        """Compute the answer in this process.

        Parameters
        ----------
        progress : callable
            Told every step; the relaxation that comes first reports ``stage="relaxation"``.
        store : optional
            Where the relaxation that comes first is looked up and kept.
        kinds : mapping
            What each kind means.
        load : callable, optional
            Makes a model of a configuration; the kind's own by default.

        Returns
        -------
        dataclass instance
            The record of this kind.

        Raises
        ------
        CalculationError
            If the relaxation that comes first did not converge.
        """
        kind = named(self.kind, kinds)
        load = cache(load or resolve(kind.load))
        structure = self._relaxed(progress, store, kinds, load)
        given: dict[str, Any] = {} if self.reference is None else {"reference": self.reference}
        if self.other is not None and kind.other is not None:
            given[kind.other] = load(self.other)
        return resolve(kind.function)(structure, load(self.configuration), self.settings, progress=progress, **given)

    def _relaxed(self, progress: Progress, store: Results | None, kinds: Mapping[str, Kind], load: Load) -> Atoms:
        first = self.first()
        if first is None:
            return self.structure
        key = first.key(kinds)
        result = store.get(key) if store else None
        if result is None:
            result = first.run(progress=_staged(progress, "relaxation"), kinds=kinds, load=load)
            if store:
                store.put(key, result)
        if not result.converged:
            raise CalculationError(
                f"The relaxation before this calculation did not converge: {result.reason}. "
                "Allow it more steps, or accept larger forces (fmax)."
            )
        return result.structure


def named(kind: str, kinds: Mapping[str, Kind] = KINDS) -> Kind:
    """Return the kind of that name.

    Raises
    ------
    SettingsError
        If there is none.
    """
    if kind not in kinds:
        raise SettingsError(f"there is no calculation {kind!r}; choose one of {', '.join(kinds)}")
    return kinds[kind]


def resolve(name: str) -> Callable[..., Any]:
    """Import what "module:name" says."""
    module, _, attribute = name.partition(":")
    return attrgetter(attribute)(importlib.import_module(module))


def digest(question: Any) -> str:
    """SHA-256 of data in one canonical spelling: order of fields and 1 against 1.0 make no difference.

    Parameters
    ----------
    question
        Records, dicts, lists, tuples, arrays, text, numbers, None.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(json.dumps(_plain(question), sort_keys=True, ensure_ascii=True).encode()).hexdigest()


@lru_cache
def _version(package: str) -> str:
    return version(package)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        members = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        return {"record": type(value).__qualname__, **members}
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, Atoms):
        return {"structure": fingerprint(value)}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise SettingsError(f"a {type(value).__name__} cannot be part of a task")


def _staged(progress: Progress, stage: str) -> Progress:
    def report(done: int, total: int | None, **values: object) -> None:
        progress(done, total, **{"stage": stage, **values})

    return report
