"""Which keys of a structure hold its reference energy, forces and stress."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import voigt_6_to_full_3x3_stress

from mlip_core.datasets.units import Units
from mlip_core.errors import DatasetError

QUANTITIES = ("energy", "forces", "stress")
ATTACHED = "results/"
"""Prefix of the name of a key among the results attached to the structure."""
_FAMILIES = (ATTACHED, "REF_", "dft_", "DFT_", "")
_NAMES = {"energy": ("energy",), "forces": ("forces", "force"), "stress": ("stress", "virial")}
_NOT_FORCES = {"positions", "momenta", "initial_magmoms", "magmoms", "velocities", "vel", "pos"}


class NoLabels(Exception):
    """Why a frame cannot be used as labelled."""


@dataclass(frozen=True)
class Labels:
    """Reference values of one structure, in eV, eV/Å and eV/Å³."""

    energy: float | None
    """Total, eV."""
    forces: np.ndarray | None
    """(n_atoms, 3), eV/Å."""
    stress: np.ndarray | None
    """(3, 3), eV/Å³, ASE's sign."""
    keys: dict[str, str]
    """For each quantity found the key it came from."""


def candidates(atoms: Atoms) -> dict[str, list[str]]:
    """Return the keys that could hold each quantity, the one taken by default first."""
    found: dict[str, list[str]] = {}
    for quantity in QUANTITIES:
        usual = [f"{family}{name}" for family in _FAMILIES for name in _NAMES[quantity]]
        found[quantity] = [key for key in usual if key.startswith(ATTACHED) or key in atoms.arrays or key in atoms.info]
        found[quantity] = [key for key in found[quantity] if _value(atoms, key) is not None]
    results = _results(atoms)
    found["energy"] += [f"{ATTACHED}free_energy"] if "free_energy" in results else []
    found["energy"] += [
        k for k, v in atoms.info.items() if "energy" in k.lower() and np.ndim(v) == 0 and k not in found["energy"]
    ]
    found["forces"] += [
        k
        for k, v in atoms.arrays.items()
        if v.shape[1:] == (3,) and v.dtype.kind == "f" and k not in {*_NOT_FORCES, *found["forces"]}
    ]
    found["stress"] += [
        k
        for k, v in atoms.info.items()
        if ("stress" in k.lower() or "virial" in k.lower()) and np.size(v) in (6, 9) and k not in found["stress"]
    ]
    return found


def labels(atoms: Atoms, chosen: dict[str, str | None], units: Units, found: dict[str, list[str]]) -> Labels:
    """Read the reference of one structure.

    Without a choice the first candidate for forces decides the family
    (attached results, ``REF_``, ``dft_``, ``DFT_``, plain), and energy and stress
    come from the same family where it has them: one calculation, not a mixture.

    Parameters
    ----------
    atoms : Atoms
        With whatever its file gave.
    chosen : dict
        Key chosen for a quantity, None to find it, "" to leave it out.
    units : Units
        Of the values found.
    found : dict
        From :func:`candidates`.

    Returns
    -------
    Labels

    Raises
    ------
    NoLabels
        If the forces are missing, of another shape, or not finite.
    """
    left_out = {quantity for quantity, key in chosen.items() if key == ""}
    found = {quantity: [] if quantity in left_out else keys for quantity, keys in found.items()}
    keys = {quantity: chosen.get(quantity) or next(iter(found[quantity]), None) for quantity in QUANTITIES}
    family = _family(keys["forces"])
    for quantity in ("energy", "stress"):
        if not chosen.get(quantity) and family is not None:
            keys[quantity] = next((key for key in found[quantity] if _family(key) == family), keys[quantity])
    used = {q: key for q, key in keys.items() if key is not None and _value(atoms, key) is not None}
    values = {q: _value(atoms, key) for q, key in used.items()}
    energy, stress = (
        _energy(values.get("energy"), units),
        _stress(atoms, used.get("stress"), values.get("stress"), units),
    )
    for quantity, value in (("energy", energy), ("stress", stress)):
        if value is None:
            used.pop(quantity, None)
    return Labels(energy, _forces(atoms, used.get("forces"), values.get("forces"), units), stress, used)


def _family(key: str | None) -> str | None:
    return None if key is None else next(family for family in _FAMILIES if key.startswith(family))


def _results(atoms: Atoms) -> dict[str, Any]:
    return {} if atoms.calc is None else {k: v for k, v in atoms.calc.results.items() if v is not None}


def _value(atoms: Atoms, key: str) -> Any:
    if key.startswith(ATTACHED):
        return _results(atoms).get(key.removeprefix(ATTACHED))
    for place in (atoms.arrays, atoms.info, _results(atoms)):
        if key in place:
            return place[key]
    return None


def _numbers(value: Any) -> np.ndarray | None:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None


def _energy(value: Any, units: Units) -> float | None:
    number = None if value is None else _numbers(value)
    if number is None or number.size != 1 or not np.isfinite(number).all():
        return None
    return float(number.item()) * units.energy_in_ev


def _forces(atoms: Atoms, key: str | None, value: Any, units: Units) -> np.ndarray | None:
    if key is None:
        return None
    forces = _numbers(value)
    if forces is None or forces.shape != (len(atoms), 3):
        shape = "text" if forces is None else f"shape {forces.shape}"
        raise NoLabels(f"{key} has {shape}; expected ({len(atoms)}, 3)")
    bad = ~np.isfinite(forces).all(axis=1)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise NoLabels(
            f"{key} is not finite for {int(bad.sum())} atoms, first atom {first} ({atoms.symbols[first]}, counted from 0)"
        )
    return forces * units.forces_in_ev_per_a


def _stress(atoms: Atoms, key: str | None, value: Any, units: Units) -> np.ndarray | None:
    """(3, 3) from 3×3, nine numbers or ASE's six (xx yy zz yz xz xy); a virial is −V σ."""
    numbers = None if value is None else _numbers(value)
    if key is None or numbers is None or numbers.size not in (6, 9) or not np.isfinite(numbers).all():
        return None
    if not atoms.pbc.all() or abs(np.linalg.det(atoms.cell.array)) < 1e-8:
        return None
    full = voigt_6_to_full_3x3_stress(numbers.ravel()) if numbers.size == 6 else numbers.reshape(3, 3)
    if "virial" in key.lower():
        return -full * units.energy_in_ev / atoms.get_volume()
    return full * units.stress_in_ev_per_a3


def check_chosen(chosen: dict[str, str | None], seen: dict[str, set[str]], used: dict[str, dict[str, int]]) -> None:
    """Refuse a key that no frame has.

    Raises
    ------
    DatasetError
        Naming the keys that there are.
    """
    for quantity, key in chosen.items():
        if key and not used.get(quantity):
            there = ", ".join(sorted(seen[quantity])) or "none"
            raise DatasetError(f"No frame has {quantity} under {key!r}. Keys that could hold {quantity}: {there}.")
