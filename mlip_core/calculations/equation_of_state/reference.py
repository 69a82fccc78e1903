"""The PBE reference's energies at several volumes, where it holds any."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk

from mlip_core.assets import asset
from mlip_core.calculations.equation_of_state.fit import finite_difference_pressures, fit_equation
from mlip_core.calculations.equation_of_state.record import FittedEquation
from mlip_core.structures import symmetry

_SYMPREC = 1e-3
"""Å."""
_STENCIL = 5
"""Points through which a slope is taken, as for the models."""


@dataclass(frozen=True, kw_only=True)
class ReferenceEquation:
    """PBE energies of one crystal at several volumes, all of its primitive cell."""

    name: str
    """Formula of the crystal."""
    structure: Atoms
    """Primitive cell at its PBE lattice constant."""
    volumes: np.ndarray
    """(n_volumes,), volumes of the primitive cell in rising order, Å³."""
    energies: np.ndarray
    """(n_volumes,), PBE energy at each volume, eV."""
    point_pressures: np.ndarray
    """(n_volumes,), −dE/dV by finite differences of the energies, GPa."""
    fit: FittedEquation
    """Birch–Murnaghan equation through the energies."""


def reference_equation(structure: Atoms) -> ReferenceEquation | None:
    """Find the PBE energies of a crystal at several volumes: the same formula in the same space group.

    Parameters
    ----------
    structure : Atoms
        Any cell of the crystal.

    Returns
    -------
    ReferenceEquation or None
        None where the reference holds no such crystal, or no volumes of it.
    """
    same = [one for one in _equations() if _formula(one.structure) == _formula(structure)]
    if not same or (group := _space_group(structure)) is None:
        return None
    return next((one for one in same if _space_group(one.structure) == group), None)


@lru_cache(maxsize=1)
def _equations() -> tuple[ReferenceEquation, ...]:
    """Crystals of the reference that have ``volumes`` (Å³) and ``energies`` (eV) of their primitive cell."""
    known = json.loads(asset("reference", "equilibrium.json").read_text(encoding="utf-8"))
    return tuple(_equation(name, row) for name, row in known.items() if {"volumes", "energies"} <= set(row))


def _equation(name: str, row: dict[str, Any]) -> ReferenceEquation:
    order = np.argsort(row["volumes"])
    volumes, energies = (np.array(row[key], dtype=float)[order] for key in ("volumes", "energies"))
    return ReferenceEquation(
        name=name,
        structure=bulk(name, row["structure"], row["a"]),
        volumes=volumes,
        energies=energies,
        point_pressures=finite_difference_pressures(volumes, energies, n_points=_STENCIL),
        fit=fit_equation(volumes, energies),
    )


def _formula(atoms: Atoms) -> str:
    return atoms.get_chemical_formula(empirical=True)


def _space_group(atoms: Atoms) -> int | None:
    found = symmetry(atoms, _SYMPREC)
    return None if found is None else found.number
