"""The program ``reproduce.py`` of an archive: it computes again what the archive holds, and compares."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlip_core.calculations import CALCULATIONS
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.summary.script import SHIPPED, Sources, call_code, model_code, value_code

CLOCKS = (
    "seconds",
    "us_per_atom",
    "threads",
    "processor",
    "others_cores",
    "disturbed",
    "notes",
    "packages",
    "data_set",
)
"""What a name of a stored number holds that is another one each time, or on each machine."""

_HEAD = '''"""Compute again what this archive holds, and compare with the numbers in results.json.

Needs the package mlip-dashboard (README.md names the version): python reproduce.py
Times are not compared; all other numbers must agree within one part in a thousand.
"""

import json
import math
import sys
from pathlib import Path

import mlip_core as mlip
from mlip_core.calculations.export import calculation_of

HERE = Path(__file__).parent
STORED = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
RELATIVE, ABSOLUTE = 1e-3, 2e-6
different = []


def same(found, stored):
    if isinstance(stored, float) and isinstance(found, int | float):
        return math.isclose(found, stored, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return found == stored


def compare(name, kind, result):
    """Hold the numbers of a result against the stored ones."""
    found = calculation_of(result).summary(result)
    for key, stored in STORED[kind][name].items():
        value = found[key]
        value = value.item() if hasattr(value, "item") else value
        if not same(value, stored):
            different.append(f"{name}, {kind}, {key}: {value!r}, stored {stored!r}")
    print(f"{name}: {kind}", flush=True)

'''
_TAIL = """
print(*different, sep="\\n")
sys.exit(f"{len(different)} numbers differ" if different else 0)
"""


def program(tasks: Sequence[Task], files: Mapping[str, str], sources: Sources) -> str:
    """Write the program.

    Parameters
    ----------
    tasks : sequence of Task
        What was computed; calculations that measure time are left out.
    files : mapping of str to str
        Name of a variable → file of the archive that holds its structure or structures.
    sources : mapping
        Content hash of a structure or data set → name of its variable.

    Returns
    -------
    str
        Python.
    """
    asked = [task for task in tasks if not CALCULATIONS[task.kind].alone]
    lines = [_read(variable, file) for variable, file in files.items()]
    if any(SHIPPED in getattr(task.subject, "file", "") for task in asked):
        lines += ["from mlip_core.reference.pbe import reference_dataset", "", "reference_data = reference_dataset()"]
    members: dict[Configuration, list[Task]] = {}
    for task in asked:
        members.setdefault(task.configuration, []).append(task)
    for member, mine in members.items():
        lines += ["", f"name = {value_code(member.label)}", f"model = {model_code(member)}"]
        for task in mine:
            if (call := call_code(task, sources)) is not None:
                lines.append(f"compare(name, {value_code(task.kind)}, {call})")
    return _HEAD + "\n".join([*lines, ""]) + _TAIL


def stored_numbers(tasks: Sequence[Task], results: Sequence[Any]) -> str:
    """Write the file ``results.json``: calculation → configuration → its numbers, without those of clocks.

    Parameters
    ----------
    tasks : sequence of Task
    results : sequence
        The record of each.
    """
    found: dict[str, dict[str, dict[str, object]]] = {}
    for task, result in zip(tasks, results, strict=True):
        numbers = {
            key: _plain(value)
            for key, value in CALCULATIONS[task.kind].summary(result).items()
            if not any(word in key for word in CLOCKS)
        }
        found.setdefault(task.kind, {})[task.configuration.label] = numbers
    return json.dumps(found, indent=1, ensure_ascii=False)


def _read(variable: str, file: str) -> str:
    if variable == "copies":
        return f'from ase.io import read\n\n{variable} = read(HERE / "{file}", ":")'
    return f'{variable} = mlip.read_structure(HERE / "{file}")'


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value
