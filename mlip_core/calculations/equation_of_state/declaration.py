"""What the queue, the pages and a person's download need to know about equations of state."""

from collections.abc import Mapping

import pandas as pd

from mlip_core.calculations.declaration import Calculation, Files, Tables
from mlip_core.calculations.equation_of_state.calculation import equation_of_state
from mlip_core.calculations.equation_of_state.record import EquationOfState, FittedEquation
from mlip_core.calculations.equation_of_state.settings import EquationOfStateSettings
from mlip_core.calculations.equation_of_state.task import run
from mlip_core.structures import write_structure


def summary(result: EquationOfState) -> Mapping[str, object]:
    """Where the minimum lies, how stiff the crystal is there, and how far the two pressures are apart."""
    n = len(result.structure)
    fit = result.fit
    return {
        "volume_A3_per_atom": None if fit is None else fit.volume / n,
        "energy_eV_per_atom": None if fit is None else fit.energy / n,
        "bulk_modulus_GPa": result.bulk_modulus,
        "bulk_modulus_derivative": result.bulk_modulus_derivative,
        "pressure_difference_GPa": result.pressure_difference,
        "pressure_error_GPa": result.point_pressure_error,
        "stress_volume_A3_per_atom": None if result.stress_volume is None else result.stress_volume / n,
        "fit_rms_eV_per_atom": None if fit is None else fit.rms / n,
        "converged": bool(result.converged.all()),
        "evaluations": result.n_evaluations,
        "seconds": result.seconds,
        "notes": " ".join(result.notes),
    }


def tables(result: EquationOfState) -> Tables:
    """One row a volume, and the fit as a curve."""
    n, missing = len(result.structure), [None] * len(result.volumes)
    points = {
        "volume_A3_per_atom": result.volumes / n,
        "energy_eV_per_atom": result.energies / n,
        "fitted_energy_eV_per_atom": missing if result.fit is None else result.fit.energies / n,
        "stress_pressure_GPa": missing if result.pressures is None else result.pressures,
        "point_pressure_GPa": missing if result.point_pressures is None else result.point_pressures,
        "fitted_pressure_GPa": missing if result.fit is None else result.fit.pressures,
        "fmax_eV_per_A": result.fmax,
        "converged": result.converged,
    }
    found = {"volumes": pd.DataFrame(points)}
    if result.fit is not None:
        found["fit"] = _curve(result.fit, n)
    return found


def files(result: EquationOfState) -> Files:
    """The crystal at every volume, in one file."""
    return {"volumes.extxyz": "".join(write_structure(atoms, "extxyz") for atoms in result.structures)}


def evaluations(_: object, settings: EquationOfStateSettings) -> float:
    """Guess: some tens of steps where the atoms relax."""
    return settings.n_volumes * (min(settings.steps, 30) if settings.relax_atoms else 1)


def _curve(fit: FittedEquation, n_atoms: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "volume_A3_per_atom": fit.curve_volumes / n_atoms,
            "energy_eV_per_atom": fit.curve_energies / n_atoms,
            "pressure_GPa": fit.curve_pressures,
        }
    )


CALCULATIONS = (
    Calculation(
        name="equation_of_state",
        title="equation of state",
        function=run,
        settings=EquationOfStateSettings,
        record=EquationOfState,
        summary=summary,
        tables=tables,
        files=files,
        frames=lambda result: result.structures,
        before={"relaxation": "relaxation"},
        packages=("ase", "scipy"),
        evaluations=evaluations,
        public=(equation_of_state, EquationOfStateSettings),
    ),
)
