"""Small cells deceive: what is measured on displaced atoms repeats them."""

import streamlit as st
from ase import Atoms

from mlip_core.symmetry.moving import large_enough


def repeated(structure: Atoms, *, key: str) -> Atoms:
    """Repeat a small cell, and say so; a visitor may have it as it is.

    Parameters
    ----------
    structure : Atoms
    key : str
        Name of the switch, in the address.
    """
    large = large_enough(structure)
    if len(large) == len(structure):
        return structure
    wanted = st.toggle(
        f"Repeat to {len(large)} atoms",
        True,
        key=key,
        bind="query-params",
        help=f"A cell of {len(structure)} atom{'s' * (len(structure) > 1)} keeps symmetries, also when its atoms are displaced, that hide a broken law.",
    )
    return large if wanted else structure


def repeats(structure: Atoms) -> bool:
    """Tell how the switch must stand for this structure to be measured: off for a cell that would be repeated."""
    return len(large_enough(structure)) == len(structure)
