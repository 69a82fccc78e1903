"""From a structure and a model to phonons."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.bands import BandStructure, QPath, band_structure, qpath
from mlip_core.calculations.phonons.cells import Cells, settle, to_ase
from mlip_core.calculations.phonons.diagnostics import Diagnostics, diagnose
from mlip_core.calculations.phonons.displacements import DisplacementSet, displaced, displacements
from mlip_core.calculations.phonons.dos import MeshModes, TotalDos, run_mesh, total_dos
from mlip_core.calculations.phonons.force_constants import Lattice, lattice, projected, raw_force_constants
from mlip_core.calculations.phonons.nac import MISSING, apply_nac
from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.calculations.phonons.thermal import ThermalProperties, thermal_properties
from mlip_core.errors import SettingsError
from mlip_core.models.model import Counted, Model
from mlip_core.progress import Progress, silent
from mlip_core.records import record
from mlip_core.symmetry.corrections import refuse_random_frame


@record("Phonons")
@dataclass(frozen=True, kw_only=True)
class Phonons:
    """Phonons of one structure with one model; "raw" is before the projection on the crystal's symmetry."""

    band_structure: BandStructure
    """From corrected force constants."""
    raw_band_structure: BandStructure
    """From raw force constants, on the same q-points."""
    total_dos: TotalDos
    """Corrected."""
    raw_total_dos: TotalDos
    """Raw; with full displacements on a mesh of half the density, because no point stands for another."""
    thermal: ThermalProperties
    """Corrected."""
    force_constants: np.ndarray
    """(n_primitive, n_supercell, 3, 3), corrected, eV/Å²: phonopy's compact layout."""
    raw_force_constants: np.ndarray
    """(n_primitive, n_supercell, 3, 3), raw, eV/Å²."""
    diagnostics: Diagnostics
    """What the raw force constants break."""
    structure: Atoms
    """As given."""
    unitcell: Atoms
    """`structure` averaged over the symmetry of the reference: the cell phonopy worked with."""
    primitive: Atoms
    """phonopy's "auto" primitive cell of `unitcell`, chosen on the reference."""
    supercell: Atoms
    """`structure` repeated: what was displaced."""
    supercell_matrix: np.ndarray
    """(3, 3) integers, phonopy's convention (columns multiply the cell vectors)."""
    primitive_matrix: np.ndarray
    """(3, 3), phonopy's convention, relative to `unitcell`."""
    lattice: Lattice
    """Tables for computing modes at any q."""
    displacement_set: DisplacementSet
    """Displacements and forces."""
    notes: tuple[str, ...]
    """What a person should know about these numbers."""
    n_evaluations: int
    """Structures the model was asked for: the displacements and the undisplaced supercell."""
    seconds: float
    """Wall time, s."""
    model_seconds: float
    """Of that, inside the model, s."""
    settings: PhononSettings
    """The settings used."""


def phonons(
    structure: Atoms,
    model: Model,
    settings: PhononSettings | None = None,
    *,
    reference: Atoms | None = None,
    progress: Progress = silent,
) -> Phonons:
    """Compute phonons by finite displacements.

    Parameters
    ----------
    structure : Atoms
        A relaxed crystal or slab. It is not relaxed, standardised or reordered.
    model : Model
        Gives the forces; all supercells go to `predict` as one list.
    settings : PhononSettings, optional
        Supercell, displacements, mesh, path.
    reference : Atoms, optional
        The same atoms in the same order: fixes primitive cell, supercell,
        displacements, symmetry operations and q-path, so that the members of
        a line-up differ only by model. None takes `structure`.
    progress : callable, optional
        Called as ``progress(done, total, stage=)`` with supercells done.

    Returns
    -------
    Phonons

    Raises
    ------
    SettingsError
        If the structure is not periodic, the reference has other atoms, a
        space-group correction would project the response away, or the model is
        asked in random frames.
    ModelError
        If the model cannot answer.
    """
    settings = settings or PhononSettings()
    refuse_random_frame(model, "a phonon run")
    _check_corrections(model, settings)
    begin = perf_counter()
    counted = Counted(model)
    cells = settle(structure, settings, reference)
    apply_nac(cells, settings)
    path = qpath(cells, structure if reference is None else reference, settings)
    data = _displace(cells, counted, settings, progress)
    total = len(data.atoms) + 1
    progress(total, total, stage="force constants")
    raw = raw_force_constants(cells, data, settings)
    corrected = projected(cells, raw)
    tables = lattice(cells)
    progress(total, total, stage="bands and density of states")
    results, seen = _lattice_dynamics(cells, raw, corrected, path, settings)
    masses = np.array(cells.phonopy.primitive.masses)
    return Phonons(
        **results,
        diagnostics=diagnose(
            **seen, lattice=tables, masses=masses, data=data, settings=settings, deviation=cells.deviation
        ),
        raw_force_constants=raw,
        force_constants=corrected,
        **_cells(cells, structure),
        lattice=tables,
        displacement_set=data,
        notes=cells.notes + (() if settings.nac else (MISSING,)),
        n_evaluations=counted.evaluations,
        seconds=perf_counter() - begin,
        model_seconds=counted.seconds,
        settings=settings,
    )


def _check_corrections(model: Model, settings: PhononSettings) -> None:
    corrections = getattr(model, "corrections", None)
    if corrections is None or not corrections.space_group:
        return
    if corrections.symprec > settings.displacement / 10:
        raise SettingsError(
            f"a space-group correction with symprec {corrections.symprec} Å would take a displacement of "
            f"{settings.displacement} Å for noise and project the response away: choose a symprec of at most "
            f"{settings.displacement / 10:g} Å, or leave the correction out of phonon runs."
        )


def _displace(cells: Cells, model: Model, settings: PhononSettings, progress: Progress) -> DisplacementSet:
    """Ask the model for the undisplaced and all displaced supercells at once."""
    atoms, vectors = displacements(cells, settings)
    structures = [cells.supercell, *displaced(cells.supercell, atoms, vectors)]
    progress(0, len(structures), stage="forces")
    answers = model.predict(structures, progress=lambda done, total, **_: progress(done, total, stage="forces"))
    forces = np.array([answer.forces for answer in answers], dtype=float)
    return DisplacementSet(atoms=atoms, vectors=vectors, forces=forces[1:], residual=forces[0])


def _lattice_dynamics(
    cells: Cells, raw: np.ndarray, corrected: np.ndarray, path: QPath, settings: PhononSettings
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Bands, density of states and heat; and what the diagnostics need of them."""
    phonopy = cells.phonopy
    symmetric = cells.supercell_symmetric
    reduced = settings.displacements == "reduced"
    raw_bands, raw_mesh = _bands_and_mesh(cells, raw, path, settings, symmetric=symmetric and reduced)
    raw_dos = total_dos(phonopy)
    bands, mesh = _bands_and_mesh(cells, corrected, path, settings, symmetric=symmetric)
    results = {
        "raw_band_structure": raw_bands,
        "raw_total_dos": raw_dos,
        "band_structure": bands,
        "total_dos": total_dos(phonopy),
        "thermal": thermal_properties(phonopy, mesh, settings.imaginary_tolerance),
    }
    return results, {"raw": (raw, raw_bands, raw_mesh), "corrected": (corrected, bands, mesh)}


def _bands_and_mesh(
    cells: Cells, force_constants: np.ndarray, path: QPath, settings: PhononSettings, *, symmetric: bool
) -> tuple[BandStructure, MeshModes]:
    cells.phonopy.force_constants = force_constants.copy()
    return band_structure(cells.phonopy, path), run_mesh(cells.phonopy, settings, symmetric=symmetric)


def _cells(cells: Cells, structure: Atoms) -> dict[str, Any]:
    phonopy = cells.phonopy
    return {
        "structure": structure.copy(),
        "unitcell": cells.unitcell.copy(),
        "primitive": to_ase(phonopy.primitive, structure.pbc),
        "supercell": cells.supercell,
        "supercell_matrix": np.array(phonopy.supercell_matrix),
        "primitive_matrix": np.array(phonopy.primitive_matrix),
    }
