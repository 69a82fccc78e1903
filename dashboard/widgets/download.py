"""What a visitor takes along: one ZIP with structures, tables and settings."""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from typing import TypeVar

import pandas as pd

from dashboard.widgets.figure_page import Figures, figures_page, file_name
from dashboard.widgets.theme import Style
from mlip_core.calculations.phonons import Phonons
from mlip_core.calculations.phonons.export import force_constants_text, phonopy_params
from mlip_core.calculations.relaxation.calculation import RelaxationResult
from mlip_core.structures import write_structure

Record = TypeVar("Record")
Named = Sequence[tuple[Style, Record]]
"""Records, each with the style of its configuration, whose label names the files."""


def archive(files: dict[str, str], title: str, figures: Figures) -> bytes:
    """Pack texts by their names, and the figures on one page under a title, into a ZIP."""
    buffer = io.BytesIO()
    files = files | {"figures.html": figures_page(title, figures)}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return buffer.getvalue()


def settings_of(results: Named) -> dict[str, dict]:
    """Return the settings by the label of the configuration."""
    return {mark.label: asdict(result.settings) for mark, result in results}


def relaxation_archive(results: Named[RelaxationResult], title: str, figures: Figures) -> bytes:
    """Pack the relaxed structures, the trajectories, a table of the steps, the settings and the figures."""
    files: dict[str, str] = {}
    steps = []
    for mark, result in results:
        name = file_name(mark.label)
        files[f"{name}.extxyz"] = write_structure(result.structure, "extxyz")
        if result.structure.pbc.all():
            files[f"{name}.cif"] = write_structure(result.structure, "cif")
        files[f"{name}.trajectory.extxyz"] = "".join(write_structure(frame, "extxyz") for frame in result.frames)
        steps.append(_steps(mark.label, result))
    files["steps.csv"] = pd.concat(steps).to_csv(index=False)
    files["settings.json"] = json.dumps(settings_of(results), indent=1)
    return archive(files, title, figures)


def phonon_archive(results: Named[Phonons], title: str, figures: Figures) -> bytes:
    """Pack phonopy's files, the bands, the densities of states, the structures, the settings and the figures."""
    files: dict[str, str] = {}
    for mark, result in results:
        name = file_name(mark.label)
        files[f"{name}/phonopy_params.yaml"] = phonopy_params(result)
        files[f"{name}/FORCE_CONSTANTS"] = force_constants_text(result)
        files[f"{name}/FORCE_CONSTANTS.raw"] = force_constants_text(result, raw=True)
        files[f"{name}/unitcell.extxyz"] = write_structure(result.unitcell, "extxyz")
        files[f"{name}/bands.csv"] = _bands(result).to_csv(index=False)
        dos = {"frequency_THz": result.total_dos.frequencies, "density_per_THz": result.total_dos.density}
        files[f"{name}/total_dos.csv"] = pd.DataFrame(dos).to_csv(index=False)
    files["settings.json"] = json.dumps(settings_of(results), indent=1)
    return archive(files, title, figures)


def _bands(result: Phonons) -> pd.DataFrame:
    bands, raw = result.band_structure, result.raw_band_structure
    columns = {"distance": bands.distances, **{f"q{axis}": bands.qpoints[:, k] for k, axis in enumerate("abc")}}
    for branch in range(bands.frequencies.shape[1]):
        columns[f"branch_{branch + 1}_THz"] = bands.frequencies[:, branch]
        columns[f"raw_branch_{branch + 1}_THz"] = raw.frequencies[:, branch]
    return pd.DataFrame(columns)


def _steps(label: str, result: RelaxationResult) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "configuration": label,
            "step": range(result.n_steps + 1),
            "energy_eV": result.energies,
            "fmax_eV_per_A": result.fmax,
            "work_eV": result.work,
            "volume_A3": result.volumes,
            "space_group_1e-5": result.space_groups,
            "space_group_1e-2": result.space_groups_loose,
        }
    )
