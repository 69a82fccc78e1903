"""What a model makes of the crystals it was trained for, beside its teacher: lattice, phonons, symmetry, speed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core import records
from mlip_core.calculations.conservation.calculation import ConservationSettings, conservation
from mlip_core.calculations.phonons import Phonons, PhononSettings, compare_phonons, phonons
from mlip_core.calculations.relaxation.calculation import RelaxationSettings, relax
from mlip_core.calculations.rotations.variance import RotationSettings, rotational_variance
from mlip_core.errors import CalculationError, MlipError
from mlip_core.models import load_model
from mlip_core.models.model import Model
from mlip_core.symmetry.moving import rattled
from mlip_core.training.cells import Relaxed, cell_of, doubled
from mlip_core.training.labels import relaxed_constant
from mlip_core.training.settings import Crystal

SEARCH = 0.02
"""Relative distance from the teacher's lattice constant within which a model's is looked for: what it was trained
on."""
FMAX = 5e-3
"""Longest force, and row of the stress, at which the relaxation of a structure of the library ends, eV/Å."""
LONGEST = 12.0
"""Length above which a cell vector spans a vacuum and is no lattice constant, Å."""
RATTLE = 0.1
"""Standard deviation of the displacements of the structures on which rotations are measured, Å."""
ROTATIONS = RotationSettings(grid="octahedral", inversion=False, n_angles=0, rattle=RATTLE)
JACOBIAN = ConservationSettings(loops=False, picoseconds=0.0, rattle=0.05)


def teacher_phonons(
    crystals: Sequence[Crystal], cells: Mapping[str, Relaxed], teacher: str, dtype: str, folder: Path
) -> dict[str, Phonons]:
    """Teacher's phonons at its own lattice constants; computed once, then read from ``folder``.

    Force constants of models with a cutoff of 5 Å reach farther than half of 2×2×2 small cubic cells, and the
    interpolation between its wave vectors then shows soft modes that the model does not have: see ``Crystal.bands``.

    Parameters
    ----------
    crystals : sequence of Crystal
        Those whose bands are measured.
    cells : mapping
        What the teacher's relaxation gave, by the crystal's name.
    teacher : str
        Name in the catalogue; loaded only where something is missing.
    dtype : str
        Precision of the teacher.
    folder : path
        Training folder.

    Returns
    -------
    dict
        Phonons by the crystal's name.
    """
    paths = {crystal.name: folder / f"teacher-phonons-{crystal.name}.npz" for crystal in crystals}
    missing = [crystal for crystal in crystals if not paths[crystal.name].exists()]
    if missing:
        model = load_model(teacher, dtype=dtype)
        for crystal in missing:
            settings = PhononSettings(supercell_matrix=crystal.bands, displacement=0.01, plus_minus=True)
            records.save(
                phonons(cell_of(crystal, cells[crystal.name], cubic=True), model, settings), paths[crystal.name]
            )
    return {name: records.load(path) for name, path in paths.items()}


def lattice_and_bands(crystal: Crystal, relaxed: Relaxed, model: Model, reference: Phonons) -> dict[str, Any]:
    """Lattice constants, and phonons at them, against the teacher's.

    Parameters
    ----------
    crystal : Crystal
    relaxed : Relaxed
        What the teacher's relaxation gave.
    model : Model
        Its direct or its conservative forces and stress decide both.
    reference : Phonons
        The teacher's, at the teacher's lattice constants.

    Returns
    -------
    dict
        Lattice constants in Å, of a structure of the library the one that is
        farthest off (None where the model finds no equilibrium near the teacher's;
        phonons are then at the teacher's); band errors in THz and over the teacher's
        highest frequency, from corrected force constants of full displacements
        (0.03 Å direct, 0.01 Å conservative); the lowest corrected frequency of each.
    """
    expected = cell_of(crystal, relaxed, cubic=True)
    cell = own_cell(crystal, expected, model)
    settings = PhononSettings(
        supercell_matrix=crystal.bands,
        displacements="full",
        displacement=0.03 if model.forces == "direct" else 0.01,
    )
    found = phonons(expected if cell is None else cell, model, settings, reference=reference.structure)
    difference = compare_phonons(found, reference)
    highest = float(reference.band_structure.frequencies.max())
    lowest, teachers = found.diagnostics.lowest, reference.diagnostics.lowest
    return {
        **_lattice(expected, cell),
        "band_mae": difference.band_mae,
        "band_mae_relative": difference.band_mae / highest,
        "teacher_highest_frequency": highest,
        "lowest_frequency": float(lowest.frequency),
        "teacher_lowest_frequency": float(teachers.frequency),
        "new_imaginary_mode": bool(lowest.imaginary and not teachers.imaginary),
        "lost_imaginary_mode": bool(teachers.imaginary and not lowest.imaginary),
        "largest_splitting": _splitting(found),
    }


def own_cell(crystal: Crystal, expected: Atoms, model: Model) -> Atoms | None:
    """Cell in which the model's own stress vanishes; None where that is not near the teacher's."""
    if not crystal.library:
        try:
            near = replace(crystal, a=float(expected.cell.lengths()[0]))
            return cell_of(crystal, relaxed_constant(near, model, within=SEARCH), cubic=True)
        except CalculationError:
            return None
    settings = RelaxationSettings(fmax=FMAX, cell="full", fix_symmetry=True, steps=200)
    try:
        found = relax(expected, model, settings)
    except MlipError:
        return None
    return Atoms(found.structure) if found.converged else None


def _lattice(expected: Atoms, cell: Atoms | None) -> dict[str, Any]:
    """Lattice constant that is farthest off; of a layer only those along which it repeats."""
    lengths = expected.cell.lengths()
    if cell is None:
        return {"lattice_constant": None, "teacher_lattice_constant": float(lengths[0]), "lattice_error": None}
    errors = np.where(lengths < LONGEST, cell.cell.lengths() / lengths - 1, 0.0)
    worst = int(np.argmax(np.abs(errors)))
    return {
        "lattice_constant": float(cell.cell.lengths()[worst]),
        "teacher_lattice_constant": float(lengths[worst]),
        "lattice_error": float(errors[worst]),
    }


def _splitting(found: Phonons) -> float | None:
    splitting = found.diagnostics.splitting
    return None if splitting is None else float(splitting.largest)


def rotations(crystals: Sequence[Crystal], cells: Mapping[str, Relaxed], model: Model) -> dict[str, Any]:
    """Spread over generic orientations of 2×2×2 primitive cells, or as many atoms, rattled by :data:`RATTLE`, by crystal."""
    found = {}
    for crystal in crystals:
        variance = rotational_variance(doubled(crystal, cells[crystal.name]), model, ROTATIONS)
        found[crystal.name] = {
            "energy_rot_std": 1e3 * variance.energy_rot_std,
            "forces_rot_std": 1e3 * variance.forces_rot_std,
            "forces_relative": variance.forces_relative,
        }
    return found


def rattled_asymmetry(crystal: Crystal, relaxed: Relaxed, model: Model) -> float | None:
    """λ of a cubic cell rattled by 0.05 Å."""
    return conservation(cell_of(crystal, relaxed, cubic=True), model, JACOBIAN).jacobian_asymmetry


def seconds_a_call(models: Sequence[Model], atoms: Atoms, repeats: int = 5) -> list[float]:
    """Median wall time of one force call, the models taking turns so that load meets all alike.

    Returns
    -------
    list of float
        Seconds, one a model, after one call to warm up.
    """
    times: list[list[float]] = [[] for _ in models]
    rng = np.random.default_rng(0)
    for turn in range(repeats + 1):
        structure = rattled(atoms, 0.03, rng)
        for model, seconds in zip(models, times, strict=True):
            start = perf_counter()
            model.predict([structure])
            if turn:
                seconds.append(perf_counter() - start)
    return [median(seconds) for seconds in times]
