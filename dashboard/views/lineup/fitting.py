"""The line-up that fits a structure: who knows its elements, and a way to an unconstrained model where none does."""

import streamlit as st
from ase import Atoms
from ase.data import atomic_numbers

from dashboard import state
from dashboard.views.distillation.price import price
from dashboard.widgets.frame import plain
from dashboard.widgets.navigation import link
from mlip_core.calculations.distillation import DistillationSettings
from mlip_core.calculations.distillation.calculation import check_structure
from mlip_core.configuration import Configuration
from mlip_core.errors import MlipError
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import catalogue, entry

TEACHER = Configuration(model="sevennet-0")
MEMBERS = 5
"""Members of a line-up that is offered, at most."""


def offer_fitting(structure: Atoms) -> None:
    """Where members of the line-up do not know the structure, offer those that do, and to learn it.

    Parameters
    ----------
    structure : Atoms
        The chosen one.
    """
    members = state.lineup()
    able = [member for member in members if knows(member, structure)]
    if len(able) == len(members):
        return
    fitting = fitting_lineup(structure)
    if members == state.start_lineup() and len(fitting) > 1 and tuple(fitting) != members:
        names = ", ".join(member.label for member in fitting)
        if st.button("Take the line-up that fits", icon=":material/group:", width="stretch", help=names):
            state.set_lineup(fitting)
            st.rerun()
        st.caption(f"{plain(names)} know{'s' * (len(fitting) == 1)} all its elements.")
    if all(member.constrained for member in [*able, *fitting]):
        offer_learning(structure)


def fitting_lineup(structure: Atoms) -> list[Configuration]:
    """Return who of the line-up of the start knows a structure, then what has learned it, then who else is here."""
    learned = [item for item in catalogue() if item.weights == "folder" and item.elements and item.teaching]
    others = [item for item in catalogue() if item.weights == "package" and item.available()]
    twins = [Configuration(model=item.name, forces=forces) for item in learned for forces in item.forces]
    candidates = [*state.start_lineup(), *twins, *(Configuration(model=item.name) for item in others)]
    models: list[Configuration] = []
    for member in candidates:
        if knows(member, structure) and member not in models:
            models.append(member)
    return models[:MEMBERS]


def knows(member: Configuration, structure: Atoms) -> bool:
    """Whether a member's model knows all elements of a structure."""
    return not entry(member.model).unknown(structure.get_chemical_symbols())


def offer_learning(structure: Atoms) -> None:
    """Offer to make an unconstrained model of a structure that none knows, with what it takes."""
    teacher = entry(TEACHER.model)
    try:
        check_structure(structure, teacher.title, frozenset(atomic_numbers[symbol] for symbol in teacher.elements))
    except MlipError:
        return
    task = Task(kind="distillation", subject=structure, configuration=TEACHER, settings=DistillationSettings())
    st.markdown("No unconstrained model of the line-up knows this structure.")
    link("distillation", "Learn this structure")
    st.caption(price(structure, [task], TEACHER))
