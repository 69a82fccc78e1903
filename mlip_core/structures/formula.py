"""Chemical formulae as people write them."""

from collections import Counter
from math import gcd

from ase import Atoms
from ase.data import atomic_numbers

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_NOBLE = (0, 2, 10, 18, 36, 54, 86, 118)
_HYDROGEN = 15.5  # between the groups of nitrogen and oxygen


def formula(atoms: Atoms, *, whole: bool = False) -> str:
    """Write a formula in the order of electronegativity: TiO₂, SiC, SrTiO₃, H₂O, C₆H₆.

    Parameters
    ----------
    atoms : Atoms
        A crystal, slab or molecule.
    whole : bool
        Count every atom of a periodic structure too (Si₈), in place of the formula unit (Si).

    Returns
    -------
    str
        With subscripts. The order is that of the periodic table's groups from left to right, each from below to
        above, noble gases first, hydrogen between nitrogen's and oxygen's: N. G. Connelly et al., Nomenclature of Inorganic Chemistry
        (IUPAC Recommendations 2005), table VI.
    """
    count = Counter(atoms.get_chemical_symbols())
    unit = 1 if whole or not atoms.pbc.any() else gcd(*count.values())
    parts = (
        symbol + (str(number // unit) if number > unit else "") for symbol, number in sorted(count.items(), key=_place)
    )
    return "".join(parts).translate(_SUBSCRIPTS)


def _place(item: tuple[str, int]) -> tuple[float, int]:
    z = atomic_numbers[item[0]]
    return _group(z), -z


def _group(z: int) -> float:
    """Group of the periodic table; the f block counts as 3, noble gases come before all."""
    if z == 1:
        return _HYDROGEN
    if z in _NOBLE:
        return 0
    period = next(number for number, last in enumerate(_NOBLE) if z <= last)
    from_left, from_right = z - _NOBLE[period - 1], _NOBLE[period] - z
    return from_left if from_left <= 2 and period > 1 else max(18 - from_right, 3)
