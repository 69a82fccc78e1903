"""The same in Python: what a page asked, as a program that a person can read, change and run."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.calculations import CALCULATIONS
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.structures import fingerprint
from mlip_core.symmetry.corrections import Corrections

SHIPPED = "pbe-reference"
"""Folder of the data set that comes with the program."""

Sources = Mapping[str, str]
"""Content hash of a structure or data set → the name of the variable that holds it."""


def model_code(configuration: Configuration) -> str:
    """Write how a configuration is loaded: ``mlip.load_model("pet-demo", forces="direct")``."""
    chosen = {"forces": configuration.forces, "dtype": configuration.dtype}
    options = "".join(f", {name}={value_code(value)}" for name, value in chosen.items() if value is not None)
    loaded = f"mlip.load_model({value_code(configuration.model)}{options})"
    if configuration.corrections == Corrections():
        return loaded
    return f"mlip.correct({loaded}, {settings_code(configuration.corrections)})"


def settings_code(settings: Any) -> str:
    """Write a settings record with what differs from its defaults: ``mlip.RelaxationSettings(fmax=0.01)``."""
    parts = []
    for one in fields(settings):
        value = getattr(settings, one.name)
        if one.default is not MISSING and _same(value, one.default):
            continue
        if one.default_factory is not MISSING:  # the processor's name and the like are those of the machine
            continue
        parts.append(f"{one.name}={value_code(value)}")
    return f"mlip.{type(settings).__name__}({', '.join(parts)})"


def call_code(task: Task, sources: Sources, *, model: str = "model", other: str | None = None) -> str | None:
    """Write how a task is computed, as one expression.

    Parameters
    ----------
    task : Task
    sources : mapping
        Names of the variables that hold its structures or data.
    model : str
        Name of the variable that holds its model.
    other : str, optional
        That of the second model, where the task compares with one.

    Returns
    -------
    str or None
        None for a calculation that Python users are not offered.
    """
    calculation = CALCULATIONS[task.kind]
    if not calculation.public:
        return None
    name = calculation.public[0].__name__
    subject = sources[_mark(task.subject)]
    before = {keyword: call_code(first, sources, model=model) for keyword, first in task.before.items()}
    if "relaxation" in before:
        subject = f"{before.pop('relaxation')}.structure"
    arguments = [subject, model]
    options = {}
    if task.reference is not None:
        options["reference"] = sources[_mark(task.reference)]
    if task.other is not None:
        other = other or model_code(task.other)
        if task.kind == "force_errors":
            name, arguments = "differences", [*arguments, other]
        else:
            options[str(calculation.other)] = other
    settings = settings_code(task.settings)
    if not settings.endswith("()"):
        arguments.append(settings)
    written = [*arguments, *(f"{keyword}={value}" for keyword, value in options.items())]
    return f"mlip.{name}({', '.join(written)})"


def page_code(tasks: Sequence[Task], opening: Sequence[str], sources: Sources) -> str:
    """Write what a page asks of a line-up as a program.

    Parameters
    ----------
    tasks : sequence of Task
        One a member, of one calculation.
    opening : sequence of str
        Lines that read the structure or data, imports among them.
    sources : mapping
        Names of the variables that these lines fill.

    Returns
    -------
    str
        "" where Python users are not offered the calculation.
    """
    imports = [line for line in opening if line.startswith("from ")]
    rest = [line for line in opening if line not in imports]
    lines = ["import mlip_core as mlip", *imports, "", *rest, ""]
    for task in tasks:
        call = call_code(task, sources)
        if call is None:
            return ""
        lines += [f"# {task.configuration.label}", f"model = {model_code(task.configuration)}", f"result = {call}", ""]
    return "\n".join([*lines, 'mlip.export(result, "folder")  # tables and files of the last one', ""])


def _mark(subject: Any) -> str:
    return fingerprint(subject) if isinstance(subject, Atoms) else subject.sha256


def _same(value: Any, default: Any) -> bool:
    if is_dataclass(value) or is_dataclass(default):
        return value is default or value == default
    return bool(np.array_equal(np.asarray(value, dtype=object), np.asarray(default, dtype=object)))


def value_code(value: Any) -> str:
    """Write a value of a setting: text in double quotes, records by their public names."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if is_dataclass(value) and not isinstance(value, type):
        return settings_code(value)
    if isinstance(value, tuple | list):
        inside = ", ".join(value_code(part) for part in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, np.ndarray | np.generic):
        return value_code(value.tolist())
    return repr(value)
