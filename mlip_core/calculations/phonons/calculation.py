"""From a structure and a model to phonons."""

from time import perf_counter

import numpy as np
from ase import Atoms

from mlip_core.calculations.phonons.bands import qpath
from mlip_core.calculations.phonons.cells import Cells, settle
from mlip_core.calculations.phonons.diagnostics import diagnose
from mlip_core.calculations.phonons.displacements import DisplacementSet, displaced_supercells, displacements
from mlip_core.calculations.phonons.dynamics import lattice_dynamics
from mlip_core.calculations.phonons.force_constants import lattice, raw_force_constants
from mlip_core.calculations.phonons.frame import to_ase
from mlip_core.calculations.phonons.notes import notes
from mlip_core.calculations.phonons.projection import projected
from mlip_core.calculations.phonons.record import Phonons
from mlip_core.calculations.phonons.settings import PhononSettings
from mlip_core.calculations.phonons.thermal import thermal_properties
from mlip_core.errors import SettingsError
from mlip_core.models.model import Counted, Model
from mlip_core.progress import Progress, silent
from mlip_core.symmetry.corrections import refuse_random_frame


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
        If the structure is not periodic, the reference has other atoms, symprec
        gives no cells, a space-group correction would project the response away,
        or the model is asked in random frames.
    ModelError
        If the model cannot answer.
    """
    settings = settings or PhononSettings()
    refuse_random_frame(model, "a phonon run")
    _check_corrections(model, settings)
    begin = perf_counter()
    counted = Counted(model)
    cells = settle(structure, settings, reference)
    data = _displace(cells, counted, settings, progress)
    total = len(data.atoms) + 1
    progress(total, total, stage="force constants")
    raw = raw_force_constants(cells, data, settings)
    corrected = projected(raw, cells.symmetry, cells.rotations)
    progress(total, total, stage="bands and density of states")
    path = qpath(cells, settings)
    before = lattice_dynamics(cells, raw, path, settings, symmetric=settings.displacements == "reduced")
    after = lattice_dynamics(cells, corrected, path, settings, symmetric=True)
    tables = lattice(cells)
    return Phonons(
        band_structure=after.bands,
        raw_band_structure=before.bands,
        total_dos=after.dos,
        raw_total_dos=before.dos,
        thermal=thermal_properties(after.mesh, settings.imaginary_tolerance),
        force_constants=after.force_constants,
        raw_force_constants=before.force_constants,
        diagnostics=diagnose(before, after, cells=cells, lattice=tables, data=data, settings=settings),
        structure=structure.copy(),
        unitcell=cells.unitcell.copy(),
        primitive=to_ase(cells.phonopy.primitive, structure.pbc),
        supercell=cells.supercell,
        supercell_matrix=cells.frame.supercell_matrix.copy(),
        primitive_matrix=cells.frame.primitive_matrix.copy(),
        lattice=tables,
        displacement_set=data,
        notes=notes(cells, data, settings, cutoff=model.cutoff),
        n_evaluations=counted.evaluations,
        seconds=perf_counter() - begin,
        model_seconds=counted.seconds,
        settings=settings,
        image_distance=cells.image_distance,
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
    structures = [cells.supercell, *displaced_supercells(cells.supercell, atoms, vectors)]
    progress(0, len(structures), stage="forces")
    answers = model.predict(structures, progress=lambda done, total, **_: progress(done, total, stage="forces"))
    forces = np.array([answer.forces for answer in answers], dtype=float)
    return DisplacementSet(atoms=atoms, vectors=vectors, forces=forces[1:], residual=forces[0])
