"""Equation of state: energy and pressure of the whole line-up against volume."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st
from ase import Atoms

from dashboard.units import MEV
from dashboard.views.equation_of_state.declaration import EQUATIONS, figures, reference_of
from dashboard.views.equation_of_state.figures import REFERENCE, equation_figure
from dashboard.widgets.chart import chart
from dashboard.widgets.download import download_all
from dashboard.widgets.frame import header, look, need_lineup, need_structure, panes, plain, titled
from dashboard.widgets.minimum import before, to_minimum
from dashboard.widgets.navigation import link
from dashboard.widgets.table import show_table
from dashboard.widgets.work import Work, drawn, live, nothing_yet, say_notes, start_button
from mlip_core.calculations.equation_of_state import EquationOfState, EquationOfStateSettings, FittedEquation
from mlip_core.calculations.equation_of_state.cells import check_crystal
from mlip_core.calculations.equation_of_state.reference import ReferenceEquation
from mlip_core.calculations.equation_of_state.settings import (
    FEWEST_VOLUMES,
    MOST_VOLUMES,
    NARROWEST,
    WIDEST,
)
from mlip_core.calculations.relaxation.calculation import RelaxationSettings
from mlip_core.configuration import Configuration
from mlip_core.errors import SettingsError
from mlip_core.jobs.task import Task

COLUMNS = ("configuration", "difference", "error", "V₀", "stress volume", "B₀", "B₀′", "E₀", "rms")


def main() -> None:
    """Lay the page out: volumes, progress, curves, numbers."""
    header()
    structure = need_structure()
    try:
        check_crystal(structure)
    except SettingsError as reason:
        st.subheader("Only a crystal has an equation of state")
        st.markdown(plain(reason))
        link("structure", "Choose a structure")
        return
    members = need_lineup(structure)
    controls, results = panes()
    with controls:
        settings, relaxation = choose_settings()
        tasks = [question(structure, member, settings, relaxation) for member in members]
        start_button("Scan the volumes", tasks, key="equation-of-state")
    with results:
        live(tasks, draw)


def question(
    structure: Atoms, member: Configuration, settings: EquationOfStateSettings, relaxation: RelaxationSettings | None
) -> Task:
    """Ask one member around its own relaxed cell, or around the cell as given."""
    first = before(structure, member, relaxation)
    return Task(kind="equation_of_state", subject=structure, configuration=member, settings=settings, before=first)


def choose_settings() -> tuple[EquationOfStateSettings, RelaxationSettings | None]:
    """Offer the volumes, the equation and what relaxes."""
    n_volumes = st.number_input(
        "Number of volumes", FEWEST_VOLUMES, MOST_VOLUMES, 9, step=2, key="eos_volumes", bind="query-params",
        help="An odd number includes the volume of the cell itself.",
    )  # fmt: skip
    reach = st.number_input(
        "Range (± % of the volume)", 100 * NARROWEST, 100 * WIDEST, 6.0, step=1.0, format="%.1f",
        key="eos_range", bind="query-params", help="±6 % of the volume is ±2 % of the lengths; the shape of the cell stays.",
    )  # fmt: skip
    equation = st.selectbox(
        "Equation", list(EQUATIONS), format_func=EQUATIONS.__getitem__, key="eos_equation", bind="query-params"
    )
    relax_first = st.toggle(
        "Relax first", True, key="eos_relax_first", bind="query-params",
        help="Each configuration first relaxes cell and atoms with its own forces and stress; the volumes lie around the cell it finds.",
    )  # fmt: skip
    relax_atoms = st.toggle(
        "Relax at each volume", False, key="eos_relax_atoms", bind="query-params",
        help="Relaxes the atoms in the cell of each volume. Otherwise their fractional coordinates stay. Where symmetry holds every atom in its place, as in silicon or MgO, it makes no difference.",
    )  # fmt: skip
    chosen: dict[str, Any] = {"n_volumes": int(n_volumes), "volume_range": float(reach) / 100, "equation": equation}
    if not (relax_first or relax_atoms):
        return EquationOfStateSettings(**chosen), None
    fmax, fix = choose_relaxation(first=relax_first)
    atoms: dict[str, Any] = {"relax_atoms": True, "fmax": fmax} if relax_atoms else {}
    first = to_minimum(fmax, fix_symmetry=fix) if relax_first else None
    return EquationOfStateSettings(**chosen, **atoms), first


def choose_relaxation(*, first: bool) -> tuple[float, bool]:
    """Offer how far to relax, and whether the space group is kept where the cell relaxes first."""
    with st.expander("Relaxation"):
        fmax = st.select_slider(
            "Force threshold (eV/Å)",
            [1e-2, 1e-3, 1e-4],
            value=1e-3,
            format_func=lambda x: f"{x:g}",
            key="eos_fmax",
            bind="query-params",
        )
        fix = first and st.toggle(
            "Keep the space group", True, key="eos_fix", bind="query-params",
            help="Every configuration is asked about the same crystal. What the models do to the symmetry is on the Relax page.",
        )  # fmt: skip
    return float(fmax), bool(fix)


def draw(works: list[Work]) -> None:
    """Draw what was computed."""
    if nothing_yet(
        works,
        "Press **Scan the volumes**: each configuration is asked at several volumes. Its energies give the equilibrium "
        "volume and the bulk modulus; their slope −dE/dV is a pressure, and the stress gives another. In a model that predicts its "
        "stress directly the two need not agree.",
    ):
        return
    results = drawn(works)
    reference = reference_of(results)
    chart(equation_figure(results, reference=reference, look=look()), "equation-figure")
    st.caption(
        "Left: energies with the equation fitted to them, each above its own minimum. Right: −dE/dV of these points (rings) and of the fit (line), "
        "and the pressure of the stress (dots), which should sit in the rings; below, how far it is off. The bars are what the slopes leave "
        "uncertain on average; they are least certain at both ends." + words(reference)
    )
    table(works, reference)
    say_notes(works)
    download_all(st, titled("Equation of state"), results, lambda: figures(results))


def words(reference: ReferenceEquation | None) -> str:
    """Say what the grey curve is."""
    return "" if reference is None else f" Grey: {REFERENCE.label}, {len(reference.volumes)} volumes."


def table(works: Sequence[Work], reference: ReferenceEquation | None) -> None:
    """Show the numbers of every configuration, and those of the reference below them."""
    number = st.column_config.NumberColumn
    rows = [_row(work) for work in works if work.result is not None]
    if reference is not None:
        rows.append(_fitted(REFERENCE.label, reference.fit, len(reference.structure)))
    show_table(pd.DataFrame(rows), hide_index=True, column_order=COLUMNS, column_config={
        "difference": number("stress − points, rms (GPa)", format="%.2g", help="Root mean square difference between the pressure of the stress and −dE/dV of the points."),
        "error": number("± slope (GPa)", format="%.1g", help="How far −dE/dV changes when seven points are taken for each slope instead of five. Where the stress is the derivative of the energy, the difference is of this size; ripples of the energy, as in a model that is not smooth, make both large."),
        "V₀": number("V₀ (Å³/atom)", format="%.3f", help="Volume of lowest energy by the fit."),
        "stress volume": number("stress zero at (Å³/atom)", format="%.3f", help="Where a relaxation by this stress ends; it is V₀ only if the stress is the derivative of the energy."),
        "B₀": number("B₀ (GPa)", format="%.1f", help="Bulk modulus at V₀ by the fit."),
        "B₀′": number("B₀′", format="%.2f", help="Its derivative with respect to pressure. It takes a wide range of volumes and smooth energies."),
        "E₀": number("E₀ (eV/atom)", format="%.4f", help="Lowest energy by the fit. Its zero differs between models."),
        "rms": number("fit rms (meV/atom)", format="%.2g", help="Root mean square difference between the energies and the equation fitted."),
    })  # fmt: skip
    st.caption(
        "The first number is zero, within the uncertainty beside it, if the stress is the derivative of the energy. A stress that a head "
        "of its own predicts need not be: relaxing the cell then ends where that stress vanishes, not at the lowest energy."
    )


def _row(work: Work) -> dict[str, object]:
    found: EquationOfState = work.result
    n = len(found.structure)
    return {
        "configuration": work.member.label,
        "difference": found.pressure_difference,
        "error": found.point_pressure_error,
        **_fitted(work.member.label, found.fit, n),
        "stress volume": None if found.stress_volume is None else found.stress_volume / n,
    }


def _fitted(label: str, fit: FittedEquation | None, n_atoms: int) -> dict[str, object]:
    if fit is None:
        return {"configuration": label, "V₀": None, "B₀": None, "B₀′": None, "E₀": None, "rms": None}
    return {
        "configuration": label,
        "V₀": fit.volume / n_atoms,
        "B₀": fit.bulk_modulus,
        "B₀′": fit.bulk_modulus_derivative,
        "E₀": fit.energy / n_atoms,
        "rms": MEV * fit.rms / n_atoms,
    }


if __name__ == "__main__":
    main()
