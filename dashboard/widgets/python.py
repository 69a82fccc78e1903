"""The same in Python, to copy: what a page asks of the line-up as a short program."""

from collections.abc import Sequence

import streamlit as st
from ase import Atoms

from dashboard import state
from mlip_core.jobs.task import Task
from mlip_core.structures import fingerprint, library, standardise
from mlip_core.summary.script import SHIPPED, page_code
from mlip_core.symmetry.moving import large_enough

_READ = {
    "cell": ("from mlip_core.structures import standardise", "cell = standardise(structure)"),
    "large": ("from mlip_core.symmetry.moving import large_enough", "large = large_enough(structure)"),
}
"""Variable of what is made of the structure → the lines that make it."""


def same_in_python(tasks: Sequence[Task], *, key: str) -> None:
    """Offer a program that computes the tasks, where Python users are offered that.

    Parameters
    ----------
    tasks : sequence of Task
        One a member, of one calculation.
    key : str
        Name of the button above.
    """
    if tasks and (code := code_of(tasks)):
        with st.popover("Same in Python", icon=":material/code:", key=f"{key}-python", width="stretch"):
            st.code(code, language="python", height=420)


def code_of(tasks: Sequence[Task]) -> str:
    """Write the program; "" where Python users are not offered the calculation."""
    opening: list[str] = []
    sources: dict[str, str] = {}
    for task in tasks:
        for subject in (task.subject, task.reference, *(first.subject for first in task.before.values())):
            if isinstance(subject, Atoms):
                mark = fingerprint(subject)
                if mark not in sources:
                    sources[mark] = _structure(mark, opening)
            elif subject is not None and subject.sha256 not in sources:
                sources[subject.sha256] = "data"
                opening += _data(subject.file, subject.name)
    return page_code(tasks, opening, sources)


def _structure(mark: str, opening: list[str]) -> str:
    """Return the variable that holds the structure with a fingerprint, and add the lines that fill it."""
    chosen = state.structure()
    if not any(line.startswith("structure = ") for line in opening):
        opening += _chosen()
    if chosen is None or mark == fingerprint(chosen):
        return "structure"
    made = {"large": large_enough} | ({"cell": standardise} if chosen.pbc.all() else {})
    for variable, make in made.items():
        if fingerprint(make(chosen)) == mark:
            opening += _READ[variable]
            return variable
    opening.append('other = mlip.read_structure("other.extxyz")  # as this page changed it')
    return "other"


def _chosen() -> list[str]:
    name = st.session_state.get(state.STRUCTURE)
    if name in {item.id for item in library()}:
        return ["from mlip_core.structures import library_structure", f'structure = library_structure("{name}")']
    return ['structure = mlip.read_structure("structure.extxyz")  # Structure page, Download']


def _data(file: str, name: str) -> list[str]:
    if file.startswith(SHIPPED):
        return ["from mlip_core.reference.pbe import reference_dataset", "data = reference_dataset()"]
    shown = name.replace("\\", "").replace('"', "").replace("\n", " ")
    return [f'data = mlip.read_dataset("{shown}")  # your file']
