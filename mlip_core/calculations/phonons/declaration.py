"""What the queue, the pages and a person's download need to know about phonons."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from ase import Atoms

from mlip_core.calculations.declaration import Asked, Calculation, Files, Tables
from mlip_core.calculations.phonons.calculation import Phonons, phonons
from mlip_core.calculations.phonons.comparison import TEMPERATURE
from mlip_core.calculations.phonons.export import force_constants_text, phonopy_params
from mlip_core.calculations.phonons.modes import animate
from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.calculations.phonons.supercells import suggested_supercell
from mlip_core.calculations.phonons.task import run
from mlip_core.structures import symmetry, write_structure


def summary(result: Phonons) -> Mapping[str, object]:
    """What was wrong before the correction, and the lowest and highest mode after it."""
    found = result.diagnostics
    free_energy, entropy, heat_capacity = result.thermal.at(TEMPERATURE)
    return {
        "lowest_THz": found.lowest.frequency,
        "imaginary": found.lowest.imaginary,
        "highest_THz": float(result.band_structure.frequencies.max()),
        "raw_acoustic_at_gamma_THz": float(max(found.gamma_acoustic, key=abs)),
        "sum_over_forces_eV_per_A2": found.sum_over_forces,
        "permutation_asymmetry_eV_per_A2": found.permutation_asymmetry,
        "jacobian_asymmetry": found.jacobian_asymmetry,
        "projection_distance": found.projection_distance,
        "splitting_THz": None if found.splitting is None else found.splitting.largest,
        "residual_force_eV_per_A": found.residual_force,
        "free_energy_300K_eV_per_atom": free_energy,
        "entropy_300K_eV_per_K_per_atom": entropy,
        "heat_capacity_300K_eV_per_K_per_atom": heat_capacity,
        "evaluations": result.n_evaluations,
        "seconds": result.seconds,
    }


def tables(result: Phonons) -> Tables:
    """Bands, densities of states and thermal properties."""
    dos = {"frequency_THz": result.total_dos.frequencies, "density_per_THz": result.total_dos.density}
    return {"bands": _bands(result), "total_dos": pd.DataFrame(dos), "thermal": _thermal(result)}


def files(result: Phonons) -> Files:
    """The files of phonopy, and the unit cell."""
    return {
        "phonopy_params.yaml": phonopy_params(result),
        "FORCE_CONSTANTS": force_constants_text(result),
        "FORCE_CONSTANTS.raw": force_constants_text(result, raw=True),
        "unitcell.extxyz": write_structure(result.unitcell, "extxyz"),
    }


def _bands(result: Phonons) -> pd.DataFrame:
    bands, raw = result.band_structure, result.raw_band_structure
    columns = {"distance_per_A": bands.distances, **{f"q{axis}": bands.qpoints[:, k] for k, axis in enumerate("abc")}}
    for branch in range(bands.frequencies.shape[1]):
        columns[f"branch_{branch + 1}_THz"] = bands.frequencies[:, branch]
        columns[f"raw_branch_{branch + 1}_THz"] = raw.frequencies[:, branch]
    return pd.DataFrame(columns)


def _thermal(result: Phonons) -> pd.DataFrame:
    heat = result.thermal
    return pd.DataFrame(
        {
            "temperature_K": heat.temperatures,
            "free_energy_eV_per_atom": heat.free_energy,
            "entropy_eV_per_K_per_atom": heat.entropy,
            "heat_capacity_eV_per_K_per_atom": heat.heat_capacity,
        }
    )


def asks(structure: Atoms, settings: PhononSettings) -> tuple[Asked, ...]:
    """Displaced supercells: those of every atom, or of those that symmetry does not make equal to another."""
    matrix = settings.supercell_matrix
    matrix = suggested_supercell(structure, settings.min_length) if matrix is None else np.array(matrix)
    size = np.prod(matrix) if matrix.ndim == 1 else np.linalg.det(matrix)
    if settings.displacements == "full":
        count = 6 * len(structure)
    else:
        found = symmetry(structure, settings.symprec)
        count = 3 * (len(structure) if found is None else len(set(found.equivalent_atoms)))
    return (Asked(count + 1, round(float(size)) * len(structure)),)


CALCULATIONS = (
    Calculation(
        name="phonons",
        title="phonons",
        function=run,
        settings=PhononSettings,
        record=Phonons,
        summary=summary,
        tables=tables,
        files=files,
        before={"relaxation": "relaxation"},
        reference=True,
        packages=("phonopy", "seekpath", "spglib"),
        public=(phonons, PhononSettings, animate),
        asks=asks,
        own_seconds=3.0,
    ),
)
