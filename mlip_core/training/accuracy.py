"""How far a model is from its teacher on labelled structures it has not seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms

from mlip_core.models.model import Model, Prediction
from mlip_core.units import EV_PER_A3_IN_GPA

SMALL_RATTLE = 0.1
"""Largest rattle of the structures on which force errors relative to the mean force are stated, Å."""


def accuracy(structures: Sequence[Atoms], answers: Sequence[Prediction]) -> dict[str, Any]:
    """Errors over all structures, and by crystal.

    Parameters
    ----------
    structures : sequence of Atoms
        With ``REF_energy``, ``REF_forces``, ``REF_stress`` and ``info["crystal"]``.
    answers : sequence of Prediction
        The model's, in the same order.

    Returns
    -------
    dict
        Energies in meV/atom (nothing removed), forces in meV/Å per component,
        stress in GPa per component; ``relative_mae`` is the force MAE over the mean
        length of the teacher's force, on structures rattled by up to
        :data:`SMALL_RATTLE`.
    """
    by_crystal = {}
    for crystal in dict.fromkeys(atoms.info["crystal"] for atoms in structures):
        chosen = [pair for pair in zip(structures, answers, strict=True) if pair[0].info["crystal"] == crystal]
        by_crystal[crystal] = _errors(chosen) | _relative(chosen)
    return _errors(list(zip(structures, answers, strict=True))) | {"by_crystal": by_crystal}


def _errors(pairs: list[tuple[Atoms, Prediction]]) -> dict[str, Any]:
    energy = np.array([(answer.energy - atoms.info["REF_energy"]) / len(atoms) for atoms, answer in pairs])
    forces = np.concatenate([(answer.forces - atoms.arrays["REF_forces"]).ravel() for atoms, answer in pairs])
    stress = np.concatenate([np.ravel(answer.stress - np.array(atoms.info["REF_stress"])) for atoms, answer in pairs])
    return {
        "n_structures": len(pairs),
        "n_atoms": sum(len(atoms) for atoms, _ in pairs),
        "energy_mae": 1e3 * float(np.abs(energy).mean()),
        "energy_rmse": 1e3 * _rms(energy),
        "force_mae": 1e3 * float(np.abs(forces).mean()),
        "force_rmse": 1e3 * _rms(forces),
        "stress_mae": EV_PER_A3_IN_GPA * float(np.abs(stress).mean()),
        "stress_rmse": EV_PER_A3_IN_GPA * _rms(stress),
    }


def _relative(pairs: list[tuple[Atoms, Prediction]]) -> dict[str, Any]:
    """Force MAE over the mean |F|, where atoms were rattled, but not by more than :data:`SMALL_RATTLE`."""
    chosen = [(atoms, answer) for atoms, answer in pairs if 0 < atoms.info.get("rattle", 0.0) <= SMALL_RATTLE]
    if not chosen:
        return {}
    reference = np.concatenate([atoms.arrays["REF_forces"] for atoms, _ in chosen])
    error = np.concatenate([answer.forces for _, answer in chosen]) - reference
    size = float(np.linalg.norm(reference, axis=1).mean())
    return {
        "rattled_n_structures": len(chosen),
        "rattled_mean_force": 1e3 * size,
        "rattled_force_mae": 1e3 * float(np.abs(error).mean()),
        "relative_mae": float(np.abs(error).mean()) / size,
        "relative_mae_per_component": float(np.abs(error).mean() / np.abs(reference).mean()),
    }


def heads_difference(structures: Sequence[Atoms], direct: Model, conservative: Model) -> float:
    """Root mean square of F_direct − F_conservative over all components, eV/Å."""
    pairs = zip(direct.predict(structures), conservative.predict(structures), strict=True)
    return _rms(np.concatenate([(a.forces - b.forces).ravel() for a, b in pairs]))


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
