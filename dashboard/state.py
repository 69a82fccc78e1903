"""What a visitor has chosen. The only file that names session-state and query-parameter keys.

The structure, the line-up and the settings of every page live in the address,
so that a link, a bookmark or a reload shows the same comparison.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from ase import Atoms

from dashboard.reopen import widget_values
from dashboard.service import SHIPPED, SHIPPED_FOLDER, jobs
from mlip_core.configuration import Configuration
from mlip_core.errors import SettingsError
from mlip_core.jobs.task import Task
from mlip_core.models.catalogue import catalogue
from mlip_core.structures import fingerprint, library, library_structure
from mlip_core.symmetry.corrections import Corrections

STRUCTURE = "structure"
LINEUP = "lineup"
MODE = "mode"
DATA = "data"
AGAINST = "against"
ELEMENT = "element"
SUBSET = "subset"
POINT = "point"
MAX_MEMBERS = 6
START = ("pet-demo:direct", "pet-demo:conservative", "soap-demo", "sevennet-0", "chgnet")

_SWITCHES = {
    "inversion": "inversion",
    "space-group": "space_group",
    "net-force": "net_force",
    "net-torque": "net_torque",
}


def restore() -> None:
    """Take structure, line-up and data set from the address into a new session, and keep the address in step."""
    for key in (STRUCTURE, LINEUP, DATA):
        if key not in st.session_state and key in st.query_params:
            st.session_state[key] = st.query_params[key]
        elif key in st.session_state and st.query_params.get(key) != st.session_state[key]:
            st.query_params[key] = st.session_state[key]


def structure() -> Atoms | None:
    """Return the chosen structure; None when nothing is chosen, or a link names one that is not here."""
    name = st.session_state.get(STRUCTURE)
    if name is None:
        return None
    if name in {item.id for item in library()}:
        return library_structure(name)
    stored = jobs().store.get_structure(name) if re.fullmatch(r"[0-9a-f]{32}", name) else None
    if stored is None:
        return None
    atoms = stored.structure.copy()
    atoms.info["name"] = stored.name
    return atoms


def structure_name() -> str:
    """Return what the visitor calls the chosen structure."""
    atoms = structure()
    return "" if atoms is None else str(atoms.info.get("name", ""))


def choose_library(name: str) -> None:
    """Choose a structure of the library."""
    _put(STRUCTURE, name)


def choose_structure(atoms: Atoms, name: str) -> None:
    """Choose a structure the visitor brought; it is kept so that a link finds it again."""
    _put(STRUCTURE, jobs().store.put_structure(atoms, name))


def open_task(task: Task) -> None:
    """Go back to the structure or data set and the settings of a task, with its configuration in the line-up."""
    if hasattr(task.settings, "dataset"):
        file = Path(task.settings.dataset)
        name = f"{file.parent.name}.{file.stem.removeprefix('dataset-')}"
        choose_data(SHIPPED if file.parent.name == SHIPPED_FOLDER else name)
    else:
        _open_structure(task.structure)
    if task.configuration not in lineup():
        set_lineup([*lineup(), task.configuration][-MAX_MEMBERS:])
    for key, value in widget_values(task).items():
        st.session_state[key] = value


def _open_structure(structure: Atoms) -> None:
    same = [item.id for item in library() if fingerprint(library_structure(item.id)) == fingerprint(structure)]
    if same:
        choose_library(same[0])
    else:
        choose_structure(structure, "")


def data() -> str:
    """Return the code of the chosen data set."""
    return str(st.session_state.get(DATA, SHIPPED))


def choose_data(code: str) -> None:
    """Choose a data set; what was narrowed down in another one is forgotten."""
    _put(DATA, code)
    for key in (ELEMENT, SUBSET, POINT, AGAINST):
        st.session_state.pop(key, None)


def lineup() -> tuple[Configuration, ...]:
    """Return the members of the line-up, in the order of their colours."""
    codes = st.session_state.get(LINEUP)
    if codes is None:
        return start_lineup()
    members = [configuration(code) for code in codes.split(",") if code]
    return tuple(member for member in members if member is not None)[:MAX_MEMBERS]


def start_lineup() -> tuple[Configuration, ...]:
    """Return the line-up offered at the start: what is here without a download."""
    members = [configuration(code) for code in START]
    here = {item.name for item in catalogue() if item.available()}
    return tuple(member for member in members if member is not None and member.model in here)


def set_lineup(members: Sequence[Configuration]) -> None:
    """Replace the line-up."""
    _put(LINEUP, ",".join(code(member) for member in members))


def add_member(member: Configuration) -> None:
    """Add a configuration at the end, once."""
    members = lineup()
    if member not in members and len(members) < MAX_MEMBERS:
        set_lineup([*members, member])


def code(member: Configuration) -> str:
    """Write a configuration as it stands in the address: ``pet-demo:direct:float32+octahedral+inversion``."""
    parts = [member.model, *(part for part in (member.forces, member.dtype) if part)]
    corrections = member.corrections
    extras = [corrections.rotations] if corrections.rotations != "none" else []
    extras += [word for word, name in _SWITCHES.items() if getattr(corrections, name)]
    if corrections.space_group:
        extras.append(f"symprec={corrections.symprec:g}")
    return "+".join([":".join(parts), *extras])


def configuration(text: str) -> Configuration | None:
    """Read :func:`code`; None for a model outside the catalogue (an address never names a file to load)."""
    head, *extras = re.split(r"[+ ]", text.strip())
    model, *choices = head.split(":")
    known = {item.name: item for item in catalogue()}
    if model not in known:
        return None
    forces = next((choice for choice in choices if choice in ("direct", "conservative")), None)
    dtype = next((choice for choice in choices if choice in ("float32", "float64")), None)
    values: dict[str, object] = {}
    for extra in extras:
        if extra in _SWITCHES:
            values[_SWITCHES[extra]] = True
        elif extra.startswith("symprec="):
            values["symprec"] = float(extra.removeprefix("symprec="))
        else:
            values["rotations"] = extra
    try:
        return Configuration(model=model, forces=forces, dtype=dtype, corrections=Corrections(**values))
    except (SettingsError, ValueError):
        return None


def _put(key: str, value: str) -> None:
    st.session_state[key] = value
    st.query_params[key] = value
