"""Rotations and conservation to take along: tables with units in their headings, and the settings."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd

from dashboard.widgets.download import Named, archive, settings_of
from dashboard.widgets.figure_page import Figures, file_name
from mlip_core.calculations.conservation.calculation import Conservation
from mlip_core.calculations.rotations.correction_cost import CorrectionCost
from mlip_core.calculations.rotations.variance import RotationalVariance
from mlip_core.structures import write_structure


def rotation_archive(
    results: Named[RotationalVariance], costs: Named[CorrectionCost], title: str, figures: Figures
) -> bytes:
    """Pack the deviations by orientation, atom, angle and degree, what corrections buy, and the figures."""
    files: dict[str, str] = {}
    for mark, found in results:
        name, spread = file_name(mark.label), found.scatter
        by_orientation = {
            "weight": found.weights,
            "energy_deviation_eV_per_atom": spread.energy_deviations,
            "force_deviation_rms_eV_per_A": np.sqrt(np.mean(spread.force_deviations**2, axis=1) / 3),
        }
        if spread.stress_deviations is not None:
            by_orientation["stress_deviation_eV_per_A3"] = spread.stress_deviations
        files[f"{name}/orientations.csv"] = _csv(by_orientation)
        symbols = found.structure.get_chemical_symbols()
        files[f"{name}/atoms.csv"] = _csv({"element": symbols, "force_rot_std_eV_per_A": spread.per_atom})
        files[f"{name}/structure.extxyz"] = write_structure(found.structure, "extxyz")
        if found.angles is not None:
            files[f"{name}/angles.csv"] = _angles(found)
        if found.spectrum is not None:
            spectrum = found.spectrum
            columns = {"degree": spectrum.degrees, "energy_eV2": spectrum.energy, "forces_eV2_per_A2": spectrum.forces}
            files[f"{name}/degrees.csv"] = _csv(columns)
    for mark, cost in costs:
        points = pd.DataFrame([asdict(point) for point in cost.points])
        files[f"{file_name(mark.label)}/corrections.csv"] = points.to_csv(index=False)
    settings = {"rotations": settings_of(results), "corrections": settings_of(costs)}
    files["settings.json"] = json.dumps(settings, indent=1)
    return archive(files, title, figures)


def conservation_archive(results: Named[Conservation], title: str, figures: Figures) -> bytes:
    """Pack the loops, the runs, both heads' forces, the numbers of the table, and the figures."""
    files: dict[str, str] = {}
    summary = []
    for mark, found in results:
        name, run = file_name(mark.label), found.run
        files[f"{name}/structure.extxyz"] = write_structure(found.structure, "extxyz")
        if found.loop is not None:
            angle = np.linspace(0, 360, len(found.loop.accumulated))
            files[f"{name}/loop.csv"] = _csv({"angle_deg": angle, "work_eV_per_atom": found.loop.accumulated})
        if found.random_loops:
            files[f"{name}/random_loops.csv"] = _random_loops(found)
        if run is not None:
            columns = {
                "time_ps": run.times,
                "total_energy_eV_per_atom": run.total_energies,
                "temperature_K": run.temperatures,
            }
            files[f"{name}/run.csv"] = _csv(columns)
        if found.heads is not None:
            files[f"{name}/heads.csv"] = _heads(found)
        summary.append(
            {
                "configuration": mark.label,
                "lambda": found.jacobian_asymmetry,
                "lambda_error": found.jacobian_error,
                "lambda_floor": found.jacobian_floor,
                "loop_work_eV_per_atom": found.loop_work,
                "loop_error_eV_per_atom": None if found.loop is None else found.loop.error,
                "random_loops_rms_eV_per_atom": found.random_loop_work,
                "net_force_eV_per_A": found.net_force,
                "net_torque_eV": found.net_torque,
                "heads_rms_eV_per_A": None if found.heads is None else found.heads.rms,
                "drift_eV_per_atom_per_ps": None if run is None else run.drift,
                "drift_error_eV_per_atom_per_ps": None if run is None else run.drift_error,
            }
        )
    files["summary.csv"] = pd.DataFrame(summary).to_csv(index=False)
    files["settings.json"] = json.dumps(settings_of(results), indent=1)
    return archive(files, title, figures)


def _csv(columns: dict[str, object]) -> str:
    return pd.DataFrame(columns).to_csv(index=False)


def _angles(found: RotationalVariance) -> str:
    scan = found.angles
    assert scan is not None
    columns: dict[str, object] = {"angle_deg": scan.angles}
    for axis, energy, force in zip(scan.axes, scan.energy_deviations, scan.force_deviations, strict=True):
        name = "_".join(f"{part:g}" for part in axis)
        columns[f"energy_about_{name}_eV_per_atom"] = energy
        columns[f"forces_about_{name}_rms_eV_per_A"] = force
    return _csv(columns)


def _random_loops(found: Conservation) -> str:
    rows = [
        {
            "atom_a": work.loop.atom_a,
            "atom_b": work.loop.atom_b,
            "work_eV_per_atom": work.work,
            "error_eV_per_atom": work.error,
            "absolute_work_eV_per_atom": work.absolute,
        }
        for work in found.random_loops or ()
    ]
    return pd.DataFrame(rows).to_csv(index=False)


def _heads(found: Conservation) -> str:
    heads = found.heads
    assert heads is not None
    atoms = np.repeat(np.arange(len(heads.forces)), 3)
    other = "conservative" if heads.forces_kind == "direct" else "direct"
    return _csv(
        {
            "atom": atoms,
            "component": list("xyz") * len(heads.forces),
            f"{heads.forces_kind}_eV_per_A": heads.forces.ravel(),
            f"{other}_eV_per_A": heads.other_forces.ravel(),
        }
    )
