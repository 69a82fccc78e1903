"""PBE bands on the path of a line-up, from stored force constants: needs neither phonopy nor a model."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from ase import Atoms

from mlip_core.assets import asset
from mlip_core.calculations.phonons.bands import BandStructure
from mlip_core.calculations.phonons.dynamical_matrix import dynamical_matrix, frequencies_of
from mlip_core.calculations.phonons.force_constants import Lattice
from mlip_core.calculations.phonons.record import Phonons
from mlip_core.records import load, record
from mlip_core.structures import symmetry

FILE = ("reference", "force_constants.npz")
_SYMPREC = 1e-3
"""Å."""


@record("ReferenceCrystal")
@dataclass(frozen=True, kw_only=True)
class ReferenceCrystal:
    """What the PBE phonons of one material are made of."""

    name: str
    """Formula."""
    structure: Atoms
    """Primitive cell at its PBE lattice constant."""
    supercell_matrix: np.ndarray
    """(3, 3), integers; columns multiply the vectors of `structure`."""
    force_constants: np.ndarray
    """(n_primitive, n_supercell, 3, 3), eV/Å², projected on translations, permutation and space group."""
    lattice: Lattice
    """Tables of the supercell."""


@record("ReferenceCrystals")
@dataclass(frozen=True, kw_only=True)
class ReferenceCrystals:
    """What is stored."""

    crystals: tuple[ReferenceCrystal, ...]
    """One a material."""


@dataclass(frozen=True, kw_only=True)
class ReferenceBands:
    """PBE bands on the path of another calculation."""

    crystal: ReferenceCrystal
    """Of what."""
    bands: BandStructure
    """Frequencies, THz, at the same fractional q."""
    exact: tuple[int, ...]
    """Index of q of every named point that the reference's supercell holds; elsewhere it is interpolated."""
    exact_labels: tuple[str, ...]
    """Their names, in the same order."""


@dataclass(frozen=True, kw_only=True)
class ReferenceDifference:
    """How far bands are from the PBE reference."""

    exact_mae: float
    """Mean |Δω| over the branches at the exact points, each point once, without the acoustic ones at Γ, THz."""
    exact_max: float
    """Largest of these, THz."""
    path_mae: float
    """Mean |Δω| over all q of the path and branches, THz; includes the reference's interpolation."""
    highest: float
    """Highest frequency of the reference on the path, THz."""


@lru_cache(maxsize=1)
def stored_crystals() -> tuple[ReferenceCrystal, ...]:
    """Return the materials that have PBE force constants."""
    return load(asset(*FILE)).crystals


def stored_crystal(result: Phonons, name: str) -> ReferenceCrystal:
    """Take from a phonon calculation in its primitive cell what bands need."""
    return ReferenceCrystal(
        name=name,
        structure=result.primitive,
        supercell_matrix=result.supercell_matrix,
        force_constants=result.force_constants,
        lattice=result.lattice,
    )


def reference_crystal(structure: Atoms) -> ReferenceCrystal | None:
    """Find the reference of a crystal: the same formula in the same space group.

    Parameters
    ----------
    structure : Atoms
        Any cell of the crystal.

    Returns
    -------
    ReferenceCrystal or None
        None where there is none.
    """
    formula = structure.get_chemical_formula(empirical=True)
    same = [one for one in stored_crystals() if one.structure.get_chemical_formula(empirical=True) == formula]
    if not same or (found := symmetry(structure, _SYMPREC)) is None:
        return None
    return next((one for one in same if _space_group(one.structure) == found.number), None)


def reference_bands(crystal: ReferenceCrystal, result: Phonons) -> ReferenceBands:
    """Compute the bands of the reference on the path of a calculation of the same crystal.

    The two differ in lattice constant and orientation; q is the same in
    fractions of the reciprocal vectors, because phonopy's "auto" primitive
    cell is the standard one whatever cell was given.

    Parameters
    ----------
    crystal : ReferenceCrystal
        From :func:`reference_crystal`.
    result : Phonons
        Gives the path.

    Returns
    -------
    ReferenceBands
    """
    path = result.band_structure
    masses = crystal.structure.get_masses()
    matrices = [dynamical_matrix(q, crystal.force_constants, crystal.lattice, masses) for q in path.qpoints]
    frequencies = frequencies_of(np.linalg.eigvalsh(matrices))
    waves = path.qpoints @ crystal.supercell_matrix
    held = np.abs(waves - np.rint(waves)).max(axis=1) < 1e-6
    named = [(int(k), name) for k, name in zip(path.label_indices, path.labels, strict=True) if held[k]]
    return ReferenceBands(
        crystal=crystal,
        bands=replace(path, frequencies=frequencies),
        exact=tuple(index for index, _ in named),
        exact_labels=tuple(name for _, name in named),
    )


def difference_to_reference(bands: BandStructure, reference: ReferenceBands) -> ReferenceDifference:
    """Compare bands with the reference on their path.

    Parameters
    ----------
    bands : BandStructure
        On the path of the reference.
    reference : ReferenceBands
        From :func:`reference_bands`.

    Returns
    -------
    ReferenceDifference
    """
    difference = np.abs(bands.frequencies - reference.bands.frequencies)
    points = dict(zip(reference.exact_labels, reference.exact, strict=True))
    exact = np.concatenate([difference[index, 3 * (name == "Γ") :] for name, index in points.items()])
    return ReferenceDifference(
        exact_mae=float(exact.mean()),
        exact_max=float(exact.max()),
        path_mae=float(difference.mean()),
        highest=float(reference.bands.frequencies.max()),
    )


def _space_group(atoms: Atoms) -> int:
    found = symmetry(atoms, _SYMPREC)
    assert found is not None
    return found.number
