"""What the queue, the pages and a person's download need to know about rotations."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from mlip_core.calculations.declaration import Calculation, Files, Tables, with_units
from mlip_core.calculations.rotations.correction_cost import CorrectionCost, CorrectionCostSettings, correction_cost
from mlip_core.calculations.rotations.scans import AngleScan
from mlip_core.calculations.rotations.variance import RotationalVariance, RotationSettings, rotational_variance
from mlip_core.structures import write_structure
from mlip_core.symmetry.rotations import grid

_COST_UNITS = {
    "energy_rot_std": "eV_per_atom",
    "forces_rot_std": "eV_per_A",
    "stress_rot_std": "eV_per_A3",
    "force_error": "eV_per_A",
}


def summary(result: RotationalVariance) -> Mapping[str, object]:
    """Standard deviations over the orientations beside what arithmetic alone gives."""
    inversion, split = result.inversion, result.error_split
    return {
        "energy_rot_std_eV_per_atom": result.energy_rot_std,
        "forces_rot_std_eV_per_A": result.forces_rot_std,
        "forces_rot_std_relative": result.forces_relative,
        "stress_rot_std_eV_per_A3": result.stress_rot_std,
        "floor_forces_rot_std_eV_per_A": result.floor.forces_rot_std,
        "inversion_energy_eV_per_atom": None if inversion is None else inversion.energy,
        "inversion_forces_eV_per_A": None if inversion is None else inversion.forces,
        "mean_square_error_eV2_per_A2": None if split is None else split.mean_square_error,
        "symmetry_breaking_share": None if split is None else split.share,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
    }


def tables(result: RotationalVariance) -> Tables:
    """Deviations by orientation, atom, angle and degree."""
    spread, symbols = result.scatter, result.structure.get_chemical_symbols()
    orientations = {
        "weight": result.weights,
        "energy_deviation_eV_per_atom": spread.energy_deviations,
        "force_deviation_rms_eV_per_A": np.sqrt(np.mean(spread.force_deviations**2, axis=1) / 3),
    }
    if spread.stress_deviations is not None:
        orientations["stress_deviation_eV_per_A3"] = spread.stress_deviations
    found = {
        "orientations": pd.DataFrame(orientations),
        "atoms": pd.DataFrame({"element": symbols, "force_rot_std_eV_per_A": spread.per_atom}),
    }
    if result.angles is not None:
        found["angles"] = _angles(result.angles)
    if result.spectrum is not None:
        degrees = result.spectrum
        columns = {"degree": degrees.degrees, "energy_eV2": degrees.energy, "forces_eV2_per_A2": degrees.forces}
        found["degrees"] = pd.DataFrame(columns)
    return found


def files(result: RotationalVariance) -> Files:
    """The structure that was measured, displacements included."""
    return {"structure.extxyz": write_structure(result.structure, "extxyz")}


def _angles(scan: AngleScan) -> pd.DataFrame:
    columns: dict[str, object] = {"angle_deg": scan.angles}
    for axis, energy, force in zip(scan.axes, scan.energy_deviations, scan.force_deviations, strict=True):
        name = "_".join(f"{part:g}" for part in axis)
        columns[f"energy_about_{name}_eV_per_atom"] = energy
        columns[f"forces_about_{name}_rms_eV_per_A"] = force
    return pd.DataFrame(columns)


def cost_summary(result: CorrectionCost) -> Mapping[str, object]:
    """What is left without a correction and under the most thorough one."""
    first, best = result.points[0], min(result.points, key=lambda point: point.forces_rot_std)
    return {
        f"forces_rot_std_{first.grid}_eV_per_A": first.forces_rot_std,
        "least_forces_rot_std_eV_per_A": best.forces_rot_std,
        "least_grid": best.grid,
        "least_evaluations": best.evaluations,
    }


def cost_tables(result: CorrectionCost) -> Tables:
    """One row a grid: what it costs, and the deviations and the error that it leaves."""
    return {"corrections": with_units(pd.DataFrame([asdict(point) for point in result.points]), _COST_UNITS)}


def cost_files(result: CorrectionCost) -> Files:
    """The structure that was measured, displacements included."""
    return {"structure.extxyz": write_structure(result.structure, "extxyz")}


def evaluations(_: object, settings: RotationSettings) -> float:
    """As many as are counted, without the floor."""
    return settings.steps(len(grid(settings.grid).rotations))


def cost_evaluations(_: object, settings: CorrectionCostSettings) -> float:
    """Each grid in each probing orientation."""
    orientations = sum(len(grid(name, inversion=settings.inversion).operations) for name in settings.grids)
    return settings.n_probes * orientations


CALCULATIONS = (
    Calculation(
        name="rotational_variance",
        title="rotational variance",
        function=rotational_variance,
        settings=RotationSettings,
        record=RotationalVariance,
        summary=summary,
        tables=tables,
        files=files,
        other="reference",
        evaluations=evaluations,
        public=(rotational_variance, RotationSettings),
    ),
    Calculation(
        name="correction_cost",
        title="what a correction buys",
        function=correction_cost,
        settings=CorrectionCostSettings,
        record=CorrectionCost,
        summary=cost_summary,
        tables=cost_tables,
        files=cost_files,
        other="reference",
        evaluations=cost_evaluations,
        public=(correction_cost, CorrectionCostSettings),
    ),
)
