"""What makes one doubt that a column is what it is called, gathered while structures go by."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from mlip_core.datasets.labels import value_of
from mlip_core.datasets.meaning import ATTACHED, Meaning, Rank, meaning, plain_family

NET_RATIO = 0.3
"""|ΣF| over the root of Σ|F|²: about 1 for vectors that know nothing of each other, 0 for forces."""
NET_PER_ATOM = 0.02
"""|ΣF|/N, eV/Å: less is left by the noise of a calculation."""
_FEWEST = 2
_CLOSE = 1e-6


@dataclass
class Doubts:
    """Counts over the structures of a data set."""

    checked: Counter[str] = field(default_factory=Counter)
    """Structures of two atoms or more, by the key of their forces."""
    adrift: Counter[str] = field(default_factory=Counter)
    """Those whose forces do not add up to zero."""
    repeated: dict[tuple[str, str], bool] = field(default_factory=dict)
    """(key of the forces, another key) → the same numbers in every structure so far."""
    different: dict[str, dict[str, int]] = field(default_factory=lambda: {"energy": {}, "forces": {}})
    """quantity → another key that could be the reference → structures in which it differs."""

    def add(
        self, atoms: Atoms, keys: dict[str, str], found: dict[str, dict[str, Meaning]], forces: np.ndarray | None
    ) -> None:
        """Look at one structure.

        Parameters
        ----------
        atoms : Atoms
            As its file gave it.
        keys : dict
            quantity → key that was taken.
        found : dict
            quantity → key → meaning, of everything that was there.
        forces : (n_atoms, 3) array or None
            As taken, eV/Å.
        """
        if forces is not None:
            self._sum(keys["forces"], forces)
            self._compare_forces(atoms, keys["forces"], found["forces"])
        if "energy" in keys:
            self._compare_energies(atoms, keys["energy"], found["energy"])

    def _sum(self, key: str, forces: np.ndarray) -> None:
        if len(forces) < 2:
            return
        net, size = np.linalg.norm(forces.sum(axis=0)), np.sqrt((forces**2).sum())
        self.checked[key] += 1
        self.adrift[key] += bool(net > NET_RATIO * size and net > NET_PER_ATOM * len(forces))

    def _compare_forces(self, atoms: Atoms, taken: str, found: dict[str, Meaning]) -> None:
        values = np.asarray(value_of(atoms, taken), dtype=float)
        others = {key: m for key, m in found.items() if key != taken} | {"positions": meaning("forces", "positions")}
        for key, m in others.items():
            same = bool(np.abs(values - np.asarray(value_of(atoms, key), dtype=float)).max() < _CLOSE)
            if m.rank > Rank.NAMED and values.any():  # zeros, as in a crystal at rest, say nothing
                self.repeated[taken, key] = self.repeated.get((taken, key), True) and same
            elif m.rank <= Rank.NAMED and not same:
                self.different["forces"][key] = self.different["forces"].get(key, 0) + 1

    def _compare_energies(self, atoms: Atoms, taken: str, found: dict[str, Meaning]) -> None:
        value = float(np.asarray(value_of(atoms, taken)).item())
        family = plain_family(meaning("energy", taken).family)
        for key, m in found.items():
            other = float(np.asarray(value_of(atoms, key)).item())
            if m.rank <= Rank.NAMED and plain_family(m.family) != family and abs(other - value) > _CLOSE:
                self.different["energy"][key] = self.different["energy"].get(key, 0) + 1

    def sentences(self, chosen: Collection[str] = ()) -> list[str]:
        """Say what is doubtful.

        Parameters
        ----------
        chosen : collection of str
            Quantities whose key a person chose: of other keys for them nothing is said.

        Returns
        -------
        list of str
            A sentence each.
        """
        said = [
            f"The forces ({_name(key)}) do not add up to zero in {self.adrift[key]} of {n} structures. "
            "Are they another quantity, or were atoms held fixed?"
            for key, n in self.checked.items()
            if n >= _FEWEST and self.adrift[key] > n / 2
        ]
        said += [
            f"The forces ({_name(taken)}) are the same numbers as {key}, which is {meaning('forces', key).why}: "
            "one of them is not what it is called."
            for (taken, key), same in self.repeated.items()
            if same
        ]
        for quantity, others in self.different.items():
            if others and quantity not in chosen:
                named = ", ".join(f"{_name(key)} ({n})" for key, n in others.items())
                said.append(f"Other {quantity} that could be the reference are there, and differ: {named}.")
        return said


def _name(key: str) -> str:
    return key.removeprefix(ATTACHED)
