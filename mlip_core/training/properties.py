"""What a model makes of the crystals it was trained for, beside its teacher: lattice, phonons, symmetry, speed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk

from mlip_core import records
from mlip_core.calculations.conservation.calculation import ConservationSettings, conservation
from mlip_core.calculations.phonons import Phonons, PhononSettings, compare_phonons, phonons
from mlip_core.calculations.rotations.variance import RotationSettings, rotational_variance
from mlip_core.errors import CalculationError
from mlip_core.models import load_model
from mlip_core.models.model import Model
from mlip_core.symmetry.moving import rattled
from mlip_core.training.labels import relaxed_constant
from mlip_core.training.settings import Crystal

SUPERCELL = (3, 3, 3)
"""Supercell of the cubic cell for phonons: force constants of models with a cutoff of 5 Å reach farther than half of
2×2×2, and the interpolation between its wave vectors then shows soft modes that the model does not have."""
SEARCH = 0.02
"""Relative distance from the teacher's lattice constant within which a model's is looked for: what it was trained
on."""
RATTLE = 0.1
"""Standard deviation of the displacements of the structures on which rotations are measured, Å."""
ROTATIONS = RotationSettings(grid="octahedral", inversion=False, n_angles=0, rattle=RATTLE)
JACOBIAN = ConservationSettings(loops=False, picoseconds=0.0, rattle=0.05)


def crystal_cell(crystal: Crystal, a: float) -> Atoms:
    """Cubic cell of a crystal."""
    return bulk(crystal.formula, crystal.lattice, a=a, cubic=True)


def teacher_phonons(
    crystals: Sequence[Crystal], constants: dict[str, float], teacher: str, folder: Path
) -> dict[str, Phonons]:
    """Teacher's phonons at its own lattice constants; computed once, then read from ``folder``.

    Parameters
    ----------
    crystals : sequence of Crystal
    constants : dict
        The teacher's lattice constants, Å.
    teacher : str
        Name in the catalogue; loaded only where something is missing.
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
        model = load_model(teacher)
        settings = PhononSettings(supercell_matrix=SUPERCELL, displacement=0.01, plus_minus=True)
        for crystal in missing:
            cell = crystal_cell(crystal, constants[crystal.name])
            records.save(phonons(cell, model, settings), paths[crystal.name])
    return {name: records.load(path) for name, path in paths.items()}


def lattice_and_bands(crystal: Crystal, model: Model, reference: Phonons) -> dict[str, Any]:
    """Lattice constant, and phonons at that constant, against the teacher's.

    Parameters
    ----------
    crystal : Crystal
    model : Model
        Its direct or its conservative forces and stress decide both.
    reference : Phonons
        The teacher's, at the teacher's lattice constant.

    Returns
    -------
    dict
        Lattice constants in Å (None where the pressure never vanishes; phonons are
        then at the teacher's); band errors in THz and over the teacher's highest
        frequency, from corrected force constants of full displacements (0.03 Å
        direct, 0.01 Å conservative); the lowest corrected frequency of each.
    """
    expected = float(reference.structure.cell.lengths()[0])
    a = _lattice_constant(replace(crystal, a=expected), model)
    settings = PhononSettings(
        supercell_matrix=SUPERCELL,
        displacements="full",
        displacement=0.03 if model.forces == "direct" else 0.01,
    )
    found = phonons(crystal_cell(crystal, a or expected), model, settings, reference=reference.structure)
    difference = compare_phonons(found, reference)
    highest = float(reference.band_structure.frequencies.max())
    lowest, teachers = found.diagnostics.lowest, reference.diagnostics.lowest
    return {
        "lattice_constant": a,
        "teacher_lattice_constant": expected,
        "lattice_error": None if a is None else a / expected - 1,
        "band_mae": difference.band_mae,
        "band_mae_relative": difference.band_mae / highest,
        "teacher_highest_frequency": highest,
        "lowest_frequency": float(lowest.frequency),
        "teacher_lowest_frequency": float(teachers.frequency),
        "new_imaginary_mode": bool(lowest.imaginary and not teachers.imaginary),
        "largest_splitting": _splitting(found),
    }


def _lattice_constant(crystal: Crystal, model: Model) -> float | None:
    try:
        return relaxed_constant(crystal, model, within=SEARCH)
    except CalculationError:
        return None


def _splitting(found: Phonons) -> float | None:
    splitting = found.diagnostics.splitting
    return None if splitting is None else float(splitting.largest)


def rotations(crystals: Sequence[Crystal], constants: dict[str, float], model: Model) -> dict[str, Any]:
    """Spread over generic orientations of 2×2×2 primitive cells rattled by :data:`RATTLE`, by crystal."""
    found = {}
    for crystal in crystals:
        atoms = bulk(crystal.formula, crystal.lattice, a=constants[crystal.name]) * (2, 2, 2)
        variance = rotational_variance(atoms, model, ROTATIONS)
        found[crystal.name] = {
            "energy_rot_std": 1e3 * variance.energy_rot_std,
            "forces_rot_std": 1e3 * variance.forces_rot_std,
            "forces_relative": variance.forces_relative,
        }
    return found


def rattled_asymmetry(crystal: Crystal, a: float, model: Model) -> float | None:
    """λ of a cubic cell rattled by 0.05 Å."""
    return conservation(crystal_cell(crystal, a), model, JACOBIAN).jacobian_asymmetry


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
