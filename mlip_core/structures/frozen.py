"""Atoms that a file holds fixed, as constraints of ASE."""

import json
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixCartesian, FixScaled

from mlip_core.structures.words import depth_of, shown

_DEEPEST = 20


def constrain(atoms: Atoms, *, cartesian: np.ndarray | None = None, scaled: np.ndarray | None = None) -> list[str]:
    """Fix atoms, as constraints of ASE.

    Parameters
    ----------
    atoms : Atoms
        Changed.
    cartesian : (n, 3) array of bool, optional
        Which of x, y and z of each atom may not change.
    scaled : (n, 3) array of bool, optional
        Along which lattice vectors each atom may not move.

    Returns
    -------
    list of str
        A note, where any atom is fixed.
    """
    none = np.zeros((len(atoms), 3), dtype=bool)
    kinds = [(FixCartesian, none if cartesian is None else cartesian), (FixScaled, none if scaled is None else scaled)]
    whole = kinds[0][1].all(axis=1) | kinds[1][1].all(axis=1)
    constraints = [FixAtoms(np.flatnonzero(whole))] if whole.any() else []
    partly = np.zeros(len(atoms), dtype=bool)
    for kind, fixed in kinds:
        some = fixed.any(axis=1) & ~whole
        partly |= some
        for mask in np.unique(fixed[some], axis=0):
            constraints.append(kind(np.flatnonzero(some & (fixed == mask).all(axis=1)), mask))
    atoms.set_constraint(constraints)
    parts = [f"{whole.sum()} of {len(atoms)} atoms are fixed"] if whole.any() else []
    if partly.any():
        subject = f"{partly.sum()} may" if parts else f"{partly.sum()} of {len(atoms)} atoms may"
        parts.append(f"{subject} move along some directions only")
    return [" and ".join(parts)] if parts else []


def frozen_as_ase_says(atoms: Atoms, given: Any) -> list[str]:
    """Fix atoms as the files of ASE list it.

    Parameters
    ----------
    atoms : Atoms
        Changed.
    given : list of dict, or its JSON
        ``name`` and ``kwargs`` of each constraint; whatever else is there is only noted.

    Returns
    -------
    list of str
        Notes.
    """
    fixed = {name: np.zeros((len(atoms), 3), dtype=bool) for name in ("FixCartesian", "FixScaled")}
    left_out: dict[str, None] = {}
    for entry in _entries(given):
        name = str(entry.get("name")) if isinstance(entry, dict) else "unknown"
        kind = "FixCartesian" if name == "FixAtoms" else name
        found = _fixed(entry.get("kwargs"), len(atoms)) if kind in fixed else None
        if found is None:
            left_out[name] = None
        else:
            fixed[kind][found[0]] |= found[1]
    notes = constrain(atoms, cartesian=fixed["FixCartesian"], scaled=fixed["FixScaled"])
    if left_out:
        kinds = ", ".join(shown(name) for name in list(left_out)[:5])
        notes.append(f"constraints of the kind {kinds} are left out: these atoms may move")
    return notes


def _entries(given: Any) -> list[Any]:
    if isinstance(given, str) and depth_of(given) < _DEEPEST:
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return ["unreadable"]
    return given if isinstance(given, list) else [given] if given else []


def _fixed(kwargs: Any, n_atoms: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Indices and the (3,) mask of one constraint; None where they are not in order."""
    if not isinstance(kwargs, dict):
        return None
    indices = kwargs.get("indices", kwargs.get("a"))
    try:
        rows = np.atleast_1d(np.array(indices))
        mask = np.array(kwargs.get("mask", [True] * 3)).astype(bool)
    except (ValueError, TypeError, OverflowError):
        return None
    whole = rows.ndim == 1 and (rows.dtype.kind in "iu" or rows.size == 0)
    if not whole or mask.shape != (3,) or (rows.size and not (-n_atoms <= rows.min() <= rows.max() < n_atoms)):
        return None
    return rows.astype(int), mask
