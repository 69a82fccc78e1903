"""Ways to a structure: the library, a file, pasted text, what was brought before."""

import streamlit as st

from dashboard import state
from dashboard.service import jobs
from dashboard.widgets.page_drop import whole_page_takes_files
from mlip_core.errors import StructureError
from mlip_core.home import upload_limit_mb
from mlip_core.structures import formula, library, read_structure


def from_library() -> None:
    """Offer the structures of the library by name."""
    chosen = st.session_state.get(state.STRUCTURE)
    entries = {item.id: item for item in library()}
    picked = st.selectbox(
        "Library",
        list(entries),
        index=list(entries).index(chosen) if chosen in entries else None,
        format_func=lambda name: entries[name].name,
        placeholder="Choose one of the library",
    )
    if picked and picked != st.session_state.get(state.PICKED):
        st.session_state[state.PICKED] = picked
        state.choose_library(picked)
        st.rerun()
    if chosen in entries:
        st.caption(entries[chosen].why)


def from_file() -> bool:
    """Offer to bring a file, by the button or dropped anywhere on the page; return whether one was taken."""
    whole_page_takes_files()
    uploaded = st.file_uploader(
        "Upload a structure",
        max_upload_size=upload_limit_mb(),
        help="CIF, POSCAR, CONTCAR, XDATCAR (last frame), vasprun.xml (last structure), (extended) XYZ, ASE json or traj, "
        "under any name; up to 2,000 atoms",
    )
    taken = False
    if uploaded is not None and uploaded.file_id != st.session_state.get(state.UPLOADED):
        st.session_state[state.UPLOADED] = uploaded.file_id
        taken = take(uploaded.getvalue(), uploaded.name)
    if problem := st.session_state.get(state.STRUCTURE_PROBLEM):
        st.error(problem, icon=":material/error:")
    return taken


def from_text() -> bool:
    """Offer to paste a structure; return whether one was taken."""
    with st.expander("Paste text"), st.form("paste", border=False):
        text = st.text_area(
            "CIF, POSCAR or XYZ", height=160, label_visibility="collapsed", placeholder="CIF, POSCAR or XYZ"
        )
        return st.form_submit_button("Use this structure") and bool(text.strip()) and take(text.encode(), None)


def from_before() -> None:
    """Offer the structures that were brought last."""
    recent = jobs().store.recent(8)
    if recent:
        with st.expander("Recent structures"):
            for stored in recent:
                title = f"{stored.name} · {formula(stored.structure)}"
                if st.button(title, key=f"recent-{stored.fingerprint}", type="tertiary"):
                    state.choose_structure(stored.structure, stored.name)
                    st.rerun()


def take(content: bytes, name: str | None) -> bool:
    """Read what was brought, or keep in words why it cannot be used; return whether it can."""
    try:
        atoms = read_structure(content, name=name)
    except StructureError as error:
        st.session_state[state.STRUCTURE_PROBLEM] = f"{name or 'The pasted text'} cannot be used: {error}"
        return False
    st.session_state.pop(state.STRUCTURE_PROBLEM, None)
    state.choose_structure(atoms, name.rsplit(".", 1)[0] if name else "pasted structure")
    return True
