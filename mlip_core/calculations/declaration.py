"""What a calculation says of itself: all that queue, pages and downloads need to know about it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import pandas as pd
from ase import Atoms

from mlip_core.errors import CalculationError, RecordError, SettingsError
from mlip_core.keys import code_digest, package_version

Tables = Mapping[str, pd.DataFrame]
Files = Mapping[str, str]


class Asked(NamedTuple):
    """Predictions of one kind that a calculation asks for, to tell before what it will take."""

    predictions: float
    """How many structures the model is asked for."""
    n_atoms: float
    """Atoms in each."""
    at_once: bool = True
    """Whether several are asked in one call."""


def _nothing(record: Any) -> tuple[str, ...]:
    return ()


def _endless(settings: Any) -> float:
    return math.inf


def _unknown(subject: Any, settings: Any) -> tuple[Asked, ...]:
    return ()


def its_structure(result: Any) -> Sequence[Atoms]:
    """Return the structure of a result as the one thing that it shows in 3D.

    Raises
    ------
    RecordError
        If it has none.
    """
    if not isinstance(getattr(result, "structure", None), Atoms):
        raise RecordError(f"a {type(result).__name__} has no structure to show")
    return [result.structure]


@dataclass(frozen=True, kw_only=True)
class Calculation:
    """One kind of calculation, as its folder declares it."""

    name: str
    """Names it in tasks, runs and keys; it never changes."""
    title: str
    """Its name for people, in lower case: "equation of state"."""
    subject: Literal["structure", "data set"] = "structure"
    """What it is asked of."""
    function: Callable[..., Any]
    """``function(subject, model, settings, *, progress, **given)``, where ``given`` holds what the fields below name."""
    settings: type
    """Class of its settings."""
    record: type
    """Class of its result."""
    summary: Callable[[Any], Mapping[str, object]]
    """From a result the few numbers that tell most, by their names with units."""
    tables: Callable[[Any], Tables]
    """From a result its tables, by the name of the CSV file without ending; columns name their units."""
    files: Callable[[Any], Files]
    """From a result the further files that a person takes along: structures, force constants, …, by name."""
    beside: Callable[[Any], tuple[str, ...]] = _nothing
    """From a result the names of files that it needs beside its data set; they are deleted with it."""
    frames: Callable[[Any], Sequence[Atoms]] = its_structure
    """From a result what it shows in 3D: one structure, or the frames of an animation."""
    before: Mapping[str, str] = field(default_factory=dict)
    """Keyword of the function under which it takes the result of an earlier task → name of that task's calculation."""
    reference: bool = False
    """Whether the function takes a ``reference=`` structure that freezes what is compared."""
    other: str | None = None
    """Keyword under which the function takes a second model, ``other_head`` if that is the first with its other forces;
    None if it takes one only."""
    packages: tuple[str, ...] = ()
    """Distributions whose version may change the answer, besides those of the model."""
    public: tuple[Any, ...] = ()
    """Functions and classes that Python users find in ``mlip_core`` itself."""
    alone: bool = False
    """Whether it measures time, so that the queue lets nothing else run meanwhile."""
    asks: Callable[[Any, Any], tuple[Asked, ...]] = _unknown
    """From subject and settings roughly what the model is asked; nothing where that is not known. Reads no file."""
    own_seconds: float = 0.5
    """Seconds that it takes besides the model, roughly."""
    longest: Callable[[Any], float] = _endless
    """From its settings the seconds after which it ends in any case."""
    load: Callable[..., Any] | None = None
    """Makes a model of a configuration; None takes ``Configuration.load``."""

    def identity(self) -> dict[str, object]:
        """Everything of this calculation that may change its answer: name, code, packages.

        Returns
        -------
        dict
            JSON-able; nothing is loaded to find it.
        """
        return {
            "name": self.name,
            "code": code_digest(self.function.__module__),
            "packages": {package: package_version(package) for package in self.packages},
        }


def named(name: str, calculations: Mapping[str, Calculation]) -> Calculation:
    """Return the calculation of that name.

    Raises
    ------
    SettingsError
        If there is none.
    """
    if name not in calculations:
        raise SettingsError(f"there is no calculation {name!r}; choose one of {', '.join(calculations)}")
    return calculations[name]


def with_units(table: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Write the unit of a column at the end of its name, as a file that is taken along needs it.

    Parameters
    ----------
    table : pandas.DataFrame
        Of a record, whose docstring tells the units.
    units : mapping of str to str
        Name of a column → its unit, spelled as in ``force_eV_per_A``; other columns keep their names.

    Returns
    -------
    pandas.DataFrame
    """
    return table.rename(columns={column: f"{column}_{unit}" for column, unit in units.items()})


def converged_structure(structure: Any, relaxation: Any | None) -> Any:
    """Return the structure that a calculation starts from: the relaxed one where it was relaxed before.

    Parameters
    ----------
    structure : Atoms
        As asked.
    relaxation : RelaxationResult or None
        Of the task before.

    Returns
    -------
    Atoms

    Raises
    ------
    CalculationError
        If the relaxation did not converge.
    """
    if relaxation is None:
        return structure
    if not relaxation.converged:
        raise CalculationError(
            f"The relaxation before this calculation did not converge: {relaxation.reason}. "
            "Allow it more steps, or accept larger forces (fmax)."
        )
    return relaxation.structure
