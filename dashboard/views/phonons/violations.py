"""What the raw force constants break, before any correction, as a table."""

from collections.abc import Sequence

import streamlit as st

from dashboard.views.phonons.naming import name_of
from dashboard.widgets.numbers import as_text, fixed, power, table
from dashboard.widgets.work import Work, say_notes

_TERMS = """
- **Acoustic sum rule**: largest |Σⱼ Φᵢⱼ|, the net force when one atom is moved; zero where translations hold.
- **Permutation**: largest |Φᵢⱼ − Φⱼᵢᵀ|; zero where forces are the gradient of an energy.
- **λ**: ‖J − Jᵀ‖ / 2‖J‖ of the force constants; zero where forces are a gradient, 0.7 for a random matrix.
- **Distance to symmetry**: ‖Φ − PΦ‖ / ‖Φ‖ with the projector P on translations, permutation and space group.
- **Splitting**: how far branches lie apart that symmetry makes degenerate, and where.
- **Acoustic at Γ**: the acoustic frequency farthest from zero.
- **Lowest mode**: of the *corrected* force constants, the acoustic branches at Γ left out, and where.
- **Residual forces**: longest force in the undisplaced supercell: how well the structure is relaxed.

"–": only full displacements can tell.
"""


def violations(works: Sequence[Work]) -> None:
    """Show what the raw force constants break, with the words explained."""
    table([_row(work) for work in works], {
        "sum": ("Acoustic sum rule (eV/Å²)", power()),
        "permutation": ("Permutation (eV/Å²)", power()),
        "λ": ("λ", power()),
        "distance": ("Distance to symmetry", power()),
        "splitting": ("Splitting (THz)", as_text),
        "acoustic": ("Acoustic at Γ (THz)", fixed(2)),
        "lowest": ("Lowest mode (THz)", as_text),
        "residual": ("Residual forces (eV/Å)", power()),
    })  # fmt: skip
    with st.popover("What these are", icon=":material/help:", type="tertiary"):
        st.markdown(_TERMS)
    say_notes(works)


def _row(work: Work) -> dict[str, object]:
    found, path = work.result.diagnostics, work.result.band_structure
    split = found.splitting
    return {
        "configuration": work.member.label,
        "sum": found.sum_over_forces,
        "permutation": found.permutation_asymmetry,
        "λ": found.jacobian_asymmetry,
        "distance": found.projection_distance,
        "splitting": None if split is None else f"{fixed(3)(split.largest)} at {name_of(path, split.qpoint)}",
        "acoustic": float(max(found.gamma_acoustic, key=abs)),
        "lowest": f"{fixed(2)(found.lowest.frequency)} at {name_of(path, found.lowest.qpoint)}",
        "residual": found.residual_force,
    }
