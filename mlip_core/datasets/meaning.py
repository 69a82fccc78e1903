"""What the name of a column or number says that it is: a reference, a model's prediction, or something else."""

import re
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

ATTACHED = "results/"
"""Prefix of the name of a key among the results attached to the structure."""


class Rank(IntEnum):
    """How well a key fits a quantity; the lowest is taken, and nothing above ``NAMED`` without being asked for."""

    ATTACHED = 0
    """A result that ASE attaches to a structure."""
    REFERENCE = 1
    """The name says reference, or names a program or level of theory."""
    PLAIN = 2
    """The quantity's name and nothing else."""
    NAMED = 3
    """The quantity's name and words that are not known here."""
    SHAPED = 4
    """Has the shape of forces, but not the name."""
    PREDICTION = 5
    """The name says that a model predicted it."""
    OTHER = 6
    """The name says that it is another quantity."""


class Meaning(NamedTuple):
    """What a key means."""

    rank: Rank
    """How surely the key holds the quantity; the lowest is taken first."""
    why: str
    """Why it is not taken, for ``SHAPED`` and above; else empty."""
    family: tuple[str, ...]
    """What is left of the name without the quantity: the same for keys of one calculation."""


_CORE = {
    "energy": re.compile(r"energy|energies|(?<![a-z])(e|etot|epot|toten)(?![a-z])", re.IGNORECASE),
    "forces": re.compile(r"forces?|(?<![a-z])(f|frc)(?![a-z])", re.IGNORECASE),
    "stress": re.compile(r"stress(es)?|virials?", re.IGNORECASE),
}


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEUTRAL = {
    "energy": _set("total tot potential pot free ev system structure scf final"),
    "forces": _set("total tot atomic atom atoms per ev ang angstrom scf final"),
    "stress": _set("tensor total tot ev ang angstrom voigt xx yy zz scf final"),
}
_REFERENCE = _set(
    "ref reference dft qm qc vasp pbe pbesol pbe0 lda gga scan r2scan hse hse06 b3lyp wb97x wb97m mp2 ccsd ccsdt "
    "castep gpaw qe espresso pwscf pwdft aims fhi fhiaims cp2k siesta abinit orca gaussian g16 psi4 pyscf wien2k "
    "exciting elk nwchem turbomole dftb xtb target targets true truth label labels exact abinitio initio mtt uncorrected"
)
_MODELS = _set(
    "mace nequip allegro chgnet m3gnet sevennet sevenn 7net orb pet upet gap nep ace pace snap mtp schnet painn "
    "nn nnp ml mlp mlip mliap mlff ff dp deepmd dpa pred preds predict predicted prediction predictions model "
    "esen eqv equiformer equiformerv mattersim uma fairchem ani aimnet matgl tensornet megnet alignn teanet pfp "
    "gnn gemnet grace hdnnp bpnn soap student ensemble committee conservative nc"
)
_SPREAD = _set(
    "error errors err std stdev stddev sigma var variance unc uncertainty uncert rmse mae rms diff difference residual "
    "residuals deviation dev bias weight weights wt tol tolerance threshold cutoff cut max min mean average avg norm scale "
    "mask unit units loss magnitude minus"
)
_PART = _set(
    "kinetic kin zpe vibrational thermal vdw dispersion disp d2 d3 d4 coulomb electrostatic longrange ewald xc exchange "
    "correlation band fermi homo lumo ionization affinity entropy enthalpy conserved strain elastic pair bond angle dihedral "
    "external ext spring bias constraint applied nuclear repulsion nosepot nosekinetic local correction"
)
_DIFFERENCE = _set(
    "formation form cohesive cohesion coh binding bind hull adsorption ads interaction reaction atomization atomisation "
    "decomposition mixing surface vacancy defect solvation hydration relative rel delta shifted shift offset barrier"
)
_PER_ATOM = _set("per atom atoms atomic peratom peratoms pa epa natom natoms isolated site node")
_OTHER_VECTORS = (
    ("velocities or momenta", _set("v"), ("vel", "momentum", "momenta", "mom")),
    ("dipoles, magnetic moments or charges", _set("mu"), ("dipole", "mag", "spin", "charge", "born", "polar")),
    (
        "positions, displacements or torques",
        _set("r x u"),
        ("pos", "coord", "disp", "scaled", "frac", "wrapped", "unwrapped", "initial", "torque", "angular"),
    ),
    ("a field or an acceleration", _set("efield"), ("field", "accel")),
)
_VASP = {"e_0_energy", "e_fr_energy", "e_wo_entrp"}


@lru_cache(maxsize=4096)
def meaning(quantity: str, key: str) -> Meaning:
    """Judge a key by its words.

    Parameters
    ----------
    quantity : {"energy", "forces", "stress"}
    key : str
        As the file has it; attached results begin with :data:`ATTACHED`.

    Returns
    -------
    Meaning
    """
    if key.startswith(ATTACHED):
        return Meaning(Rank.ATTACHED, "", ())
    if quantity == "energy" and key.lower() in _VASP:
        return Meaning(Rank.PLAIN, "", ())
    if quantity == "forces" and not names_it(quantity, key):
        return _vector(_spaced(key).lower())
    family = tuple(word for word in _rest(quantity, key) if word.lower() not in _NEUTRAL[quantity])
    rest = [word.lower() for word in family]
    if why := _other(quantity, rest):
        return Meaning(Rank.OTHER, why, family)
    model, reference = (any(_in(known, word) for word in rest) for known in (_MODELS, _REFERENCE))
    if model and not reference:
        return Meaning(Rank.PREDICTION, "by its name a model's prediction", family)
    if reference and not model:
        return Meaning(Rank.REFERENCE, "", family)
    return Meaning(Rank.NAMED if rest else Rank.PLAIN, "", family)


def plain_family(family: tuple[str, ...]) -> frozenset[str]:
    """Return a family of names without regard to case and order."""
    return frozenset(word.lower() for word in family)


def names_it(quantity: str, key: str) -> bool:
    """Whether the key has the quantity in its name."""
    return _CORE[quantity].search(key) is not None


def _spaced(key: str) -> str:
    """Part the words of camelCase."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", key)


def _in(known: frozenset[str], word: str) -> bool:
    return word in known or word.rstrip("0123456789") in known


def _rest(quantity: str, key: str) -> list[str]:
    """Words of the key without the quantity."""
    return re.findall(r"[^\W_]+", _spaced(_CORE[quantity].sub(" ", key)))


def _other(quantity: str, rest: list[str]) -> str:
    reasons = [
        (_SPREAD, "by its name an error, a weight or a measure of size"),
        (_PART, f"by its name a part of the {quantity}"),
    ]
    if quantity == "energy":
        reasons += [
            (_PER_ATOM, "by its name an energy per atom"),
            (_DIFFERENCE, "by its name a difference of energies"),
        ]
    if quantity == "stress":
        reasons.append((_PER_ATOM, "by its name a stress per atom"))
    return next((why for words, why in reasons if any(word in words for word in rest)), "")


def _vector(lowered: str) -> Meaning:
    words = re.findall(r"[^\W_]+", lowered)
    for what, whole, starts in _OTHER_VECTORS:
        if any(word in whole or word.startswith(starts) for word in words):
            return Meaning(Rank.OTHER, f"by its name {what}", tuple(words))
    return Meaning(Rank.SHAPED, "three numbers an atom, but not by its name forces", tuple(words))
