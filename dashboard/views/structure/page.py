"""Structure: choose, bring and look at what everything else is computed on."""

import numpy as np
import pandas as pd
import streamlit as st
from ase import Atoms

from dashboard import state
from dashboard.views.lineup.fitting import offer_fitting
from dashboard.views.structure.choosing import from_before, from_file, from_library, from_text
from dashboard.views.summary.comparing import compare_button
from dashboard.views.summary.gathering import comparison
from dashboard.widgets.frame import header, notes
from dashboard.widgets.navigation import link
from dashboard.widgets.numbers import raised
from dashboard.widgets.viewer import viewer
from mlip_core.calculations.view import view
from mlip_core.errors import StructureError
from mlip_core.structures import formula, standardise, symmetries, write_structure
from mlip_core.viewing import fetch

FORMATS = {"CIF": ("cif", "cif"), "POSCAR": ("vasp", "vasp"), "extended XYZ": ("extxyz", "xyz")}


def main() -> None:
    """Lay the page out: where structures come from, the picture, the facts."""
    header()
    sources, picture, facts = st.columns([1.1, 2.6, 1.2], gap="medium")
    with sources:
        choose()
    atoms = state.structure()
    if atoms is None:
        with picture:
            st.subheader("Put interatomic potentials side by side on your own structure")
            st.markdown(
                "Choose a structure on the left, or drop a CIF, POSCAR, CONTCAR, XDATCAR, vasprun.xml or XYZ file. "
                "Then put a **line-up** of models together, **relax** it with each, and compare their **phonons**."
            )
        return
    with picture:
        repeat = st.segmented_control(
            "Show",
            ["unit cell", "2 × 2 × 2", "3 × 3 × 3"],
            default="unit cell",
            format_func=lambda cells: cells[0].upper() + cells[1:],
            key="repeat",
            bind="query-params",
        )
        times = {"2 × 2 × 2": 2, "3 × 3 × 3": 3}.get(repeat or "", 1)
        viewer(
            atoms,
            key="structure-viewer",
            height=560,
            rest=230,
            supercell=tuple(times if periodic else 1 for periodic in atoms.pbc),
        )
    with facts:
        describe(atoms)
        if members := state.lineup():
            compare_button(comparison(atoms, members), elsewhere=True)
        offer_fitting(atoms)
        link("lineup", "Next: the line-up")


def choose() -> None:
    """Offer the library, an upload, a paste and what was brought before."""
    from_library()
    if from_file() or from_text():
        st.rerun()
    from_before()


def describe(atoms: Atoms) -> None:
    """Show formula, lattice, symmetry and downloads."""
    st.metric("Formula", formula(atoms))
    facts: dict[str, str] = {"Atoms": str(len(atoms))}
    if atoms.pbc.any():
        facts["Periodic along"] = ", ".join(axis for axis, periodic in zip("abc", atoms.pbc, strict=True) if periodic)
    if atoms.pbc.all():
        a, b, c, alpha, beta, gamma = atoms.cell.cellpar()
        facts |= {"a, b, c (Å)": f"{a:.4f}, {b:.4f}, {c:.4f}", "α, β, γ (°)": f"{alpha:.2f}, {beta:.2f}, {gamma:.2f}"}
        facts |= {"Volume (Å³/atom)": f"{atoms.get_volume() / len(atoms):.3f}"}
        mass = np.sum(atoms.get_masses()) * 1.66053906660
        facts["Density (g/cm³)"] = f"{mass / atoms.get_volume():.3f}"
    for found in symmetries(atoms):
        if found is not None:
            facts[f"Space group ({raised(f'{found.symprec:g}')}\u00a0Å)"] = f"{found.international} ({found.number})"
    st.table(pd.Series(facts, name="").to_frame(), border="horizontal", hide_header=True)
    notes(atoms)
    if atoms.pbc.all():
        _standard_cell(atoms)
    with st.popover("Download", icon=":material/download:"):
        for title, (form, ending) in FORMATS.items():
            try:
                text = write_structure(atoms, form)
            except StructureError:  # POSCAR and CIF cannot hold every structure
                continue
            st.download_button(title, text, file_name=f"{atoms.get_chemical_formula()}.{ending}", on_click="ignore")
        if fetch.LIBRARY.is_file():
            st.download_button(
                "3D picture (HTML)",
                lambda: view(atoms).page(),
                file_name=f"{atoms.get_chemical_formula()}.html",
                help="One page that needs no network.",
                on_click="ignore",
            )


def _standard_cell(atoms: Atoms) -> None:
    primitive = standardise(atoms)
    if len(primitive) < len(atoms) and st.button(f"Use the primitive cell ({len(primitive)} atoms)"):
        state.choose_structure(primitive, f"{atoms.info.get('name', '')} primitive".strip())
        st.rerun()


if __name__ == "__main__":
    main()
