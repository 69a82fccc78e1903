"""The reference data that travel with the package: PBE by GPAW, rattled cells and phonons."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import yaml
from ase import Atoms
from scipy.optimize import linear_sum_assignment

from mlip_core.assets import asset
from mlip_core.datasets import Dataset, read_dataset
from mlip_core.errors import CalculationError, SettingsError
from mlip_core.models.model import Model, Prediction

if TYPE_CHECKING:
    from mlip_core.calculations.phonons import Phonons

LEVEL_OF_THEORY = "PBE (GPAW, plane waves)"
Supercell = Literal["primitive", "conventional"]
SUPERCELLS: dict[Supercell, Any] = {
    "primitive": (2, 2, 2),
    "conventional": ((-2, 2, 2), (2, -2, 2), (2, 2, -2)),
}
"""Matrices that multiply the fcc primitive cell; the second gives 2×2×2 conventional cells."""
_SAME = 5e-3
"""Distance below which atoms are the same, well below the displacement, Å."""


def reference_card() -> dict[str, Any]:
    """How the data were computed, how far they are converged, and what they must not be used for."""
    return yaml.safe_load(asset("reference", "card.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True)
class FinerSetting:
    """How far the forces of one labelled frame move with one finer setting."""

    kind: str
    """Which data it belongs to: "rattled" or "phonons"."""
    name: str
    """Material, of which the first frame was computed again."""
    setting: str
    """Which setting is finer: "cutoff", "k-points" or "smearing"."""
    kpoints: tuple[int, int, int]
    """Mesh of k-points of the finer calculation."""
    force_max: float
    """Largest change of a force component, eV/Å."""
    force_rms: float
    """Root mean square change of a force component, eV/Å."""


def reference_convergence() -> tuple[FinerSetting, ...]:
    """Compare the labels with the same frames at finer settings (``convergence.json``)."""
    import json

    from ase.io import read

    frames: dict[tuple[str, str], Atoms] = {}
    for kind in ("rattled", "phonons"):
        for atoms in read(asset("reference", f"{kind}.extxyz"), ":"):
            frames.setdefault((kind, str(atoms.info["name"])), atoms)
    found = []
    for row in json.loads(asset("reference", "convergence.json").read_text(encoding="utf-8")):
        change = np.subtract(row["forces"], frames[row["kind"], row["name"]].arrays["REF_forces"])
        found.append(
            FinerSetting(
                **{key: row[key] for key in ("kind", "name", "setting")},
                kpoints=tuple(row["kpoints"]),
                force_max=float(np.abs(change).max()),
                force_rms=float(np.sqrt(np.mean(change**2))),
            )
        )
    return tuple(found)


def reference_net_forces() -> dict[str, float]:
    """Return for each material the largest net force of its rattled cells, |ΣF|/N, eV/Å: what the plane waves leave."""
    largest: dict[str, float] = {}
    for frame in reference_dataset():
        assert frame.forces is not None
        name = str(frame.tags["name"])
        largest[name] = max(largest.get(name, 0.0), float(np.linalg.norm(frame.forces.mean(axis=0))))
    return largest


@dataclass(frozen=True, kw_only=True)
class SizeEffect:
    """What the larger supercell changes in the bands of a material, THz."""

    both: float
    """Largest change of a branch at Γ, X and L, where both supercells are exact: what else is not converged, THz."""
    W: float
    """Largest change of a branch at W, where only the larger supercell is exact, THz."""
    path_max: float
    """Largest change of a branch along the path, THz."""
    path_mean: float
    """Mean change over path and branches, THz."""


def reference_size_effect(name: str = "Si") -> SizeEffect:
    """Compare the bands of a material from its two supercells on one path."""
    small, large = (reference_phonons(name, supercell=cell, mesh=5.0, n_qpoints=200) for cell in SUPERCELLS)
    path = small.band_structure
    change = np.abs(path.frequencies - large.band_structure.frequencies)
    at = {label: change[place].max() for label, place in zip(path.labels, path.label_indices, strict=True)}
    return SizeEffect(
        both=float(max(at[label] for label in ("Γ", "X", "L"))),
        W=float(at["W"]),
        path_max=float(change.max()),
        path_mean=float(change.mean()),
    )


def reference_dataset(*, folder: str | Path | None = None) -> Dataset:
    """Rattled and strained cells of eight materials with PBE energies and forces.

    The stresses in the file are left out: at the cutoff used they hold a large
    contribution of the changing basis (see the card).

    Parameters
    ----------
    folder : path, optional
        Where the copy is kept; without, it goes when the data set does.

    Returns
    -------
    Dataset
    """
    return read_dataset(
        asset("reference", "rattled.extxyz"), stress_key="", level_of_theory=LEVEL_OF_THEORY, folder=folder
    )


def reference_materials() -> tuple[str, ...]:
    """Names that :func:`reference_phonons` knows."""
    return tuple(dict.fromkeys(str(atoms.info["name"]) for atoms in _frames()))


def reference_structure(name: str) -> Atoms:
    """Primitive cell of a material at its PBE lattice constant, or at that of its frames where the two differ (Al).

    Raises
    ------
    SettingsError
        If there is no such material.
    """
    import json

    from ase.build import bulk

    known = json.loads(asset("reference", "equilibrium.json").read_text(encoding="utf-8"))
    if name not in known:
        raise SettingsError(f"There are no reference data for {name!r}; choose one of {', '.join(known)}.")
    material = known[name]
    return bulk(name, material["structure"], material.get("frames_a", material["a"]))


def reference_supercells(name: str) -> tuple[Supercell, ...]:
    """Supercells in which :func:`reference_phonons` knows a material, the smallest first."""
    sizes = sorted({len(atoms) for atoms in _frames() if atoms.info["name"] == name})
    return tuple(SUPERCELLS)[: len(sizes)]


def reference_phonons(name: str, *, supercell: Supercell = "primitive", **settings: Any) -> "Phonons":
    """PBE phonons of a material, from forces in a supercell.

    Exact at the q-points that the supercell holds (Γ, X and L; with the larger
    one also W and the middle of Γ–X); between them interpolated from force
    constants that end inside it. Without LO–TO splitting.

    Parameters
    ----------
    name : str
        One of :func:`reference_materials`.
    supercell : "primitive" or "conventional"
        2×2×2 of which cell; :func:`reference_supercells` tells what there is.
    **settings
        Fields of ``PhononSettings`` for mesh and path; supercell and displacement are those of the data.

    Returns
    -------
    Phonons

    Raises
    ------
    SettingsError
        If there is no such material or supercell, or its displacement is asked to change.
    CalculationError
        If the displacements asked for are not those of the data.
    """
    from mlip_core.calculations.phonons import PhononSettings, phonons

    structure, known = reference_structure(name), reference_supercells(name)
    if supercell not in known:
        raise SettingsError(f"The reference data of {name} hold no {supercell} supercell; choose {' or '.join(known)}.")
    fixed: dict[str, Any] = {
        "supercell_matrix": SUPERCELLS[supercell],
        "displacement": 0.02,
        "displacements": "reduced",
        "plus_minus": False,
    }
    if set(settings) & set(fixed):
        raise SettingsError(f"{', '.join(sorted(set(settings) & set(fixed)))} of the reference data cannot be changed.")
    model = StoredForces([atoms for atoms in _frames() if atoms.info["name"] == name], name=LEVEL_OF_THEORY)
    result = phonons(structure, model, PhononSettings(**fixed, **settings))
    points = {"primitive": "Γ, X and L", "conventional": "Γ, X, L and W"}[supercell]
    note = f"PBE reference from a 2×2×2 supercell of the {supercell} cell: exact at {points} only; in between it is interpolated."
    return replace(result, notes=(note, *result.notes))


class StoredForces(Model):
    """Answers with forces that were computed before, and only for those structures; zero for the perfect supercell.

    In the crystals of the reference no site allows a force, so that the undisplaced supercell needs no calculation.
    """

    def __init__(self, frames: list[Atoms], *, name: str) -> None:
        self.name = name
        self._frames = frames

    def _forward(self, structures: list[Atoms]) -> list[Prediction]:
        return [self._answer(atoms) for atoms in structures]

    def _answer(self, atoms: Atoms) -> Prediction:
        for frame in self._frames:
            order = _matched(atoms, frame)
            if order is not None:
                return Prediction(float(frame.info["REF_energy"]), frame.arrays["REF_forces"][order], None)
        if any(_undisplaced(atoms, frame) for frame in self._frames):
            return Prediction(0.0, np.zeros((len(atoms), 3)), None)
        raise CalculationError(
            "The reference data hold no forces for this displacement: phonopy chose others than when they were made."
        )


def _distances(atoms: Atoms, frame: Atoms, shift: np.ndarray | float = 0.0) -> np.ndarray | None:
    """(n, n) distances between shifted atoms of the one and the other, Å, in one cell; None if they cannot be the same."""
    if sorted(atoms.numbers) != sorted(frame.numbers) or not np.allclose(
        atoms.cell.array, frame.cell.array, atol=_SAME
    ):
        return None
    difference = ((atoms.positions + shift)[:, None] - frame.positions[None]) @ np.linalg.inv(frame.cell.array)
    lengths = np.linalg.norm((difference - np.rint(difference)) @ frame.cell.array, axis=2)
    return np.where(atoms.numbers[:, None] == frame.numbers[None], lengths, 1e3)


def _matched(atoms: Atoms, frame: Atoms) -> np.ndarray | None:
    """For each atom the atom of the frame at its place, up to a shift of the whole crystal; None if one has none."""
    for start in np.flatnonzero(frame.numbers == atoms.numbers[0]):
        distances = _distances(atoms, frame, frame.positions[start] - atoms.positions[0])
        if distances is None:
            return None
        rows, columns = linear_sum_assignment(distances)
        if distances[rows, columns].max() < _SAME:
            return columns
    return None


def _undisplaced(atoms: Atoms, frame: Atoms) -> bool:
    """Whether only one atom of the frame is away from its place, by the displacement."""
    distances = _distances(atoms, frame)
    if distances is None:
        return False
    nearest = np.sort(distances[linear_sum_assignment(distances)])
    return bool(nearest[-1] < 0.03 and nearest[-2] < _SAME)


@lru_cache(maxsize=1)
def _frames() -> tuple[Atoms, ...]:
    from ase.io import read

    return tuple(read(asset("reference", "phonons.extxyz"), ":"))
