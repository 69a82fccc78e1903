"""Which keys of a structure hold its reference energy, forces and stress, and their values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import voigt_6_to_full_3x3_stress

from mlip_core.datasets.meaning import ATTACHED, Meaning, Rank, meaning, names_it, plain_family
from mlip_core.datasets.units import Units
from mlip_core.errors import DatasetError

QUANTITIES = ("energy", "forces", "stress")
_FAMILIES = (ATTACHED, "REF_", "dft_", "DFT_", "")
_NAMES = {"energy": ("energy",), "forces": ("forces", "force"), "stress": ("stress", "virial")}


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


def candidates(atoms: Atoms) -> dict[str, dict[str, Meaning]]:
    """Return what could hold each quantity, with what its name means, the best first.

    Parameters
    ----------
    atoms : Atoms
        With arrays, info and attached results.

    Returns
    -------
    dict
        quantity → key → meaning. Numbers of another shape are not in it; what is another
        quantity by its name is, at the end.
    """
    there = [f"{ATTACHED}{name}" for name in _results(atoms)]
    by_quantity = {
        "energy": [k for k in there if k in (f"{ATTACHED}energy", f"{ATTACHED}free_energy")]
        + [k for k, v in atoms.info.items() if names_it("energy", k) and _is_number(v)],
        "forces": [k for k in there if k == f"{ATTACHED}forces"] + _vectors(atoms),
        "stress": [k for k in there if k == f"{ATTACHED}stress"]
        + [k for k, v in atoms.info.items() if names_it("stress", k) and np.size(v) in (6, 9)],
    }
    return {quantity: _ranked(quantity, keys) for quantity, keys in by_quantity.items()}


def _vectors(atoms: Atoms) -> list[str]:
    """Keys of three numbers an atom; whole numbers only where they are called forces."""
    everything = {**atoms.info, **{k: v for k, v in atoms.arrays.items() if k != "positions"}}
    shaped = {k: np.asarray(v) for k, v in everything.items() if np.shape(v) == (len(atoms), 3)}
    return [k for k, v in shaped.items() if v.dtype.kind == "f" or (v.dtype.kind in "iu" and names_it("forces", k))]


def _ranked(quantity: str, keys: list[str]) -> dict[str, Meaning]:
    usual = [f"{family}{name}" for family in _FAMILIES for name in _NAMES[quantity]]
    place = {key: k for k, key in enumerate(usual)}
    meanings = {key: meaning(quantity, key) for key in keys}
    order = sorted(keys, key=lambda key: (meanings[key].rank, place.get(key, len(usual))))
    return {key: meanings[key] for key in order}


def choose(atoms: Atoms, chosen: dict[str, str | None], found: dict[str, dict[str, Meaning]]) -> dict[str, str]:
    """Pick the key of each quantity.

    Without a choice the forces decide: energy and stress come from the same family of
    names where it has them: one calculation, not a mixture.

    Parameters
    ----------
    atoms : Atoms
    chosen : dict
        Key chosen for a quantity, None to find it, "" to leave it out.
    found : dict
        From :func:`candidates`.

    Returns
    -------
    dict
        quantity → key that is there; a quantity for which none is clear is missing.
    """
    keys: dict[str, str] = {}
    for quantity in ("forces", "energy", "stress"):
        key = chosen.get(quantity)
        if key is None:
            key = _best(atoms, found[quantity], _family(keys.get("forces"), found["forces"]))
        if key and value_of(atoms, key) is not None:
            keys[quantity] = key
    return keys


def _family(key: str | None, found: dict[str, Meaning]) -> tuple[str, ...] | None:
    if key is None:
        return None
    return (found[key] if key in found else meaning("forces", key)).family


def _best(atoms: Atoms, found: dict[str, Meaning], family: tuple[str, ...] | None) -> str | None:
    """Return the best key, of the given family where there is one; None where it is not clear."""
    takeable = {key: m for key, m in found.items() if m.rank <= Rank.NAMED}
    if not takeable:
        return None
    if family is not None:
        for same in (lambda m: m.family == family, lambda m: plain_family(m.family) == plain_family(family)):
            if match := next((key for key, m in takeable.items() if same(m)), None):
                return match
    best = next(iter(takeable))
    if takeable[best].rank is not Rank.NAMED or all(_same(atoms, best, key) for key in takeable):
        return best
    return None


def _same(atoms: Atoms, one: str, other: str) -> bool:
    return np.array_equal(np.asarray(value_of(atoms, one)), np.asarray(value_of(atoms, other)))


def why_no_forces(found: dict[str, Meaning]) -> str:
    """Say why no key was taken, and how to choose one."""
    open_to_choice = [key for key, m in found.items() if m.rank <= Rank.PREDICTION]
    if not open_to_choice:
        others = "; ".join(f"{key} is {m.why}" for key, m in found.items())
        return f"no forces ({others})" if others else "no forces"
    if len(open_to_choice) == 1:
        (key,) = open_to_choice
        return f'no forces for sure: {key} is {found[key].why}. If it is the reference, say forces_key="{key}"'
    return f"no forces for sure: {', '.join(open_to_choice)} could be the reference. Choose one with forces_key="


def labels(atoms: Atoms, keys: dict[str, str], units: Units) -> Labels:
    """Read the reference of one structure.

    Parameters
    ----------
    atoms : Atoms
        With whatever its file gave, lengths in the file's unit.
    keys : dict
        From :func:`choose`.
    units : Units
        Of the values found.

    Returns
    -------
    Labels

    Raises
    ------
    NoLabels
        If the forces are of another shape or not finite.
    """
    values = {quantity: value_of(atoms, key) for quantity, key in keys.items()}
    energy = _energy(values.get("energy"), units)
    stress = _stress(atoms, keys.get("stress"), values.get("stress"), units)
    forces = _forces(atoms, keys.get("forces"), values.get("forces"), units)
    missing = {"energy": energy is None, "stress": stress is None}
    return Labels(energy, forces, stress, {q: key for q, key in keys.items() if not missing.get(q)})


def _results(atoms: Atoms) -> dict[str, Any]:
    return {} if atoms.calc is None else {k: v for k, v in atoms.calc.results.items() if v is not None}


def value_of(atoms: Atoms, key: str) -> Any:
    """Value under a key: among arrays, info or attached results; None where there is none."""
    if key.startswith(ATTACHED):
        return _results(atoms).get(key.removeprefix(ATTACHED))
    for place in (atoms.arrays, atoms.info, _results(atoms)):
        if key in place:
            return place[key]
    return None


def _is_number(value: Any) -> bool:
    number = None if isinstance(value, bool | np.bool_) else _numbers(value)
    return number is not None and number.size == 1


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
    if "virial" in key.lower() and "stress" not in key.lower():
        volume = atoms.get_volume() * units.lengths_in_a**3  # Å³
        return -full * units.energy_in_ev / volume
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
